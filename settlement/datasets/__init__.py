"""Data sets: readings to ingest, from recorded profiles or seeded ones, in the format of ingest."""
