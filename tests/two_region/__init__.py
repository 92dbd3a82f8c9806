"""The two-region market: its files, and its month held to what docs/two-region.md works by hand."""
