"""The permit by which the worker acts as whoever asked, for the one act that they asked for.

A permit is a token (`ledger.people.tokens`) made of everything that the request says and of the
secret of this portal. The web process lets it act for the account of the session that asks; the
worker makes it anew from the stored row, and ends it with the act. So a row that was changed,
copied or written by hand has none.
"""

import hmac
import json
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.session import act_by
from ledger.people import store, tokens
from portal import acting
from portal.models import Act


def grant_permit(act: Act, lasting: timedelta) -> None:
    """Let the worker do an act in the name of whoever asks for it."""
    tokens.accept(acting.run, act.user.get_username(), permit_of(act), lasting)


def act_by_permit(session: Session, act: Act) -> None:
    """Let a transaction act as whoever asked, this once.

    Raises:
        Refused: what the row asks for is not what its account asked for.
    """
    permit = permit_of(act)
    act_by(session, permit)
    account = act.user.get_username()
    if store.acting(session).account != account:
        raise Refused(
            [
                Finding(
                    "act-not-permitted",
                    f"{act.get_kind_display()} {act.subject}",
                    account,
                    "an act is done as it was asked for, within a day, by who was signed in",
                    "ask for it again",
                )
            ]
        )


def end_permit(session: Session, act: Act) -> None:
    """Let nobody act by a permit any more, in the transaction that used it."""
    tokens.end(tokens.through(session), permit_of(act))


def permit_of(act: Act) -> str:
    """Return the permit of exactly this act."""
    content = None if act.content is None else sha256(bytes(act.content)).hexdigest()
    said = {
        "account": act.user.get_username(),
        "kind": str(act.kind),
        "subject": act.subject,
        "arguments": act.arguments,
        "content": content,
        "asked_at": act.asked_at.timestamp(),
    }
    words = f"permit {json.dumps(said, sort_keys=True)}"
    return hmac.new(settings.SECRET_KEY.encode(), words.encode(), sha256).hexdigest()
