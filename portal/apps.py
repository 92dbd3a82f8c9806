"""The portal as a Django application."""

import importlib

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Label and primary key type of the portal's own tables."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for sign-ins, which the audit trail keeps."""
        # Only now: it imports models, which exist once every application is loaded.
        importlib.import_module("portal.audit")
