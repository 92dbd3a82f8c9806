"""The law as Akoma Ntoso 3.0 (OASIS LegalDocML): an act a document, the same bytes always; pure.

Clauses are sections, with the values that they name filled in; all values stand in a table after
them. Addresses follow the European Legislation Identifier: `/eli/MARKET/DOCUMENT/DAY/eng`, the day
being the first on which the text applies. A market has no country, so the code is one that ISO
3166 leaves to its users.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from rulebook.clause_text import FilledText, fill_clause
from rulebook.days import day_of
from rulebook.documents import Document
from rulebook.value_rows import value_rows

NAMESPACE = "http://docs.oasis-open.org/legaldocml/ns/akn/3.0"
LANGUAGE = "eng"
NO_COUNTRY = "xx"
SOURCE = "#market"


class Act(NamedTuple):
    """A text of the law, and what is said of it beside its words.

    Attributes:
        valid_from, valid_to: when the text applies, half open; None without end.
        recorded_from: when that was first known.
    """

    document: Document
    digest: bytes
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    recorded_from: dt.datetime


def akoma_ntoso(act: Act, zone: str, currency: str) -> str:
    """Return a text of the law as an XML document.

    Args:
        zone: of the market, whose days its dates are.
        currency: of its amounts.
    """
    document = act.document
    root = ET.Element("akomaNtoso", {"xmlns": NAMESPACE})
    whole = ET.SubElement(root, "act", {"name": document.kind, "contains": "singleVersion"})
    whole.append(_meta(act, zone))
    title = _under(whole, "preface", "longTitle", "p")
    ET.SubElement(title, "docTitle").text = document.title
    body = ET.SubElement(whole, "body")
    for clause in document.clauses:
        section = ET.SubElement(body, "section", {"eId": f"sec_{clause.anchor}"})
        ET.SubElement(section, "num").text = clause.anchor
        content = ET.SubElement(section, "content")
        _write_text(content, fill_clause(document, clause.text, currency))
    rows = list(value_rows(document, currency))
    if rows:
        values = ET.SubElement(body, "hcontainer", {"name": "values", "eId": "hcontainer_values"})
        ET.SubElement(values, "heading").text = "Values"
        content = ET.SubElement(values, "content")
        _write_table(content, ("Field", "Of", "Value"), rows)
    ET.indent(root, space=" ")
    written = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def work_address(document: Document) -> str:
    """Return the address of a document, whatever its text.

    It is of the form `/eli/gb12/market-rules`.
    """
    return f"/eli/{document.market}/{document.name}"


def _meta(act: Act, zone: str) -> ET.Element:
    document, first_day = act.document, day_of(act.valid_from, zone)
    work = work_address(document)
    expression = f"{work}/{first_day}/{LANGUAGE}"
    meta = ET.Element("meta")
    found = ET.SubElement(meta, "identification", {"source": SOURCE})
    published, recorded = document.publication_date, day_of(act.recorded_from, zone)
    of_work = _level(found, "FRBRWork", work, (published, "publication"))
    ET.SubElement(of_work, "FRBRcountry", {"value": NO_COUNTRY})
    ET.SubElement(of_work, "FRBRname", {"value": document.name})
    of_text = _level(found, "FRBRExpression", expression, (first_day, "applies from"))
    ET.SubElement(of_text, "FRBRversionNumber", {"value": act.digest.hex()})
    ET.SubElement(of_text, "FRBRlanguage", {"language": LANGUAGE})
    file = _level(found, "FRBRManifestation", f"{expression}/xml", (recorded, "recorded"))
    ET.SubElement(file, "FRBRformat", {"value": "application/akn+xml"})
    said = {"date": str(published), "name": "publication", "showAs": document.market}
    ET.SubElement(meta, "publication", said)
    _write_validity(meta, act, zone)
    references = ET.SubElement(meta, "references", {"source": SOURCE})
    market = {"eId": "market", "href": f"/eli/{document.market}", "showAs": document.market}
    ET.SubElement(references, "TLCOrganization", market)
    in_force = {"eId": "inForce", "href": "/eli/concept/in-force", "showAs": "in force"}
    ET.SubElement(references, "TLCConcept", in_force)
    return meta


def _level(parent: ET.Element, name: str, address: str, dated: tuple[dt.date, str]) -> ET.Element:
    """Return a level of FRBR under an element: the work, a text of it, or a file of that."""
    level = ET.SubElement(parent, name)
    ET.SubElement(level, "FRBRthis", {"value": f"{address}/main"})
    ET.SubElement(level, "FRBRuri", {"value": address})
    day, what = dated
    ET.SubElement(level, "FRBRdate", {"date": str(day), "name": what})
    ET.SubElement(level, "FRBRauthor", {"href": SOURCE})
    return level


def _write_validity(meta: ET.Element, act: Act, zone: str) -> None:
    """Write when a text applies: from which day, and if it ends from which day on no longer."""
    cycle = ET.SubElement(meta, "lifecycle", {"source": SOURCE})
    begins = {"eId": "begins", "date": str(day_of(act.valid_from, zone)), "type": "generation"}
    ET.SubElement(cycle, "eventRef", begins | {"source": SOURCE})
    interval = {"refersTo": "#inForce", "start": "#begins"}
    if act.valid_to is not None:
        ends = {"eId": "ends", "date": str(day_of(act.valid_to, zone)), "type": "repeal"}
        ET.SubElement(cycle, "eventRef", ends | {"source": SOURCE})
        interval["end"] = "#ends"
    group = _under(meta, ("temporalData", {"source": SOURCE}), ("temporalGroup", {"eId": "period"}))
    ET.SubElement(group, "timeInterval", interval)


def _write_text(parent: ET.Element, text: FilledText) -> None:
    for words, table in text.pieces():
        if table is not None:
            _write_table(parent, table.columns, table.rows)
        elif words.strip():
            ET.SubElement(parent, "p").text = words.strip()


def _write_table(parent: ET.Element, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = ET.SubElement(parent, "table")
    for tag, cells in (("th", columns), *(("td", row) for row in rows)):
        line = ET.SubElement(table, "tr")
        for cell in cells:
            ET.SubElement(ET.SubElement(line, tag), "p").text = cell


def _under(parent: ET.Element, *tags: str | tuple[str, dict[str, str]]) -> ET.Element:
    """Return an element within others, each the only one of the last."""
    for tag in tags:
        name, attributes = (tag, {}) if isinstance(tag, str) else tag
        parent = ET.SubElement(parent, name, attributes)
    return parent
