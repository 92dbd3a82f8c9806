"""The Django project: pages, commands and access."""
