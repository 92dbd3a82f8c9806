"""Migrations of the portal's own tables, in the schema `portal`."""
