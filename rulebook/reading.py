"""Documents from YAML text or plain values, or every reason why not.

pydantic speaks of types; a reader of a refusal needs the file, the field, what stood there, the
rule that it broke and what to write instead. This module translates.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from common.refusals import Finding, shown
from rulebook.clause_characters import spelled_out
from rulebook.documents import KINDS, Document
from rulebook.documents.base import CONTROLS, TEXT_PATTERN, Model
from rulebook.documents.paths import field_description, model_within
from rulebook.yaml_text import YamlRefused, read_yaml

Read = tuple[Document | None, tuple[Finding, ...]]
"""A document, or None and at least one finding."""

Checked = TypeVar("Checked", bound=Model)

_CONTROLS = re.compile(f"[{CONTROLS}]")
_KIND_NAMES = ", ".join(KINDS)

_INTEGER = ("not-an-integer", "a whole number is needed", "write digits only")
_DAY = ("not-a-day", "a day of the calendar is needed", "write it as YYYY-MM-DD")
_TEXT = ("not-text", "text is needed", "write text, in quotes if it looks like a number")
_SHORT = ("too-short", "at least {min_length} needed", "add what is missing")
_LONG = ("too-long", "at most {max_length} allowed", "shorten it")
_MAPPING = ("not-a-mapping", "fields with values are needed", "write `field: value` lines")

_RULES = {
    "int_type": _INTEGER,
    "bool_type": ("not-true-or-false", "true or false is needed", "write true or false"),
    "string_type": _TEXT,
    "string_unicode": _TEXT,
    "value_error": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_parsing": _DAY,
    "greater_than_equal": ("too-small", "the least is {ge:_}", "write a larger number"),
    "less_than_equal": ("too-large", "the most is {le:_}", "write a smaller number"),
    "literal_error": ("unknown-value", "it is one of {expected}", "choose one of them"),
    "string_pattern_mismatch": ("not-well-formed", "it matches {pattern}", "write it so"),
    "string_too_short": _SHORT,
    "too_short": _SHORT,
    "string_too_long": _LONG,
    "too_long": _LONG,
    "tuple_type": ("not-a-list", "a list is needed", "write a list, a dash before each member"),
    "model_type": _MAPPING,
}
"""Code, limit and remedy of each of pydantic's error types; the limit names pydantic's context."""


def read_document(text: str, source: str) -> Read:
    """Read one YAML document; `source` names it in findings, as a file path does."""
    values, findings = read_values(text, source, f"a document of kind {_KIND_NAMES}")
    return (None, findings) if findings else document_of(values, source)


def read_values(text: str, source: str, expected: str) -> tuple[object, tuple[Finding, ...]]:
    """Return the values that a YAML text holds, or why it cannot be read.

    Args:
        text: what the file holds.
        source: names it in findings.
        expected: what to write where the file is empty.
    """
    if not text.strip():
        finding = Finding(
            "empty-file",
            source,
            "nothing",
            "a file holds one document",
            f"write {expected}, or leave the file out",
        )
        return None, (finding,)
    try:
        return read_yaml(text), ()
    except YamlRefused as refused:
        return None, tuple(
            Finding(
                "not-yaml",
                f"{source}: line {each.line}, column {each.column}",
                each.problem,
                "a file holds one document in plain YAML",
                each.remedy,
            )
            for each in refused.problems
        )


def document_of(values: object, source: str) -> Read:
    """Return the document that plain values describe, or every finding about them."""
    if not isinstance(values, Mapping):
        return None, (_not_a_document(values, source),)
    kind = values.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        finding = Finding(
            "unknown-kind",
            f"{source}: kind",
            shown(kind) if "kind" in values else "nothing",
            f"kind is one of {_KIND_NAMES}",
            "name the kind of the document",
        )
        return None, (finding,)
    return validated(model, values, source)


def validated(
    model: type[Checked], values: object, source: str
) -> tuple[Checked | None, tuple[Finding, ...]]:
    """Return the values as a model of any kind, or every finding about them."""
    if not isinstance(values, Mapping):
        return None, (_not_a_document(values, source),)
    try:
        return model.model_validate(values), ()
    except ValidationError as error:
        details = [d for d in error.errors(include_url=False) if not _is_echo(d)]
        return None, tuple(_finding_of(detail, model, source) for detail in details)


def _not_a_document(values: object, source: str) -> Finding:
    return Finding(
        "not-a-document",
        source,
        shown(values),
        "a document is a mapping of fields to values",
        "start the document with `kind:`",
    )


def field_path(location: Sequence[int | str]) -> str:
    """Return a location as readers write it.

    >>> field_path(("layers", 2, "curve"))
    'layers[2].curve'
    """
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def _is_echo(detail: ErrorDetails) -> bool:
    """Return whether a list is called too short only because its members were refused."""
    members = detail["input"]
    return (
        detail["type"] == "too_short"
        and isinstance(members, Sequence)
        and len(members) >= detail["ctx"]["min_length"]
    )


def _finding_of(detail: ErrorDetails, model: type[Model], source: str) -> Finding:
    location = detail["loc"]
    place = f"{source}: {field_path(location)}"
    names = [part for part in location if isinstance(part, str)]
    error_type = detail["type"]
    context = detail.get("ctx", {})
    if error_type == "missing":
        limit = f"the field is needed ({field_description(model, names)})"
        return Finding("missing-field", place, "nothing", limit, f"add `{location[-1]}`")
    if error_type == "extra_forbidden":
        parent = model_within(model, names[:-1])
        known = list(parent.model_fields) if parent else []
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        remedy = f"write `{near[0]}`" if near else f"remove it, or use one of {', '.join(known)}"
        limit = "a document holds only the fields of its kind"
        return Finding("unknown-field", place, shown(location[-1]), limit, remedy)
    if context.get("pattern") == TEXT_PATTERN:
        return _text_finding(place, detail["input"])
    code, limit, remedy = _rule(error_type, context, detail["msg"])
    title = field_description(model, names)
    if title:
        remedy = f"{remedy} ({title})"
    return Finding(code, place, shown(detail["input"]), limit, remedy)


def _text_finding(place: str, text: str) -> Finding:
    """Return what keeps a text from being one line of text: by name, as it is not seen."""
    controls = dict.fromkeys(_CONTROLS.findall(text))
    return Finding(
        "not-well-formed",
        place,
        ", ".join(map(spelled_out, controls)) if controls else shown(text),
        "a text is one line without control characters, and without a blank at either end",
        "take them out, wherever they stand" if controls else "take the blank out",
    )


def _rule(error_type: str, context: Mapping[str, Any], message: str) -> tuple[str, str, str]:
    """Return code, limit and remedy for one of pydantic's error types."""
    if error_type not in _RULES:
        return "not-valid", message, "correct the value"
    code, limit, remedy = _RULES[error_type]
    return code, limit.format(**context), remedy
