"""`manage.py answer_replay NUMBER`: compute a replay that a page asked for."""

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.replays import answer


class Command(BaseCommand):
    help = "Compute a replay that a page asked for; the portal starts this by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=int)
        parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)

    def handle(self, *args: Any, **options: Any) -> None:
        request = answer(options["number"], options["threads"])
        self.stdout.write(str(request))
