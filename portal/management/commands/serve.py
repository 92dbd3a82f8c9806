"""`manage.py serve`: the portal by gunicorn, on the database as it is."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.serving import serve


class Command(BaseCommand):
    help = "Serve the portal until interrupted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--threads", type=int, default=2 * (os.cpu_count() or 1) + 2)

    def handle(self, *args: Any, **options: Any) -> None:
        serve(
            options["address"],
            options["port"],
            options["threads"],
            lambda url: self.stdout.write(f"Tallystick is at {url} (stop it with Ctrl-C)"),
        )
