"""The law: documents, versions and what is in force."""

# Before any zone is read: by which data its days are days.
import common.time_zones as _pinned_time_zones  # noqa: F401
