"""What pages of working copies show: findings beside their fields, with where each is put right."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from common.refusals import Finding
from portal.editing.bodies import path_text, value_at
from portal.editing.fields import Leaf, Part, Path, spec_at
from portal.editing.items import Group, Item, Link, Sheet, Table
from portal.editing.judging import Located, located, name_beside
from portal.editing.keys import instrument_of, key_of, kind_of, name_of
from portal.editing.measures import as_typed, measure_of, number_as_typed
from portal.editing.sheets import page_of_path
from portal.editing.typed import place_words
from portal.models import WorkingCopy
from portal.queries.drafts import OF_PARTICIPANTS
from portal.views.page_remedies import page_remedy
from rulebook.documents import KINDS
from rulebook.documents.paths import field_description

MOST_LINES = 40
"""Of changes in words that a page lists for one document."""
OF_THE_NUMBER = frozenset({"too-large", "too-small"})
"""Findings whose limit is a value of the field, written without its unit."""
_NUMBER = re.compile(r"-?[0-9][0-9_]*")


@dataclass(frozen=True)
class FoundOnPage:
    """A finding as a page states it.

    Attributes:
        finding: with a remedy that the reader of a page can follow.
        document: name of the document within the copy; empty of law beside it.
        part: of the page on which its field stands, as addresses write it.
        page_number: which part of a long list that is.
        name: of the field; the element of it has that name as its id.
        where: the field in titles; the place as publication states it, of law beside the copy.
        words: what the rule asks for, what was found and what to do, in the measures of the form.
    """

    finding: Finding
    document: str
    part: str
    page_number: int
    name: str
    where: str
    words: str


@dataclass(frozen=True)
class ShownDocument:
    """A document of a working copy, in the list of them.

    Attributes:
        lines: what it changes, in words; none where it cannot be read yet.
    """

    key: str
    kind: str
    title: str
    state: str
    finding_count: int
    lines: Sequence[str]
    more_lines: int
    is_read: bool


def owner_of(market: str, instrument: str) -> tuple[str, str] | None:
    """Return the market and participant of which a document says what is not public."""
    return (market, name_of(instrument)) if kind_of(instrument) in OF_PARTICIPANTS else None


def found_on_page(copy: WorkingCopy, found: Sequence[Located], code: str) -> list[FoundOnPage]:
    """Return findings with where each is put right.

    Args:
        code: of the currency that the form is typed in.
    """
    return [_found(copy, each, code) for each in found]


def _found(copy: WorkingCopy, each: Located, code: str) -> FoundOnPage:
    finding = replace(each.finding, remedy=page_remedy(each.finding))
    instrument = instrument_of(copy.market, each.document)
    if instrument is None:
        words = _told(finding, "", None, code)
        return FoundOnPage(finding, "", "", 1, "", finding.place, words)
    kind = kind_of(instrument)
    part, number = page_of_path(kind, copy.bodies[instrument], each.path)
    return FoundOnPage(
        finding,
        each.document,
        path_text(part),
        number,
        path_text(each.path),
        place_words(kind, each.path) if each.path else "The document",
        _told(finding, kind, each.path, code),
    )


def _told(finding: Finding, kind: str, path: Path | None, code: str) -> str:
    """Return what a finding says, in the measure in which its field is typed."""
    if finding.code == "missing-field":
        return f"the field is needed; {finding.remedy}"
    leaf = spec_at(kind, path) if path else None
    measure = measure_of(leaf.unit, code, leaf.name) if isinstance(leaf, Leaf) else None
    limit, value, remedy = finding.limit, finding.value, finding.remedy
    if measure is not None and measure.label:
        if finding.code in OF_THE_NUMBER:
            limit = number_as_typed(limit, measure)
        if _NUMBER.fullmatch(value):
            value = number_as_typed(value, measure)
    if path:  # a file has no help beside its fields; a form has, and in its own measure
        about = field_description(KINDS[kind], [step for step in path if isinstance(step, str)])
        remedy = remedy.removesuffix(f" ({about})")
    value = "none" if value == "[]" else value
    return as_typed(f"{limit}, found {value}; {remedy}", code, measure)


def refusal_sentences(copy: WorkingCopy, findings: Sequence[Finding], code: str) -> tuple[str, ...]:
    """Return why a working copy was refused as it stands on its forms, and not in a file."""
    found = found_on_page(copy, [located(each, copy.bodies) for each in findings], code)
    places = [f"{each.document}: {each.where}" if each.document else each.where for each in found]
    return tuple(
        f"{place}: {each.words} [{each.finding.code}]"
        for place, each in zip(places, found, strict=True)
    )


def shown_document(
    instrument: str, copy: WorkingCopy, found: Sequence[Located], words: Sequence[str] | None
) -> ShownDocument:
    """Return a document of a copy as the list of them shows it.

    Args:
        words: what it changes; None where it changes something and cannot be read.
    """
    key, title = key_of(instrument), copy.bodies[instrument].get("title")
    changed = "as in the law" if words is not None and not words else "changed"
    return ShownDocument(
        key,
        kind_of(instrument),
        title if isinstance(title, str) and title else key,
        changed if instrument in copy.base else "new",
        sum(each.document == key for each in found),
        (words or ())[:MOST_LINES],
        max(0, len(words or ()) - MOST_LINES),
        words is not None,
    )


def beside_fields(
    sheet: Sheet, found: Sequence[FoundOnPage], paths: Mapping[str, Path]
) -> tuple[dict[str, list[FoundOnPage]], list[FoundOnPage]]:
    """Return the findings of a page by the name of what they stand beside, and those of none.

    Args:
        found: the findings of the document.
        paths: the path of each field that a finding names.
    """
    part, names = path_text(sheet.path), sheet.names()
    beside: dict[str, list[FoundOnPage]] = {}
    others: list[FoundOnPage] = []
    for each in found:
        path = paths[each.name]
        name = name_beside(names, path)
        if name and (each.part == part or _leads_on(sheet, name)):
            beside.setdefault(name, []).append(each)
        elif each.part == part:
            others.append(each)
    return beside, others


def _leads_on(sheet: Sheet, name: str) -> bool:
    """Return whether what stands on a page leads to a page of its own."""
    return any(
        (isinstance(item, Link) and item.name == name)
        or (isinstance(item, Table) and item.has_pages_of_rows and name.startswith(item.name))
        for item in _flat(sheet.items)
    )


def _flat(items: Sequence[Item]) -> list[Item]:
    found: list[Item] = []
    for item in items:
        found.append(item)
        if isinstance(item, Group):
            found += _flat(item.items)
    return found


def part_title(kind: str, path: Path, body: Any) -> str:
    """Return what a page of a part is called: a row by its name, the document by its title."""
    if not path:
        return str(body.get("title") or kind)
    words, spec = place_words(kind, path), spec_at(kind, path)
    if not isinstance(path[-1], int) or not isinstance(spec, Part):
        return words
    name = value_at(body, (*path, spec.fields[0].name))
    return f"{words}: {name}" if isinstance(name, str) and name else words
