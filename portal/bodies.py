"""How much of a body each address takes, and the page for who sends more.

What a form of the portal holds is short; only bank statements and attachments are files. So an
address takes the little that a form is, unless it stands here.
"""

import re
from dataclasses import dataclass

from django.utils.html import escape

from ledger.disputes.attachments import LARGEST_BYTES as LARGEST_ATTACHMENT_BYTES
from ledger.log.witnesses import LARGEST_BYTES as LARGEST_COSIGNATURES_BYTES
from ledger.payments.bank_files import LARGEST_FILE_BYTES as LARGEST_BANK_FILE_BYTES

FORM_BYTES = 64_000
"""Of a form without a file: ten times the longest reason, percent-coded."""
OVERHEAD_BYTES = FORM_BYTES
"""Of the other fields beside a file, and what parts them."""

LARGEST_DRAFT_BYTES = 200_000
"""Of a document in a file that a page reads while its sender waits, for a second or two, with a
processor of the web process; that is six times the longest of the ready markets."""

_BACK = "Go back: what you typed is still in the form."
_UPLOADS = (
    (
        re.compile(r"/payments/import/"),
        LARGEST_BANK_FILE_BYTES,
        "Send a smaller file: zipped, or the statements of a month at a time.",
    ),
    (
        re.compile(r"/drafts/[0-9]+/upload/"),
        LARGEST_DRAFT_BYTES,
        "Send one document a file; a longer one is a file of the command that publishes.",
    ),
    *(
        (re.compile(address), LARGEST_ATTACHMENT_BYTES, f"Choose a smaller file. {_BACK}")
        for address in (
            r"/disputes/[^/]+/[0-9]+/[^/]+/",
            r"/invoices/[^/]+/[0-9]+/dispute/",
        )
    ),
)
"""Addresses that take a file, how large it may be, and what to do with a larger one."""

_COSIGNATURES = re.compile(r"/proof/checkpoint/[0-9]+/cosignatures/")
_WITH_BODY = ("POST", "PUT", "PATCH")


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: status, title, what happened and what to do about it."""

    status: int
    title: str
    sentence: str
    remedy: str
    retry_seconds: int = 0


def body_limit(method: str, path: str) -> int:
    """Return how many bytes a request to an address may send.

    >>> body_limit("POST", "/account/sign-in/"), body_limit("GET", "/account/sign-in/")
    (64000, 0)
    """
    if method not in _WITH_BODY:
        return 0
    if _COSIGNATURES.fullmatch(path):
        return LARGEST_COSIGNATURES_BYTES
    return upload_limit(path) or FORM_BYTES


def upload_limit(path: str) -> int | None:
    """Return how many bytes a form with a file may have; None where an address takes no file."""
    for pattern, largest_bytes, _ in _UPLOADS:
        if pattern.fullmatch(path):
            return largest_bytes + OVERHEAD_BYTES
    return None


def judge_length(stated: str | None, limit_bytes: int, path: str) -> Refusal | None:
    """Return why a body of the length that its header states is refused, or None."""
    if stated is None:
        return None
    if not (stated.isascii() and stated.isdecimal() and len(stated) < 20):
        return NO_LENGTH
    return too_long(limit_bytes, path) if int(stated) > limit_bytes else None


NO_LENGTH = Refusal(
    400,
    "That request makes no sense here",
    "What it says of its own length is no number. Nothing of it was stored.",
    "Load the page again and send its form.",
)


def too_long(limit_bytes: int, path: str) -> Refusal:
    """Return the refusal of a body that is longer than its address takes."""
    most = f"at most {limit_bytes:,} bytes" if limit_bytes else "nothing at all"
    takes = f"This address takes {most} from you"
    remedy = f"Write less. {_BACK}" if limit_bytes == FORM_BYTES else "Send less."
    for pattern, largest_bytes, of_file in _UPLOADS:
        if pattern.fullmatch(path) and limit_bytes > FORM_BYTES:
            takes = f"A file here has at most {largest_bytes:,} bytes"
            remedy = of_file
    return Refusal(
        413, "That is too large", f"{takes}. Nothing of what you sent was stored.", remedy
    )


def refusal_page(refusal: Refusal) -> str:
    """Return the page for a refusal; it needs neither database nor templates."""
    title, sentence, remedy = (
        escape(text) for text in (refusal.title, refusal.sentence, refusal.remedy)
    )
    return f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} - Tallystick</title>
<link rel="stylesheet" href="/static/tallystick.css"></head>
<body><main class="page narrow" id="main"><h1>{title}</h1>
<p class="lead">{sentence}</p>
<p>{remedy}</p>
<p><a href="/">To the start page</a></p></main></body></html>
"""
