"""The days that are counted: those of every law, and of all that people ask for."""

import datetime as dt

YEARS = range(1900, 3000)
"""Of any day that is stated; 9999-12-31 is how others write that there is no end."""

EARLIEST_DAY, LATEST_DAY = dt.date(YEARS[0], 1, 1), dt.date(YEARS[-1], 12, 31)
"""Further out, the end of a day is beyond what Python counts in some zone."""
