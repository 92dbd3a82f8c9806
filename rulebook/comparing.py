"""The law of a market at two moments, or beside a draft: found by digest, read where it differs."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook import store
from rulebook.comparison import Comparison, Text, compare
from rulebook.days import day_start
from rulebook.digest import document_digest
from rulebook.documents import Document, MarketRules
from rulebook.reading import document_of
from rulebook.versions import Version

NO_CURRENCY = "XXX"
"""ISO 4217's code for none: of law without market rules."""
ZONE_BEFORE_RULES = "UTC"


@dataclass(frozen=True)
class Law:
    """What is law at a moment, whether or not it is whole, by instrument.

    Attributes:
        digests: of the text of each document.
        rows: the versions that hold them, but for those of a draft.
        drafted: the documents of a draft that is laid over it.
    """

    market: str
    zone: str
    currency: str
    digests: Mapping[str, bytes]
    rows: Mapping[str, uuid.UUID]
    drafted: Mapping[str, Document] = field(default_factory=dict)


def law_at(
    session: Session, market: str, effective: dt.date | dt.datetime, known: dt.datetime
) -> Law:
    """Return what was law of a market at the beginning of a day, or at an instant, as then known.

    Of a time before the first law, it is nothing.
    """
    zone = store.time_zone(session, market, known) or ZONE_BEFORE_RULES
    instant = effective if isinstance(effective, dt.datetime) else day_start(effective, zone)
    records = store.records_at(session, market, instant, known)
    rows = {record.instrument: record.id for record in records}
    rules = rows.get(f"{market}/market-rules")
    found = store.versions_by_id(session, [rules]) if rules else ()
    currency = next((str(each.body["currency"]) for each in found), NO_CURRENCY)
    return Law(market, zone, currency, {each.instrument: each.digest for each in records}, rows)


def with_draft(law: Law, documents: Iterable[Document], ended: Iterable[str] = ()) -> Law:
    """Return law in which documents of a draft take the place of its own, and some end."""
    drafted = {document.instrument: document for document in documents}
    left_out = set(ended)
    digests = {name: digest for name, digest in law.digests.items() if name not in left_out}
    digests |= {name: document_digest(document) for name, document in drafted.items()}
    currency = next(
        (each.currency for each in drafted.values() if isinstance(each, MarketRules)), law.currency
    )
    return dataclasses.replace(
        law, digests=dict(sorted(digests.items())), currency=currency, drafted=drafted
    )


def compare_laws(
    session: Session,
    before: Law,
    after: Law,
    instruments: Iterable[str],
    withheld: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Comparison]:
    """Return the texts of some documents beside each other, in the order of their names.

    Args:
        withheld: by instrument, the fields of which a reader is told nothing.

    Raises:
        Refused: a stored text is no document of its kind.
    """
    named = sorted(instruments)
    old, new = texts_of(session, before, named), texts_of(session, after, named)
    return [compare(old.get(name), new.get(name), withheld.get(name, ())) for name in named]


def texts_of(session: Session, law: Law, instruments: Collection[str]) -> dict[str, Text]:
    """Return the texts of documents that are law.

    Raises:
        Refused: a stored text is no document of its kind.
    """
    stored = [
        law.rows[name] for name in instruments if name in law.digests and name not in law.drafted
    ]
    read = [read_version(version) for version in store.versions_by_id(session, stored)]
    drafted = [law.drafted[name] for name in instruments if name in law.drafted]
    return {document.instrument: Text(document, law.currency) for document in (*read, *drafted)}


def read_version(version: Version) -> Document:
    """Return the document of a version; that it is the one published, `verify` proves.

    Raises:
        Refused: it is no document of its kind.
    """
    document, findings = document_of(version.body, f"{version.instrument} version {version.id}")
    if document is None:
        raise Refused(findings)
    return document


def texts_by_digest(session: Session, digests: Iterable[bytes]) -> list[Text]:
    """Return the texts of two digests, in the currency of the market when each began to apply.

    Raises:
        Refused: one was never published, or they are of two kinds.
    """
    texts, findings = [], []
    for digest in digests:
        version = store.first_with_digest(session, digest)
        if version is None:
            findings.append(_unknown(digest))
        else:
            law = law_at(session, version.market, version.valid_from, version.recorded_from)
            texts.append(Text(read_version(version), law.currency))
    kinds = sorted({each.document.kind for each in texts})
    if not findings and len(kinds) > 1:
        findings.append(
            Finding(
                "versions-of-two-kinds",
                "comparison",
                " and ".join(kinds),
                "two texts of one kind of document are compared",
                "name two versions of one kind",
            )
        )
    if findings:
        raise Refused(findings)
    return texts


def _unknown(digest: bytes) -> Finding:
    return Finding(
        "unknown-digest",
        "comparison",
        digest.hex(),
        "the digest of a version that was published",
        "`rules_at MARKET DAY` lists those of a day",
    )
