"""The portal as a Django application."""

import importlib
from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db import connections
from django.db.backends.signals import connection_created

from database.acting import TOKEN_SETTING
from database.session import current_patience, current_token

ACT = "SELECT set_config(%s, %s, false)"


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
        connection_created.connect(act_on_connection)


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


def act_on_connection(connection: Any = None, **_: object) -> None:
    """Let a connection of Django act as the account of the request that it is used for, to its end.

    Call it once that is known; without a connection, of the one that is open. One that is opened
    later acts so too, and each is closed with its request.
    """
    used = connection or connections["default"]
    if used.connection is not None:
        with used.cursor() as cursor:
            cursor.execute(ACT, [TOKEN_SETTING, current_token() or ""])
