"""A participant leaves: what its registration holds, who takes that over, and its proposal."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from database.session import transaction
from portal.access import SignedInRequest, open_to
from portal.acts.answers import answer
from portal.acts.requests import ask
from portal.confirmation import confirms
from portal.days import day_complaint, parse_day
from portal.form_alone import takes_form
from portal.models import Act
from portal.readings_kept import keep_reading
from portal.views.law_proposals import LONGEST_REASON, TOO_LONG, UNPROCESSABLE, proposes_law
from portal.views.page_remedies import page_sentences
from settlement.enactment.leaving import (
    NOBODY,
    ONE_DAY,
    Choice,
    Leave,
    Leaving,
    LeftMeter,
    leaving,
    plan_leave,
)

MOST_METERS = 150
"""Of meters with a choice of their own; what is chosen for all is of the others too."""
MOST_CHARGES = 200
LONGEST_NAME = 100
OF_EACH = "taker."
"""Before the name of a meter, in the name of the field that says who takes it over."""
NO_REASON_YET = "not stated yet"
"""A plan is looked at before its reason is written."""


@dataclass(frozen=True)
class Typed:
    """What was typed into the form."""

    last_day: str = ""
    reason: str = ""
    to: str = ""
    takers: Mapping[str, str] = field(default_factory=dict)
    is_off: bool = False

    @property
    def choice(self) -> Choice:
        """Who takes over what."""
        return Choice(self.to, self.takers, self.is_off)


@dataclass(frozen=True)
class ShownMeter:
    """A row of a meter: what is chosen for it, and who has it from then on by law or by choice."""

    left: LeftMeter
    charges: str
    chosen: str
    taker: str | None


@dataclass(frozen=True)
class ShownCharge:
    """A charge on what leaves, of the same days and with the same end: what it falls on."""

    instrument: str
    charge: str
    word: str
    from_day: dt.date
    to_day: dt.date | None
    outcome: str
    names: tuple[str, ...] = ()


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(proposes_law)
def ending(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Show what leaves with a participant, and what would stand against what is chosen so far."""
    typed = _read(request.POST) if request.method == "POST" else _read(request.GET)
    is_day = not typed.last_day or parse_day(typed.last_day) is not None
    complaints = [] if is_day else [day_complaint(typed.last_day)]
    return _page(request, market, participant, typed, complaints)


@takes_form
@open_to(proposes_law)
@confirms("registration-end", "market", "participant")
def propose_end(request: SignedInRequest, market: str, participant: str) -> HttpResponse:
    """Propose that a participant leaves after its last day, with all that this takes."""
    typed = _read(request.POST)
    complaints = []
    if parse_day(typed.last_day) is None:
        complaints.append(day_complaint(typed.last_day))
    if len(typed.reason) > LONGEST_REASON:
        complaints.append(TOO_LONG)
    if complaints:
        return _page(request, market, participant, typed, complaints)
    arguments = {
        "market": market,
        "participant": participant,
        "last_day": typed.last_day,
        "reason": typed.reason,
        "to": typed.to,
        "takers": dict(typed.takers),
        "is_off": typed.is_off,
    }
    act = ask(request.user, Act.Kind.END, f"{market}/registration/{participant}", arguments)
    return answer(request, act, show_refused_end)


def show_refused_end(request: SignedInRequest, act: Act) -> HttpResponse:
    """Show the form of an end that was refused, as it was filled in, with every reason."""
    said = act.arguments
    typed = Typed(said["last_day"], said["reason"], said["to"], said["takers"], said["is_off"])
    sentences = page_sentences(act.findings)
    return _page(request, said["market"], said["participant"], typed, sentences)


def _read(sent: Mapping[str, str]) -> Typed:
    takers = {
        name.removeprefix(OF_EACH)[:LONGEST_NAME]: chosen.strip()[:LONGEST_NAME]
        for name, chosen in sent.items()
        if name.startswith(OF_EACH) and chosen.strip()
    }
    return Typed(
        sent.get("last_day", "").strip(),
        sent.get("reason", "").strip()[: LONGEST_REASON + 1],
        sent.get("to", "").strip()[:LONGEST_NAME],
        takers,
        sent.get("is_off") == "yes",
    )


def _page(
    request: SignedInRequest,
    market: str,
    participant: str,
    typed: Typed,
    complaints: Sequence[str],
) -> HttpResponse:
    day, now = parse_day(typed.last_day), timezone.now()
    with transaction() as session:
        found = _leaving(session, market, participant, day or now.date(), now)
        if found is None:
            raise Http404("no such registration")
        planned, findings = None, list[Finding]()
        if day is not None and not complaints:
            planned, findings = _planned(session, found, day, typed, now)
    keep_reading(request.user, request.viewer, market, participant)
    meters = [_shown(found, each, typed) for each in found.meters]
    charges = _charges(found, typed)
    context = {
        "market": market,
        "participant": participant,
        "registration": found.registration,
        "meters": meters[:MOST_METERS],
        "more_meters": max(0, len(meters) - MOST_METERS),
        "charges": charges[:MOST_CHARGES],
        "more_charges": max(0, len(charges) - MOST_CHARGES),
        "suppliers": found.suppliers,
        "nobody": NOBODY,
        "left": sum(typed.choice.taker(each) is None for each in found.points),
        "day": day,
        "first_day": day + ONE_DAY if day else None,
        "typed": typed,
        "planned": planned,
        "findings": page_sentences(findings),
        "complaints": complaints,
        "section": "rules",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "rules/end.html", context, status=status)


def _leaving(
    session: Session, market: str, participant: str, last_day: dt.date, now: dt.datetime
) -> Leaving | None:
    try:
        return leaving(session, market, participant, last_day, now)
    except Refused:
        return None


def _planned(
    session: Session, found: Leaving, day: dt.date, typed: Typed, now: dt.datetime
) -> tuple[Leave, list[Finding]]:
    reason = typed.reason or NO_REASON_YET
    return plan_leave(session, found, day, typed.choice, now, reason, locks=False)


def _shown(found: Leaving, meter: LeftMeter, typed: Typed) -> ShownMeter:
    charges = ", ".join(
        dict.fromkeys(each.charge for each in found.links if each.name == meter.name)
    )
    return ShownMeter(meter, charges, typed.takers.get(meter.name, ""), typed.choice.taker(meter))


def _charges(found: Leaving, typed: Typed) -> list[ShownCharge]:
    """Return the charges on what leaves, each with all that it falls on and what becomes of it."""
    meters = {each.name: each for each in found.meters}
    found_of: dict[ShownCharge, list[str]] = {}
    for link in found.links:
        taker = typed.choice.taker(meters[link.name]) if link.name in meters else None
        outcome = f"goes on, and is owed by {taker}" if taker else "ends with the last day"
        days = (link.from_day, link.to_day)
        charge = ShownCharge(link.instrument, link.charge, link.word, *days, outcome)
        found_of.setdefault(charge, []).append(link.name)
    return [replace(each, names=tuple(dict.fromkeys(names))) for each, names in found_of.items()]
