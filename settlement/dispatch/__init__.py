"""Least-cost dispatch: makes metered generation for data sets, never enters a settlement."""
