"""Drafts of law tried on days of the past: who would have gained, and who would have lost."""
