"""The Django project: pages, commands and access."""

# Before any zone is read: by which data its days are days.
import common.time_zones as _pinned_time_zones  # noqa: F401
