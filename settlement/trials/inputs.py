"""What a trial is computed from: the law, each draft laid over it, and the readings as known."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused, refuse_any
from rulebook.checks.law import MOST_NODES_FAIR_PLAY
from rulebook.days import day_start
from rulebook.documents import Document
from rulebook.drafting import Draft, amended_periods, draft_findings, draft_of
from rulebook.law import rules_at, rules_for_period
from rulebook.resolve import RulePeriod, RuleSet
from rulebook.versions import instant_shown
from settlement.meters.store import files_known_at, lock_readings, readings_known_at
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.run import ENGINE_VERSION, Pin, input_digest
from settlement.studies.inputs import StudyInputs
from settlement.trials.made import Made
from settlement.trials.records import AS_METERED, MADE_AGAIN, trial_input_digest
from settlement.trials.report import DRAFTS, LAW

Documents = Sequence[tuple[str, Document]]
"""The documents of a draft, each with the place that findings name it by."""


@dataclass(frozen=True, eq=False)
class TrialRequest:
    """What is to be tried.

    Attributes:
        drafts: the documents of one draft, or of two.
        drawn_from: the day, or the instant, whose law they were drawn from; None for the law at
            `known_at`.
        threshold_ppm: of a participant's turnover, beyond which it gains or loses much.
        mode: whether days are as metered, or made again on every side.
    """

    market: str
    first_day: dt.date
    last_day: dt.date
    drafts: Sequence[Documents]
    known_at: dt.datetime
    threshold_ppm: int
    drawn_from: dt.date | dt.datetime | None = None
    mode: str = AS_METERED


@dataclass(frozen=True, eq=False)
class TrialInputs:
    """Everything that the days of a trial are computed from; no database is needed any more.

    Attributes:
        drafts: by the name of their side.
        sides: the law first, then each draft laid over it; as metered, or to be made again.
        files: the accepted files of readings that were known.
    """

    market: str
    first_day: dt.date
    last_day: dt.date
    known_at: dt.datetime
    threshold_ppm: int
    drafts: Mapping[str, Draft]
    sides: Mapping[str, RunInputs | StudyInputs]
    files: frozenset[uuid.UUID]

    @property
    def days(self) -> list[dt.date]:
        """The settlement days, in order."""
        return self.sides[LAW].days

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The law of the days."""
        return self.known_of(LAW).pins

    def known_of(self, name: str) -> RunInputs:
        """Return the law and the readings of a side as they are known, whatever is made of them."""
        side = self.sides[name]
        return side.known if isinstance(side, StudyInputs) else side

    @property
    def side_inputs(self) -> dict[str, bytes]:
        """The digest of the rules and readings of each side, as a run of it would have it.

        Of one that is made again, of what it is made from: its pins name the readings as known.
        """
        return {
            name: input_digest(
                side.pins, [] if isinstance(side, StudyInputs) else side.reading_digests
            )
            for name, side in self.sides.items()
        }

    @property
    def digest(self) -> bytes:
        """What the whole rests on."""
        days = (self.first_day, self.last_day)
        return trial_input_digest(
            days, self.threshold_ppm, self.drafts, self.side_inputs, ENGINE_VERSION
        )


def load_inputs(session: Session, request: TrialRequest) -> TrialInputs:
    """Load what a trial needs; readings are locked while they are read, and not after.

    Raises:
        Refused: a document of a draft is wrong, or does not fit the law of some day; the law has a
            gap; a day is not over; or a reading is missing. Every reason is named that can be found
            without another.
    """
    market, known_at = request.market, request.known_at
    findings = [
        finding
        for documents in request.drafts
        for finding in draft_findings(market, documents, known_at)
    ]
    if findings:
        raise Refused(findings)
    periods = rules_for_period(session, market, request.first_day, request.last_day, known_at)
    refuse_any(_days_to_come(session, request, periods[-1].rules.market_rules.time_zone))
    return inputs_of_law(session, request, periods, drafts_of(session, request))


def _days_to_come(session: Session, request: TrialRequest, zone: str) -> Iterator[Finding]:
    """Find that the last day was not over when what is known was, and nothing was known of it.

    A year that was mistyped would be centuries of days, each without any of its readings. Readings
    that are made, for a demonstration, may be of days to come.
    """
    market, last_day, known_at = request.market, request.last_day, request.known_at
    is_over = day_start(last_day + dt.timedelta(days=1), zone) <= known_at
    if not is_over and not readings_known_at(session, market, last_day, last_day, known_at).days:
        yield Finding(
            "day-not-over",
            f"{request.market}: last day",
            f"{request.last_day}",
            f"a trial settles days that were over at {instant_shown(request.known_at)}, up to when "
            "readings are known",
            "name an earlier last day",
        )


