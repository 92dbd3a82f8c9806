"""`manage.py demo`: from written rules to proven invoices, on one machine, in a few minutes."""

import os
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from database.session import transaction
from ledger.invoice_queries import invoices
from portal.demo import create_demo_sign_ins
from portal.job_summary import summary
from portal.main_job import Job, JobRequest, run_main_job
from portal.management.console import (
    announce_portal,
    at_least,
    month_days,
    progress_bar,
    refusals_as_errors,
    utc_now,
)
from portal.serving import serve
from rulebook.documents import MarketRules
from rulebook.service import rules_at
from settlement.core.periods import interval_count


class Command(BaseCommand):
    help = (
        "Run the main job: publish the rules of gb12, ingest a month (or, with --data, a year of "
        "real intervals), settle it, correct it and settle it again, invoice, replay, verify; then "
        "serve the portal. Running it again is safe: what is there already is not done twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", default="gb12", help="a folder of scenarios/; default gb12")
        parser.add_argument(
            "--month",
            type=month_days,
            default="2024-01",
            help="month to make readings for, YYYY-MM; default 2024-01",
        )
        parser.add_argument(
            "--seed", type=at_least(0), default=1, help="seed of the readings; default 1"
        )
        parser.add_argument("--data", type=Path, help="folder with real demand and availability")
        parser.add_argument("--threads", type=at_least(1), default=os.cpu_count() or 1)
        parser.add_argument("--no-serve", action="store_true", help="exit instead of serving")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        request = JobRequest(
            market=options["market"],
            month=options["month"],
            data=options["data"],
            seed=options["seed"],
            threads=options["threads"],
        )
        call_command("migrate", verbosity=0)
        with refusals_as_errors():
            job = run_main_job(request, utc_now, progress_bar)
        rules = self._rules(job)
        self.stdout.write(summary(job, rules.currency, self._interval_count(job, rules)))
        if not job.is_proven:
            raise CommandError("the main job did not prove itself; see above")
        if not options["no_serve"]:
            self._serve(job, options["port"])

    def _rules(self, job: Job) -> MarketRules:
        run = job.runs[-1]
        with transaction() as session:
            return rules_at(session, run.market, run.last_day, run.known_at).market_rules

    def _interval_count(self, job: Job, rules: MarketRules) -> int:
        return sum(
            interval_count(day, rules.time_zone, rules.interval_minutes)
            for day in job.runs[-1].days
        )

    def _serve(self, job: Job, port: int) -> None:
        run = job.runs[-1]
        with transaction() as session:
            issued = invoices(session, market=run.market)
        largest = sorted(issued, key=lambda invoice: -abs(invoice.due_minor))
        chosen = list(dict.fromkeys(invoice.participant for invoice in largest))
        sign_ins = create_demo_sign_ins(utc_now(), run.market, chosen)
        self.stdout.write("\nSign in with (these passwords hold until the next run):")
        for sign_in in sign_ins:
            self.stdout.write(f"  {sign_in.username:<24} {sign_in.password:<22} {sign_in.role}")
        self.stdout.write("")
        serve(
            "127.0.0.1", port, 2 * (os.cpu_count() or 1) + 2, partial(announce_portal, self.stdout)
        )
