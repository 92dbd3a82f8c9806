"""Sessions that are worth nothing without the browser's cookie, nor without the key of the portal.

A row is found by a hash of its cookie, and its content is sealed (AES-GCM) under a key that comes
of the cookie and of SECRET_KEY, with the row's name and expiry. So whoever copies the table has no
cookie, and whoever writes to it makes no session and lengthens none: user, moment of sign-in and
all else are within the seal.
"""

import base64
import datetime as dt
import hashlib
import logging
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

log = logging.getLogger(__name__)

NONCE_BYTES = 12
NAME_LETTERS = 40
"""Of a hash in hexadecimal, as many as the column takes: 160 bits, and a cookie has 165."""


def row_name(cookie: str) -> str:
    """Return the name under which the session of a cookie is stored."""
    return hashlib.sha256(cookie.encode()).hexdigest()[:NAME_LETTERS]


def seal(content: bytes, cookie: str, expires_at: dt.datetime) -> str:
    """Return the content of a session as only its cookie opens it, and until then."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = _cipher(cookie).encrypt(nonce, content, _bound(cookie, expires_at))
    return base64.b64encode(nonce + sealed).decode()


def unseal(sealed: str, cookie: str, expires_at: dt.datetime) -> bytes | None:
    """Return the content of a session, or None where cookie, expiry or row is not what it was."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        nonce, rest = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
        return _cipher(cookie).decrypt(nonce, rest, _bound(cookie, expires_at))
    except (ValueError, InvalidTag):  # the first of what is no base64, or too short
        return None


def _cipher(cookie: str) -> AESGCM:
    return AESGCM(salted_hmac(__name__, cookie, algorithm="sha256").digest())


def _bound(cookie: str, expires_at: dt.datetime) -> bytes:
    return f"{row_name(cookie)} {expires_at.astimezone(dt.UTC).isoformat()}".encode()


class SessionStore(SessionBase):
    """The sessions of the portal, in Django's table; `session_key` is the cookie, never stored."""

    def exists(self, session_key: str) -> bool:
        """Return whether a cookie names a row."""
        return Session.objects.filter(pk=row_name(session_key)).exists()

    def create(self) -> None:
        """Store an empty session under a new cookie."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # not in the stubs
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Store the session.

        Raises:
            CreateError: `must_create`, and there is one of this cookie.
            UpdateError: not so, and there is none: it was signed out meanwhile.
        """
        if self.session_key is None:
            self.create()
            return
        # First: what asks for the expiry would load the session, and there is none yet.
        held = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # not in the stubs
        cookie = self._get_or_create_session_key()  # type: ignore[attr-defined]  # not in the stubs
        content, expires_at = self.serializer().dumps(held), self.get_expiry_date()
        row = Session(
            session_key=row_name(cookie),
            session_data=seal(content, cookie, expires_at),
            expire_date=expires_at,
        )
        if must_create:
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
            except IntegrityError:
                raise CreateError from None
        elif not Session.objects.filter(pk=row.pk).update(
            session_data=row.session_data, expire_date=row.expire_date
        ):
            raise UpdateError

    def load(self) -> dict[str, Any]:
        """Return what the session of the cookie holds; nothing, where that is none of ours."""
        cookie = self.session_key
        found = None
        if cookie is not None:
            found = Session.objects.filter(
                pk=row_name(cookie), expire_date__gt=timezone.now()
            ).first()
        if cookie is None or found is None:
            self._session_key = None
            return {}
        content = unseal(found.session_data, cookie, found.expire_date)
        if content is None:
            _refuse(found)
            self._session_key = None
            return {}
        return dict(self.serializer().loads(content))

    def delete(self, session_key: str | None = None) -> None:
        """Remove the session of a cookie; of its own, where none is named."""
        cookie = session_key or self.session_key
        if cookie is not None:
            Session.objects.filter(pk=row_name(cookie)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Remove what expired."""
        Session.objects.filter(expire_date__lt=timezone.now()).delete()


def _refuse(row: Session) -> None:
    """Take away a row that the portal did not write, or not so, and say so once."""
    from portal.audit import Action, record  # whose signals need Django's apps

    log.warning("A session that the portal did not write was refused")
    record(None, Action.SESSION_REFUSED)
    row.delete()
