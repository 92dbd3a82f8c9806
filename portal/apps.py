"""The portal as a Django application."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Label and primary key type of the portal's own tables."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"
