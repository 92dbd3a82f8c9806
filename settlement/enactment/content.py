"""What a proposal to change the law says, in the one writing over which its digest is taken.

    publication   valid_from, valid_to (null for no end), reason, documents: instrument -> digest
    ending        instrument, day, ends (the instant at which it does), reason

Instants are written as in `rulebook.versions`, digests in hexadecimal. The texts of a publication
stand beside it: instrument -> the file that it was read from, and its body.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from common.refusals import Finding, Refused
from rulebook.digest import body_digest, document_body, document_digest
from rulebook.publication import Placed, Request
from rulebook.reading import document_of
from rulebook.versions import instant_text


class Publication(NamedTuple):
    """What a stored proposal would publish."""

    documents: tuple[Placed, ...]
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    reason: str


class Ending(NamedTuple):
    """What a stored proposal would end."""

    instrument: str
    day: dt.date
    reason: str


def publication_content(
    request: Request, start: dt.datetime, end: dt.datetime | None
) -> dict[str, Any]:
    """Return what is decided of a publication, for the validity [start, end)."""
    return {
        "valid_from": instant_text(start),
        "valid_to": instant_text(end),
        "reason": request.reason,
        "documents": {
            document.instrument: document_digest(document).hex()
            for _, document in request.documents
        },
    }


def publication_texts(request: Request) -> dict[str, Any]:
    """Return the documents that a publication names by digest."""
    return {
        document.instrument: {"place": place, "body": document_body(document)}
        for place, document in request.documents
    }


def ending_content(instrument: str, request: Request, ends: dt.datetime) -> dict[str, Any]:
    """Return what is decided of an ending: from the day of a request on, which begins at `ends`."""
    return {
        "instrument": instrument,
        "day": str(request.valid_from),
        "ends": instant_text(ends),
        "reason": request.reason,
    }


def read_publication(number: int, content: str, texts: str) -> Publication:
    """Return what a stored proposal would publish, its texts held to their digests.

    Raises:
        Refused: a text is not the one that was proposed.
    """
    decided, documents = json.loads(content), []
    bodies = json.loads(texts)
    findings = list(check_texts(number, decided["documents"], bodies))
    for instrument in decided["documents"]:
        if findings:
            break
        place = bodies[instrument]["place"]
        document, wrong = document_of(bodies[instrument]["body"], place)
        findings += wrong
        if document is not None:
            documents.append(Placed(place, document))
    if findings:
        raise Refused(findings)
    ends = decided["valid_to"]
    return Publication(
        tuple(documents),
        dt.datetime.fromisoformat(decided["valid_from"]),
        dt.datetime.fromisoformat(ends) if ends else None,
        decided["reason"],
    )


def read_ending(content: str) -> Ending:
    """Return what a stored proposal would end."""
    decided = json.loads(content)
    return Ending(decided["instrument"], dt.date.fromisoformat(decided["day"]), decided["reason"])


def check_texts(
    number: int, digests: Mapping[str, str], texts: Mapping[str, Any]
) -> Iterator[Finding]:
    """Find the texts of a proposal that are not those whose digests it names."""
    for instrument in sorted(digests.keys() | texts.keys()):
        text = texts.get(instrument)
        digest = body_digest(text["body"]).hex() if text else "no text"
        if digest != digests.get(instrument):
            yield Finding(
                "proposal-altered",
                f"people.proposal {number} {instrument}",
                digest,
                f"the text has digest {digests.get(instrument, 'none')}",
                "restore the row from a backup; a proposal never changes",
            )
