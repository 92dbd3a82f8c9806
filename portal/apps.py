"""The portal as a Django application."""

import importlib
from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.backends.signals import connection_created

from database.session import current_patience


class PortalConfig(AppConfig):
    """Label and primary key type of the portal's own tables."""

    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for sign-ins and connections of requests, and check what is deployed."""
        # Only now: it imports models, which exist once every application is loaded.
        importlib.import_module("portal.audit")
        register(importlib.import_module("portal.checks").check_founding, deploy=True)
        connection_created.connect(limit_connection)


def limit_connection(connection: Any, **_: object) -> None:
    """Hold a connection of Django to what the request that opens it may wait, to its end."""
    patience = current_patience()
    if patience is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, false), "
                "set_config('statement_timeout', %s, false)",
                [str(patience.lock_ms), str(patience.statement_ms)],
            )
