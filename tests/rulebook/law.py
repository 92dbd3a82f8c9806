"""The twelve-node law as plain values that a test may bend, and short ways to publish it."""

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from rulebook.digest import document_body
from rulebook.documents import Document
from rulebook.folders import file_name, read_files
from rulebook.reading import document_of
from rulebook.yaml_text import write_yaml
from tests.worlds.law import publish

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
GB12 = SCENARIOS / "gb12"
RULES, GRID, POLICY = "gb12/market-rules", "gb12/grid-model", "gb12/allocation-policy"
TERMS = "gb12/settlement-terms"
HIGHLAND = "gb12/registration/highland-power"
HEARTH = "gb12/registration/hearth-energy"
NEW_YEAR = dt.date(2024, 1, 1)


@cache
def scenario(name: str = "gb12") -> dict[str, Document]:
    documents, findings = read_files([SCENARIOS / name])
    assert findings == []
    return {document.instrument: document for _, document in documents}


def body(instrument: str) -> dict[str, Any]:
    """Return the document's values, free to change."""
    return document_body(scenario()[instrument])


def short_body(instrument: str) -> dict[str, Any]:
    """Return the document's values with one member of each list, where it is long for nothing."""
    return {
        field: value[:1] if isinstance(value, list) else value
        for field, value in body(instrument).items()
    }


def made(values: dict[str, Any]) -> Document:
    document, findings = document_of(values, "test")
    assert document is not None, findings
    return document


def retitled(instrument: str, title: str) -> Document:
    return made(body(instrument) | {"title": title})


def publish_gb12(session, known, **changes):
    return publish_documents(session, list(scenario().values()), known=known, **changes)


def publish_documents(session, documents, **changes):
    arguments = {
        "valid_from": NEW_YEAR,
        "reason": "opening of the market",
    }
    return publish(session, documents, **(arguments | changes))


def codes(refused) -> list[str]:
    return [finding.code for finding in refused.value.findings]


def with_clause(instrument: str, fields: list[str], text: str) -> Document:
    values = body(instrument)
    values["clauses"] = [values["clauses"][0] | {"text": text, "fields": fields}]
    return made(values)


def write_law(folder: Path, documents: Iterable[Document], **names: str) -> Path:
    """Write documents into a folder; `names` gives a participant's file another name."""
    for document in documents:
        file = folder / file_name(document)
        name = names.get(file.stem, file.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(name).write_text(write_yaml(document), encoding="utf-8")
    return folder
