"""Stored runs computed again from what they are pinned to."""
