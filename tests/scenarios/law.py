"""The law of a scenario: the documents of `base/`, and the fields in which it differs."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from common.refusals import Refused
from rulebook.documents import Document
from rulebook.reading import document_of
from rulebook.yaml_text import read_yaml
from tests.scenarios.tables import ScenarioError

BASE = Path(__file__).parent / "base"
NAMES = (
    "unit",
    "supply_point",
    "code",
    "holon",
    "line",
    "node",
    "layer",
    "product",
    "pot",
    "run",
    "anchor",
)
"""Fields that name the members of lists, the first there is: `units.gas` is the unit named gas."""

Bodies = dict[str, dict[str, Any]]
"""Plain documents by instrument, the market left out: `registration/alder`."""


def base_law() -> Bodies:
    """Return the documents of `base/`, for the caller to change."""
    return deepcopy(_base_law())


@cache
def _base_law() -> Bodies:
    return {
        str(path.relative_to(BASE).with_suffix("")): read_yaml(path.read_text(encoding="utf-8"))
        for path in sorted(BASE.rglob("*.yaml"))
    }


def amended(law: Bodies, path: Path) -> tuple[Bodies, list[str]]:
    """Return the law with the changes of a file, and the instruments that it changes.

    The file maps an instrument to fields and their new values. A field is a dotted path; a member
    of a list is named, `units.gas.offer_micro_per_mwh`, or added where the list has none of the
    name. A member set to null goes away. An instrument with a `kind` is a whole document.
    """
    changes = read_yaml(path.read_text(encoding="utf-8"))
    law = deepcopy(law)
    for instrument, fields in changes.items():
        if "kind" in fields:
            law[instrument] = fields
            continue
        if instrument not in law:
            raise ScenarioError(f"{path.name}: no document {instrument}; known are {sorted(law)}")
        for field, value in fields.items():
            _set(law[instrument], field.split("."), value, f"{path.name}: {instrument}.{field}")
    return law, list(changes)


def documents_of(law: Bodies, instruments: list[str]) -> list[Document]:
    """Return some documents of the law.

    Raises:
        Refused: a value does not fit its field; every finding is named.
    """
    read = [document_of(law[instrument], instrument) for instrument in instruments]
    findings = [finding for _, found in read for finding in found]
    if findings:
        raise Refused(findings)
    return [document for document, _ in read if document is not None]


def _set(within: Any, path: list[str], value: Any, place: str) -> None:
    step, *rest = path
    if isinstance(within, Mapping):
        if rest:
            if step not in within:
                raise ScenarioError(f"{place}: no field {step}")
            _set(within[step], rest, value, place)
        else:
            within[step] = value
        return
    if not isinstance(within, list):
        raise ScenarioError(f"{place}: {step} lies below a value that has no parts")
    found = [number for number, member in enumerate(within) if _name(member) == step]
    if rest:
        if not found:
            raise ScenarioError(f"{place}: no member {step}")
        _set(within[found[0]], rest, value, place)
    elif value is None and found:
        del within[found[0]]
    elif found:
        within[found[0]] = value
    elif _name(value) == step:
        within.append(value)
    else:
        raise ScenarioError(f"{place}: no member {step}, and the value is not named so")


def _name(member: Any) -> str | None:
    if not isinstance(member, Mapping):
        return None
    return next((member[name] for name in NAMES if name in member), None)
