"""`manage.py demo`: from written rules to proven invoices, on one machine, in a few minutes."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError

from common.file_names import file_path
from database.addresses import web_environment
from database.session import transaction
from ledger.invoice_queries import invoices
from portal.demo import DemoSignIn, create_demo_sign_ins, create_demo_users
from portal.demo_market import living_markets
from portal.job_summary import summary_text
from portal.main_job import Job, JobRequest, run_main_job
from portal.management.arguments import (
    DATA,
    IN_MARKET,
    MONTH,
    NO_MARKET,
    PORT,
    SEED,
    THREADS,
    argument,
    flag,
)
from portal.management.base import BaseCommand, Options, utc_now
from portal.management.console import announce_portal, progress_bar
from portal.management.told_files import read_told_files
from portal.serving import Unserved, refuse_unusable_address, serve
from rulebook.documents import MarketRules
from rulebook.law import rules_at
from settlement.core.periods import interval_count
from settlement.datasets.files import Form
from settlement.meters.ingest import MeterFile
from settlement.meters.unpacking import MOST_UNPACKED_BYTES


class Command(BaseCommand[list[DemoSignIn]]):
    makes_market = True
    help = (
        "Run the main job: publish the rules of gb12, or of another ready market, ingest a month "
        "(or, with --data, a year of real intervals), settle it, correct it and settle it again, "
        "invoice, replay, verify; then serve the portal. Running it again is safe: what is there "
        "already is not done twice."
    )
    takes = (
        IN_MARKET.with_settings(
            default="gb12", help="a folder of scenarios/; default: %(default)s"
        ),
        MONTH.with_settings(
            default="2024-01", help="month to make readings for; default: %(default)s"
        ),
        SEED,
        DATA,
        argument(
            "--readings",
            type=Path,
            metavar="FOLDER",
            help="of files of the month to ingest as they are, instead; such as "
            "scenarios/two-region-readings",
        ),
        THREADS,
        flag("--no-serve", "exit instead of serving"),
        PORT,
        NO_MARKET,
    )

    def run(self, options: Options) -> list[DemoSignIn]:
        request = JobRequest(
            market=options.market,
            month=options.month,
            data=options.data,
            seed=options.seed,
            threads=options.threads,
            readings=self._told_readings(options),
        )
        if not options.no_serve:  # before minutes of work, not after them
            try:
                refuse_unusable_address("127.0.0.1", options.port)
            except Unserved as error:
                raise CommandError(str(error)) from None
            web_environment()  # refuses where pages would have no address
            self.check()  # of the portal; imports every page, which nobody asks for who serves none
        call_command("migrate", verbosity=0)
        job = run_main_job(request, utc_now, progress_bar)
        rules = self._rules(job)
        self.stdout.write(summary_text(job, rules.currency, self._interval_count(job, rules)))
        if not job.is_proven:
            raise CommandError("the main job did not prove itself; see above")
        # Who serves later is given passwords then; these would be told to nobody.
        participants = self._participants(job)
        if options.no_serve:
            create_demo_users(self.now(), request.market, participants)
            return []
        return create_demo_sign_ins(self.now(), request.market, participants)

    def lines(self, outcome: list[DemoSignIn], options: Options) -> Iterator[str]:
        # The main job is summed up by `run`, also where it did not prove itself.
        if options.no_serve:
            yield "\nTo look at it: `make serve`, which prints where and the sign-ins."

    def go_on(self, outcome: list[DemoSignIn], options: Options) -> None:
        if not options.no_serve:
            living = [] if options.no_market else living_markets(self.now())
            announce = partial(announce_portal, self.stdout, outcome, living=living)
            threads = 2 * (os.cpu_count() or 1) + 2
            serve("127.0.0.1", options.port, threads, announce, living=living)

    def _told_readings(self, options: Options) -> tuple[MeterFile, ...]:
        """Return the files of the folder that is named; none where none is."""
        if options.readings is None:
            return ()
        if options.data:
            raise CommandError("give --data or --readings, not both")
        endings = {f".{form.value}" for form in Form}
        problem = "no file whose name ends in .csv or .parquet"
        try:
            paths = sorted(path for path in options.readings.iterdir() if path.suffix in endings)
        except OSError as error:
            paths, problem = [], error.strerror or "it cannot be read"
        if not paths:
            raise CommandError(
                f"{file_path(options.readings)}: {problem}; name the folder of the month's readings"
            )
        return tuple(
            MeterFile(name, content)
            for name, content in read_told_files(paths, MOST_UNPACKED_BYTES)
        )

    def _rules(self, job: Job) -> MarketRules:
        run = job.runs[-1]
        with transaction() as session:
            return rules_at(session, run.market, run.last_day, run.known_at).market_rules

    def _interval_count(self, job: Job, rules: MarketRules) -> int:
        return sum(
            interval_count(day, rules.time_zone, rules.interval_minutes)
            for day in job.runs[-1].days
        )

    def _participants(self, job: Job) -> list[str]:
        with transaction() as session:
            issued = invoices(session, market=job.request.market)
        largest = sorted(issued, key=lambda invoice: -abs(invoice.due_minor))
        return list(dict.fromkeys(invoice.participant for invoice in largest))
