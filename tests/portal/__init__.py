"""Tests of the portal: a file a view."""
