"""What publication would find wrong with a working copy, each finding led to its field. Pure."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from common.refusals import Finding, shown
from common.time_zones import is_zone
from portal.editing.bodies import path_text, value_at
from portal.editing.fields import Leaf, Part, Path, Rows, Spec, Values, spec_of
from portal.editing.keys import key_of, kind_of
from portal.editing.measures import measure_of
from rulebook.checks import check_document
from rulebook.checks.clocks import days_are_whole
from rulebook.checks.months import PolicyDays, fair_play_holds_to_month_end
from rulebook.days import day_start
from rulebook.documents import AllocationPolicy, Document, MarketRules
from rulebook.drafting import Draft, amended_periods
from rulebook.merging import NAME_OF_MEMBER
from rulebook.publication import Placed, zone_changed
from rulebook.reading import document_of
from rulebook.resolve import RulePeriod

Body = Mapping[str, Any]

NOT_COMPARABLE = "draft-not-comparable"
"""What a trial asks of a draft, and publication does not: that past days can be settled by it."""

_ONE_DAY = dt.timedelta(days=1)
_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[([^\]]*)\]")


@dataclass(frozen=True)
class Located:
    """A finding and where its field stands.

    Attributes:
        document: the name of the document within the working copy; empty for law beside it.
        path: of the field; empty where the finding is of the whole document.
    """

    finding: Finding
    document: str
    path: Path


@dataclass(frozen=True)
class WantedLaw:
    """The law that a working copy is held to.

    Attributes:
        periods: of the days from the first on which it is wanted; none where that law has a gap.
        before: of the days of the month before that day; none where those have no law.
        from_day: that day.
        zone: the time zone of the market; empty where it has no law yet.
        findings: why there is no such law.
    """

    periods: tuple[RulePeriod, ...]
    from_day: dt.date
    zone: str
    findings: tuple[Finding, ...] = ()
    before: tuple[RulePeriod, ...] = ()


def read_bodies(bodies: Mapping[str, Body], code: str) -> tuple[dict[str, Document], list[Finding]]:
    """Return the documents of a working copy that can be read, by instrument, and all findings.

    Args:
        code: of the market's currency.
    """
    documents: dict[str, Document] = {}
    findings: list[Finding] = []
    for instrument, body in bodies.items():
        key = key_of(instrument)
        numbers = list(number_findings(kind_of(instrument), body, key, code))
        document, found = document_of(body, key)
        # Of a text that is no number a model can only say that no integer stands there.
        said = {finding.place for finding in numbers}
        findings += numbers
        findings += [finding for finding in found if finding.place not in said]
        if document is not None:
            documents[instrument] = document
            findings += check_document(document, key)
    return documents, findings


def judge(
    market: str,
    bodies: Mapping[str, Body],
    base: Mapping[str, Body],
    drawn_from: dt.datetime,
    law: WantedLaw,
    code: str,
) -> list[Located]:
    """Return everything that publication would find, in the order in which it states it.

    The documents are laid over the law of every day from the first on which they are wanted; what
    that law shows without them too is no finding of theirs. Where one of them cannot be read, each
    of the others is looked at by itself alone.
    """
    documents, findings = read_bodies(bodies, code)
    if len(documents) == len(bodies):
        draft = draft_of_bodies(market, documents, base, drawn_from)
        findings += _beside_law(documents, draft, law)
    findings += law.findings
    return [located(finding, bodies) for finding in dict.fromkeys(findings)]


def draft_of_bodies(
    market: str,
    documents: Mapping[str, Document],
    base: Mapping[str, Body],
    drawn_from: dt.datetime,
) -> Draft:
    """Return documents as a draft of law, each under its name within the market."""
    placed = tuple(Placed(key_of(name), document) for name, document in documents.items())
    drawn = {name: body for name, body in base.items() if name in documents}
    return Draft(market, placed, drawn, drawn_from)


def _beside_law(
    documents: Mapping[str, Document], draft: Draft, law: WantedLaw
) -> Iterator[Finding]:
    for place, document in draft:
        if isinstance(document, MarketRules):
            yield from zone_changed(place, document, law.zone or None)
            zone = law.zone or document.time_zone
            yield from _clock_findings(document, place, law.from_day, zone)
        if isinstance(document, AllocationPolicy):
            yield from _month_end_findings(document, place, law)
    _, found = amended_periods(law.periods, draft, goes_on=True)
    yield from (finding for finding in found if finding.code != NOT_COMPARABLE)


def _clock_findings(
    rules: MarketRules, place: str, from_day: dt.date, zone: str
) -> Iterator[Finding]:
    # Of another zone, or of none, that is what is wrong with it.
    if rules.time_zone == zone and is_zone(zone):
        yield from days_are_whole(rules, place, day_start(from_day, zone), None)


def _month_end_findings(policy: AllocationPolicy, place: str, law: WantedLaw) -> Iterator[Finding]:
    wanted = (law.from_day, None)
    policies = [
        PolicyDays(each.rules.allocation_policy, (each.first_day, each.last_day + _ONE_DAY))
        for each in law.before
    ]
    policies.append(PolicyDays(policy, wanted))
    yield from fair_play_holds_to_month_end(policies, {policy.instrument: place}, wanted)


def number_findings(kind: str, body: Body, place: str, code: str) -> Iterator[Finding]:
    """Find each text that stands where a number should, in the measure that people type."""
    for path, leaf in _leaves(spec_of(kind), body, ()):
        held = value_at(body, path)
        if leaf.widget == "number" and isinstance(held, str):
            measure = measure_of(leaf.unit, code, leaf.name)
            yield Finding(
                "not-a-number",
                f"{place}: {_field_path(path)}",
                shown(held),
                f"{measure.words} is needed",
                "write it in digits, such as 6000 or 6,000"
                + (", with a point before decimals" if measure.digits else ""),
            )


def _leaves(spec: Spec, held: Any, path: Path) -> Iterator[tuple[Path, Leaf]]:
    """Yield every plain field that a body has."""
    if isinstance(spec, Leaf):
        yield path, spec
    elif isinstance(spec, Part) and isinstance(held, dict):
        for field in spec.fields:
            if field.name in held:
                yield from _leaves(field, held[field.name], (*path, field.name))
    elif isinstance(spec, Rows | Values) and isinstance(held, list):
        row = spec.row if isinstance(spec, Rows) else spec.value
        for number, member in enumerate(held):
            yield from _leaves(row, member, (*path, number))


def _field_path(path: Path) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def located(finding: Finding, bodies: Mapping[str, Body]) -> Located:
    """Return a finding with the document and the field that its place names."""
    key, _, field = finding.place.partition(": ")
    body = next((body for name, body in bodies.items() if key_of(name) == key), None)
    if body is None:
        return Located(finding, "", ())
    return Located(finding, key, _path_in(body, field, finding.code == "amendment-conflict"))


def _path_in(body: Body, field: str, names_members: bool) -> Path:
    """Return the path that a place writes, as far as it leads to anything that can be named.

    Args:
        names_members: whether brackets hold names of members, and not positions.
    """
    path: tuple[str | int, ...] = ()
    for name, member in _STEP.findall(field):
        if name:
            path = (*path, name)
        elif not names_members:
            path = (*path, int(member))
        else:
            position = _position(value_at(body, path), str(path[-1]), member)
            if position is None:
                return path
            path = (*path, position)
    return path


def _position(rows: Any, list_name: str, member: str) -> int | None:
    """Return where a member of a list stands that is told apart by its name."""
    named_by = NAME_OF_MEMBER.get(list_name, "")
    found = rows if isinstance(rows, list) else []
    named = (n for n, row in enumerate(found) if value_at(row, (named_by,)) == member)
    return next(named, None)


def name_beside(names: Collection[str], path: Path) -> str:
    """Return the name of what a finding stands beside, of the things on a page.

    It is the nearest one around the field; empty where none is.
    """
    lengths = range(len(path), 0, -1)
    return next((name for n in lengths if (name := path_text(path[:n])) in names), "")
