"""The RTS-GMLC market: its grid, fleet and a month of readings, written from the published data."""
