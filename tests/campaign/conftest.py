"""What the suite takes of the campaign: all but what takes minutes, which `make campaign` runs."""

import os

collect_ignore = [] if "TALLYSTICK_OPERATIONS" in os.environ else ["test_columns.py"]
