"""What the suite takes of the campaign: all but what takes minutes, which `make campaign` runs."""

import os

LONG = ["test_columns.py", "test_market_killed.py"]
collect_ignore = [] if "TALLYSTICK_OPERATIONS" in os.environ else LONG
