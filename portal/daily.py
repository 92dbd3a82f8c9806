"""What a server does once a day: sign the log, where nobody published, posted or issued."""

import datetime as dt
import logging
import threading

from database.session import engine
from portal.signing import sign_daily

log = logging.getLogger(__name__)

LOOK_EVERY = dt.timedelta(minutes=10)
"""How often it looks whether the day was signed; the first look comes after as long."""


def start_signing_daily() -> threading.Event:
    """Start the thread that signs; setting what is returned ends it."""
    ended = threading.Event()
    threading.Thread(target=_sign_daily, args=(ended,), daemon=True).start()
    return ended


def _sign_daily(ended: threading.Event) -> None:
    while not ended.wait(LOOK_EVERY.total_seconds()):
        complaint = sign_daily(dt.datetime.now(dt.UTC))
        if complaint:
            log.error(complaint)
        # This process makes those that serve, again where one fails: none may inherit a connection.
        engine().dispose()