def drafts_of(session: Session, request: TrialRequest) -> dict[str, Draft]:
    """Return the drafts of a request, each with the law that it was drawn from.

    Raises:
        Refused: no law was in force then.
    """
    base, drawn_from = _base_of(session, request)
    return {
        name: draft_of(request.market, documents, base, drawn_from)
        for name, documents in zip(DRAFTS[: len(request.drafts)], request.drafts, strict=True)
    }


def inputs_of_law(
    session: Session,
    request: TrialRequest,
    periods: Sequence[RulePeriod],
    drafts: Mapping[str, Draft],
    stored: Mapping[str, Made] = MappingProxyType({}),
) -> TrialInputs:
    """Load what a trial needs of drafts over a known law, as a replay does.

    Args:
        session: the caller's session.
        request: what is to be tried.
        periods: the law of its days.
        drafts: by the name of their side.
        stored: of each side what was made of its days before, where they are made again.

    Raises:
        Refused: see `load_inputs`.
    """
    law = law_of_sides(periods, drafts, request.mode)
    lock_readings(session, request.market)
    known = _sides(session, request, law)
    sides: Mapping[str, RunInputs | StudyInputs] = known
    if request.mode == MADE_AGAIN:
        sides = {name: StudyInputs(of, None, stored.get(name)) for name, of in known.items()}
    return TrialInputs(
        request.market,
        request.first_day,
        request.last_day,
        request.known_at,
        request.threshold_ppm,
        drafts,
        sides,
        files_known_at(session, request.market, request.known_at),
    )


def law_of_sides(
    periods: Sequence[RulePeriod], drafts: Mapping[str, Draft], mode: str
) -> dict[str, list[RulePeriod]]:
    """Return the law of each side, period by period: as it is known, and each draft laid over it.

    Raises:
        Refused: a draft does not fit the law of some day, or a grid is too large to be made again.
    """
    law = {LAW: list(periods)}
    findings: list[Finding] = []
    for name, draft in drafts.items():
        law[name], found = amended_periods(periods, draft)
        findings += found
    if mode == MADE_AGAIN:
        findings += _too_large_findings(law)
    if findings:
        raise Refused(list(dict.fromkeys(findings)))
    return law


def _too_large_findings(law: Mapping[str, Sequence[RulePeriod]]) -> Iterator[Finding]:
    """Find grids on which Fair Play cannot say who may take what; it is part of what is made."""
    for periods in law.values():
        for first_day, _, rules in periods:
            nodes = len(rules.grid_model.nodes)
            if nodes > MOST_NODES_FAIR_PLAY:
                yield Finding(
                    "grid-too-large-to-make-again",
                    f"{rules.market}/grid-model from {first_day}",
                    f"{nodes} nodes",
                    f"days are made again by Fair Play, on at most {MOST_NODES_FAIR_PLAY} nodes",
                    "try it as metered",
                )


def _sides(
    session: Session, request: TrialRequest, law: Mapping[str, Sequence[RulePeriod]]
) -> dict[str, RunInputs]:
    """Return the inputs of each side; refuse with what every side lacks."""
    sides: dict[str, RunInputs] = {}
    findings: list[Finding] = []
    for name, of_side in law.items():
        try:
            sides[name] = run_inputs(session, request.market, of_side, request.known_at)
        except Refused as refused:
            findings += refused.findings
    if findings:
        raise Refused(list(dict.fromkeys(findings)))
    return sides


def _base_of(session: Session, request: TrialRequest) -> tuple[RuleSet, dt.datetime]:
    """Return the law that drafts were drawn from, and the instant at which it was in force."""
    effective = request.drawn_from or request.known_at
    try:
        rules = rules_at(session, request.market, effective, request.known_at)
        zone = rules.market_rules.time_zone
        if isinstance(effective, dt.datetime):
            return rules, effective
        return rules, day_start(effective, zone)
    except Refused as refused:
        raise Refused(
            [
                Finding(
                    "draft-without-base",
                    finding.place,
                    finding.value,
                    "a draft changes the law of a day, by default the present one",
                    "name a day with --drawn-from on which its law was in force",
                )
                if finding.code == "validity-gap"
                else finding
                for finding in refused.findings
            ]
        ) from refused
