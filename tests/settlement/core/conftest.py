"""No deadline for a single example: the first one to meet a kernel also compiles it."""

from hypothesis import settings

settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")
