"""Where readers of a document find the portal."""

from dataclasses import replace

from django.conf import settings

from portal.settings import LOOPBACK
from settlement.documents.issued_document import IssuedDocument


def portal_address() -> str:
    """Return the address of the portal by its first host of a name; empty where it has none.

    A loopback address or a pattern of hosts leads nobody who holds a document to the portal.
    """
    named = (
        host
        for host in settings.ALLOWED_HOSTS
        if host and host not in LOOPBACK and not host.startswith((".", "*"))
    )
    host = next(named, "")
    return f"{'https' if settings.HTTPS else 'http'}://{host}" if host else ""


def with_address(document: IssuedDocument) -> IssuedDocument:
    """Return a document that says where its proof is."""
    return replace(document, portal_address=portal_address())
