"""Whether a draft still stands on the law, and the same draft drawn from the law of its validity.

Pure. A draft is proposed whole, so what became law after it was drawn would be lost: it is refused
until it was laid over that law, by `rulebook.merging`, which names what both changed.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.refusals import Finding
from rulebook.checks import check_document
from rulebook.digest import body_digest, document_body
from rulebook.drafting import Draft
from rulebook.merging import ABSENT, merge, value_shown
from rulebook.publication import Placed
from rulebook.reading import document_of
from rulebook.standing import Record
from rulebook.versions import Version, instant_shown


def base_findings(
    places: Mapping[str, str],
    base: Mapping[str, Mapping[str, Any]],
    drawn_from: dt.datetime,
    published: Mapping[str, Sequence[Record]],
) -> Iterator[Finding]:
    """Yield each document that was not drawn from law: what it seems to change, it does not.

    Args:
        places: how findings name each document of a draft, by instrument.
        base: what the draft says that each was drawn from; none of one that is new.
        drawn_from: the instant whose law that was, known now or earlier.
        published: the versions that applied then, known now or ever (`records_of_day`).
    """
    for instrument in dict.fromkeys((*places, *base)):
        place = places.get(instrument, instrument)
        records = published.get(instrument, ())
        if instrument not in base:
            if any(record.recorded_to is None for record in records):
                yield Finding(
                    "draft-base-missing", place, "a document that is new",
                    f"the law of {instant_shown(drawn_from)} has it already",
                    "take it out, and draw it from that law",
                )  # fmt: skip
        elif body_digest(base[instrument]) not in {record.digest for record in records}:
            yield Finding(
                "draft-base-unpublished",
                place,
                f"drawn from {body_digest(base[instrument]).hex()[:16]}",
                "a draft is drawn from a text that was published as law of "
                f"{instant_shown(drawn_from)}",
                "draw it from that law, and change it again",
            )


def moved_findings(
    draft: Draft, law: Sequence[Version], valid_from: dt.datetime
) -> Iterator[Finding]:
    """Yield each document whose law, somewhere in the validity, is not what it was drawn from.

    Args:
        law: the versions known now that apply somewhere in the validity that is wanted.
        valid_from: when it begins.
    """
    for place, document in draft:
        instrument = document.instrument
        base = draft.base.get(instrument)
        drawn = body_digest(base) if base is not None else None
        standing = [version for version in law if version.instrument == instrument]
        others = [version for version in standing if version.digest != drawn]
        if others:
            # What applies later than the first day would be replaced unseen too.
            version = others[0]
            yield _moved(
                place,
                f"since {instant_shown(draft.drawn_from)} it became another text, which applies "
                f"from {instant_shown(max(version.valid_from, valid_from))}",
            )
        elif drawn is not None and not standing:
            yield _moved(place, "its document is no law any more on the days that are wanted")


def _moved(place: str, value: str) -> Finding:
    return Finding(
        "draft-base-moved",
        place,
        value,
        "a draft is drawn from the law that it is to replace",
        "rebase it, and try it again; where law changes again within the days that are wanted, end "
        "them before that",
    )


def rebased(
    draft: Draft, law: Mapping[str, Mapping[str, Any]], drawn_from: dt.datetime
) -> tuple[Draft, list[Finding]]:
    """Return a draft drawn anew, from the law of an instant, and every conflict with it.

    Args:
        law: the body of every document in force then, by instrument.
        drawn_from: that instant.

    Returns:
        The draft, with what it changes of its old base changed in the new one. Where there are
        findings, it is as it was.
    """
    documents, findings = [], []
    for place, document in draft:
        instrument = document.instrument
        base: Any = draft.base.get(instrument, ABSENT)
        found: Any = law.get(instrument, ABSENT)
        body, conflicts = merge(base, document_body(document), found)
        findings += [
            Finding(
                "rebase-conflict",
                f"{place}: {conflict.path}" if conflict.path else place,
                f"the draft has {value_shown(conflict.draft)}, "
                f"drawn from {value_shown(conflict.base)}",
                f"the law of {instant_shown(drawn_from)} has {value_shown(conflict.law)} there",
                "revise the draft: take the law's value there, or draw the document from that law",
            )
            for conflict in conflicts
        ]
        if conflicts or body is ABSENT:
            continue
        merged, wrong = document_of(body, place)
        findings += wrong
        if merged is not None:
            findings += check_document(merged, place)
            documents.append(Placed(place, merged))
    if findings:
        return draft, findings
    named = {document.instrument for _, document in documents}
    bases = {name: body for name, body in law.items() if name in named}
    return Draft(draft.market, tuple(documents), bases, drawn_from), []
