"""`manage.py send_notices`: notices by e-mail to the contacts of each participant, once."""

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from django.core.mail import EmailMessage
from django.core.management.base import CommandError
from django.db import transaction as portal_transaction

from database.session import transaction
from portal.management.arguments import DRY_RUN, IN_MARKET, JSON, argument
from portal.management.base import BaseCommand, Options
from portal.models import NoticeSent
from portal.notice_mail import contact_addresses, covering_note, message_subject, message_text
from portal.queries.notices import ShownNotice, notices, shown_notices
from settlement.notices.notice import Notice


class Message(NamedTuple):
    """What was sent, or would be, to the contacts of a participant."""

    market: str
    participant: str
    to: tuple[str, ...]
    notices: int


class Command(BaseCommand[list[Message]]):
    help = (
        "Send every participant its notices that were not sent to it yet, in one message, to the "
        "contacts of its registration in force; of a change of the registration, to those before "
        "it too. Safe to repeat: what was sent is marked. Without "
        "TALLYSTICK_SMTP_HOST the messages are printed."
    )
    appends_facts = True
    takes = (
        IN_MARKET,
        argument("--portal-url", default="", metavar="URL", help="such as https://portal.example"),
        DRY_RUN,
        JSON,
    )

    def run(self, options: Options) -> list[Message]:
        sent = set(NoticeSent.objects.values_list("key", flat=True))
        with transaction() as session:
            due = [
                notice
                for notice in notices(session, options.now)
                if notice.key not in sent and options.market in (None, notice.market)
            ]
            participants = {(notice.market, notice.participant) for notice in due}
            addresses = contact_addresses(session, participants, options.now)
            due.sort(key=lambda notice: (*_recipient(notice, addresses), notice.at, notice.key))
            shown = shown_notices(session, due)
            note = covering_note(session, shown)
        messages = []
        for recipient, group in groupby(shown, key=lambda each: _recipient(each.notice, addresses)):
            message = Message(*recipient, len(unsent := list(group)))
            if message.to and not options.dry_run:
                try:
                    _send(unsent, message.to, options.portal_url, note, options.now)
                except OSError as error:  # of the network or of the mail server
                    raise CommandError(
                        f"{message.market} {message.participant}: not sent, {error}. What was sent "
                        "before is marked; repeat the command once the mail server answers."
                    ) from None
            messages.append(message)
        return messages

    def as_json(self, outcome: list[Message], options: Options) -> Any:
        messages = [message._asdict() for message in outcome]
        return {"is_dry_run": options.dry_run, "messages": messages}

    def lines(self, outcome: list[Message], options: Options) -> Iterator[str]:
        for message in outcome:
            to = ", ".join(message.to) or "nobody: no registration with a contact is in force"
            done = "would be sent" if options.dry_run or not message.to else "sent"
            yield (
                f"{message.market} {message.participant}: {message.notices} notices {done} to {to}"
            )
        if not outcome:
            yield "Every notice was sent before."


def _send(
    shown: list[ShownNotice], to: tuple[str, ...], url: str, note: str | None, now: dt.datetime
) -> None:
    """Send one message; the marks stand if and only if sending did not fail."""
    with portal_transaction.atomic():
        # Marked before it is sent: a notice that was marked meanwhile, by another process, stops
        # the message by its unique key, and a message that fails takes the marks back.
        NoticeSent.objects.bulk_create(
            NoticeSent(key=notice.notice.key, sent_at=now, sent_to=", ".join(to))
            for notice in shown
        )
        text = message_text(shown, url, note)
        EmailMessage(message_subject(shown), text, to=list(to)).send()


def _recipient(
    notice: Notice, addresses: Mapping[tuple[str, str], tuple[str, ...]]
) -> tuple[str, str, tuple[str, ...]]:
    """Return whom a notice is sent to: the contacts in force, and those that it may replace."""
    in_force = addresses.get((notice.market, notice.participant), ())
    return notice.market, notice.participant, tuple(dict.fromkeys((*in_force, *notice.told)))
