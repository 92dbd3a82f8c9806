"""Meter readings: files in, findings out; day vectors in revisions, as they were known."""
