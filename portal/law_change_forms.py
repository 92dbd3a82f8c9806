"""The forms of changes of the law: read from what was sent, and kept as it was typed."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from portal.days import parse_day
from rulebook.changes.breaches import LONGEST_TEXT
from rulebook.changes.steps import Kind

LONGEST_FIELD = LONGEST_TEXT
OPENING_FIELDS = (
    "market",
    "title",
    "problem",
    "objectives",
    "do_nothing",
    "urgency",
    "reason",
)
DAY_ASKED = {Kind.CONSULT: "the last day of responses", Kind.ACCEPT: "the day of the review"}
"""What the day of a step is, by the steps that state one."""


@dataclass
class LawForm:
    """What was typed, as an act keeps it, and what is wrong with it."""

    arguments: dict[str, Any] = field(default_factory=dict)
    complaints: Sequence[str] = ()


def read_opening(request: HttpRequest) -> LawForm:
    """Return the form by which a change is opened; an option stands on each line."""
    typed = {name: _text(request, name) for name in OPENING_FIELDS}
    options = [line.strip() for line in _text(request, "options").splitlines() if line.strip()]
    participant = _text(request, "participant") or None
    return LawForm({**typed, "options": options, "participant": participant})


def read_step(request: HttpRequest, number: int, action: str) -> LawForm:
    """Return the form by which a step is taken."""
    instrument, _, clause = _text(request, "clause").partition("#")
    arguments: dict[str, Any] = {
        "number": number,
        "action": action,
        "reason": _text(request, "reason"),
        "participant": _text(request, "participant") or None,
        "answers": _number(_text(request, "answers")),
        "saw": _number(_text(request, "saw")),
        "instrument": instrument,
        "clause": clause,
        "day": _text(request, "day"),
        "trials": [each for each in request.POST.getlist("trials") if _is_identity(each)],
        "uncounted": _text(request, "uncounted"),
        "digest": "".join(_text(request, "digest").split()),
    }
    complaints = []
    asked = DAY_ASKED.get(Kind(action)) if action in set(Kind) else None
    if asked and parse_day(arguments["day"]) is None:
        complaints.append(f"Give {asked}, such as 2027-03-31.")
    return LawForm(arguments, complaints)


def _text(request: HttpRequest, name: str) -> str:
    # One sign more than a record holds, so that what is too long is refused and never cut.
    return str(request.POST.get(name, "")).replace("\r\n", "\n")[: LONGEST_FIELD + 1]


def _number(text: str) -> int | None:
    """Return a number of an event, which has few digits; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _is_identity(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
