"""`manage.py send_notices`: notices by e-mail to the contacts of each participant, once."""

from itertools import groupby
from typing import Any

from django.core.mail import EmailMessage
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction as portal_transaction

from database.session import transaction
from portal.management.console import print_json, utc_now
from portal.models import NoticeSent
from portal.notice_mail import contacts, message_text, subject
from portal.queries.notices import ShownNotice, notices, shown_notices


class Command(BaseCommand):
    help = (
        "Send every participant its notices that were not sent to it yet, in one message, to the "
        "contacts of its registration in force. Safe to repeat: what was sent is marked. Without "
        "TALLYSTICK_SMTP_HOST the messages are printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--market", help="of this market alone")
        parser.add_argument("--portal-url", default="", help="such as https://portal.example")
        parser.add_argument("--dry-run", action="store_true", help="say what would be sent")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utc_now()
        sent = set(NoticeSent.objects.values_list("key", flat=True))
        with transaction() as session:
            due = [
                one
                for one in notices(session, now)
                if one.key not in sent and options["market"] in (None, one.market)
            ]
            due.sort(key=lambda one: (one.market, one.participant, one.at, one.key))
            shown = shown_notices(session, due)
            addresses = contacts(session, {(one.market, one.participant) for one in due}, now)
        outcome = []
        for whom, group in groupby(shown, key=_whom):
            of_one = list(group)
            to = addresses.get(whom, ())
            if to and not options["dry_run"]:
                try:
                    self._send(of_one, to, options["portal_url"], now)
                except OSError as error:  # of the network or of the mail server
                    raise CommandError(
                        f"{whom[0]} {whom[1]}: not sent, {error}. What was sent before is marked; "
                        "repeat the command once the mail server answers."
                    ) from None
            outcome.append(
                {"market": whom[0], "participant": whom[1], "to": to, "notices": len(of_one)}
            )
        if options["json"]:
            print_json({"is_dry_run": options["dry_run"], "messages": outcome})
            return
        for one in outcome:
            to = ", ".join(one["to"]) or "nobody: no registration with a contact is in force"
            done = "would be sent" if options["dry_run"] or not one["to"] else "sent"
            self.stdout.write(
                f"{one['market']} {one['participant']}: {one['notices']} notices {done} to {to}"
            )
        if not outcome:
            self.stdout.write("Every notice was sent before.")

    def _send(self, shown: list[ShownNotice], to: tuple[str, ...], url: str, now: Any) -> None:
        """Send one message; the marks stand if and only if sending did not fail."""
        with portal_transaction.atomic():
            NoticeSent.objects.bulk_create(
                NoticeSent(key=one.notice.key, sent_at=now, sent_to=", ".join(to)) for one in shown
            )
            EmailMessage(subject(shown), message_text(shown, url), to=list(to)).send()


def _whom(one: ShownNotice) -> tuple[str, str]:
    return one.notice.market, one.notice.participant
