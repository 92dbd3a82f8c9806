"""Export the evidence of a participant: their documents, and their part of what these rest on."""

import datetime as dt
import uuid
from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import IO, Any

from sqlalchemy.orm import Session

from common.refusals import Finding, Refused
from rulebook.tables import VersionRow
from settlement.billing.lines import BOOKING, LINE_KINDS
from settlement.core.booked import OF_BOOKINGS, booking_and_point
from settlement.evidence import store
from settlement.evidence.archive import Archive
from settlement.evidence.export import Progress, law_files, run_row, stated_law
from settlement.evidence.ledger_part import Row, document_fact, journal_fact
from settlement.evidence.log_part import Fact, LogPart, log_part, require_covered
from settlement.evidence.market_part import OwnPart
from settlement.evidence.partial_tree import Part, partial_tree
from settlement.evidence.proofs import fact_proofs
from settlement.evidence.rows import csv_rows, json_lines
from settlement.evidence.verifier_file import verifier_digest
from settlement.meters.readings import VectorKey
from settlement.runs.inputs import RunInputs, run_inputs
from settlement.runs.pinned import pinned_periods
from settlement.runs.results import ResultVector
from settlement.runs.run import Run, pin_leaves
from settlement.runs.store import day_vectors, find_run
from verifier.kinds import README
from verifier.log import CHECKPOINT, KEYS
from verifier.manifest import PARTICIPANT_FORMAT
from verifier.own_days import OWN_RESULT, PRICES_AT_NODES
from verifier.own_readings import OWN_READING
from verifier.participant import DAY, DAYS, OWN_LAW, RUNS
from verifier.participant_readme import write_participant_readme
from verifier.proofs import PROOFS

Month = tuple[dt.date, dt.date]


def write_participant_evidence(
    session: Session,
    market: str,
    participant: str,
    month: Month | None,
    sink: IO[bytes],
    progress: Progress,
    parts: Sequence[OwnPart] = (),
) -> None:
    """Write the evidence of a participant as a zip; the same checkpoint gives the same bytes.

    Args:
        parts: give what this package cannot know, as the bookings that documents name.
        month: first and last day of the month that it goes into down to the meter; None for every
            month of their documents.

    Raises:
        Refused: the participant has no document that the latest checkpoint covers.
    """
    log = log_part(session)
    documents = [
        row
        for row in store.documents(session, market)
        if row["participant"] == participant and log.covers(*document_fact(row)[:2])
    ]
    if not documents:
        raise Refused([_nothing(market, participant)])
    lines = store.lines(session, [row["id"] for row in documents])
    journals = _journals(session, market, documents, month, log)
    posted = {row["settlement_day"]: row["run_id"] for row in journals}
    runs = [_run(session, identity) for identity in sorted(set(posted.values()))]
    versions = _versions(session, log, participant, runs, lines, documents)
    numbers = _bookings(lines)
    given = [part(session, market, participant, numbers, log) for part in parts if numbers]
    facts = [
        *chain.from_iterable(of_part for _, of_part in given),
        *map(document_fact, documents),
        *map(journal_fact, journals),
        *(Fact("settlement.run", str(run.id), run.digest) for run in runs),
        *(Fact("rulebook.version", str(row.id), row.row_digest) for row in versions),
        *(Fact("ledger.log_key", str(key.row.number), key.digest) for key in log.keys),
    ]
    require_covered(session, log, facts)
    archive = Archive(sink, PARTICIPANT_FORMAT)
    files = {
        README: write_participant_readme(market, participant, verifier_digest()).encode(),
        "ledger/invoices.jsonl": json_lines(documents),
        "ledger/invoice-lines.jsonl": json_lines(lines),
        "ledger/journals.jsonl": json_lines(journals),
        RUNS: json_lines(map(run_row, runs)),
        DAYS: csv_rows(tuple(DAY), _days(session, runs)),
        **law_files(versions, {row.digest for row in versions}),
        **{name: log.files()[name] for name in (CHECKPOINT, KEYS)},
        PROOFS: json_lines(fact_proofs(session, log, facts)),
        **ChainMap(*(dict(of_part) for of_part, _ in given)),
    }
    for name, content in sorted(files.items()):
        archive.add(name, content)
    total = len(posted) + len(runs)
    owned = Owned(participant, lines)
    for done, run in enumerate(runs, start=1):
        archive.add(f"readings/{run.id}.csv", _own_readings(session, run, owned))
        progress(done, total)
    by_id = {run.id: run for run in runs}
    for done, (day, identity) in enumerate(sorted(posted.items()), start=1 + len(runs)):
        content = _own_results(by_id[identity], day, day_vectors(session, identity, day), owned)
        archive.add(f"results/{identity}/{day}.csv", content)
        progress(done, total)
    archive.close(market=market, participant=participant)


class Owned:
    """What is a participant's, by the registration of each day and by the lines of documents."""

    def __init__(self, participant: str, lines: Sequence[Row]) -> None:
        self.participant = participant
        self._charges = {
            (f"{line['kind']}_micro", line["subject"])
            for line in lines
            if line["kind"] in LINE_KINDS and LINE_KINDS[line["kind"]].is_pass_through
        }
        self._entities: dict[tuple[uuid.UUID, dt.date], tuple[set[str], set[str]]] = {}

    def learn(self, run: Run, inputs: RunInputs) -> None:
        """Take in whose units, points and meters are the participant's on each day of a run."""
        for first, last, rules in inputs.periods:
            own = [
                registration
                for registration in rules.registrations
                if registration.participant == self.participant
            ]
            entities = {unit.unit for row in own for unit in row.units}
            entities |= {point.supply_point for row in own for point in row.supply_points}
            entities |= {meter.sub_meter for row in own for meter in row.sub_meters}
            nodes = {unit.node for row in own for unit in row.units}
            nodes |= {point.node for row in own for point in row.supply_points}
            for number in range((last - first).days + 1):
                self._entities[run.id, first + dt.timedelta(number)] = entities, nodes

    def is_meter(self, run: Run, key: VectorKey) -> bool:
        """Return whether a reading is of the participant's meters."""
        # Of days before the run, which may weigh in it, the first day says whose the meter is.
        day = max(run.first_day, min(key[0], run.last_day))
        return key[2] in self._entities[run.id, day][0]

    def is_result(self, run: Run, day: dt.date, measure: str, entity: str) -> bool:
        """Return whether a result is the participant's, or the price at one of their nodes."""
        entities, nodes = self._entities[run.id, day]
        if measure in PRICES_AT_NODES:
            return entity in nodes
        if measure in OF_BOOKINGS:
            return booking_and_point(entity)[1] in entities
        if entity in entities or entity.endswith(f"/{self.participant}"):
            return True
        return measure.startswith("payment.") and (measure, entity) in self._charges


def _nothing(market: str, participant: str) -> Finding:
    return Finding(
        "participant-has-no-document",
        f"{participant} in {market}",
        "no document that a checkpoint covers",
        "evidence of a participant holds their documents",
        "issue one, and make a checkpoint: manage.py checkpoint",
    )


def _bookings(lines: Iterable[Row]) -> set[int]:
    """Return the numbers of the bookings that lines name."""
    return {booking_and_point(line["subject"])[0] for line in lines if line["kind"] == BOOKING}


def _journals(
    session: Session, market: str, documents: Sequence[Row], month: Month | None, log: LogPart
) -> list[Row]:
    """Return the journals of runs that the documents of the months take into account."""
    billed: dict[dt.date, int] = {}
    for row in documents:
        of_month = row["billing_month"]
        if month is None or of_month == month[0]:
            billed[of_month] = max(billed.get(of_month, 0), row["last_journal_number"])
    return [
        row
        for row in store.journals(session)
        if row["market"] == market
        and row["run_id"] is not None
        and row["number"] <= billed.get(row["settlement_day"].replace(day=1), 0)
        and log.covers(*journal_fact(row)[:2])
    ]


def _run(session: Session, identity: uuid.UUID) -> Run:
    run = find_run(session, identity)
    if run is None:
        raise ValueError(f"run {identity} was posted and is not there")
    return run


def _versions(
    session: Session,
    log: LogPart,
    participant: str,
    runs: Sequence[Run],
    lines: Iterable[Row],
    documents: Sequence[Row],
) -> list[VersionRow]:
    """Return the versions that the participant's amounts and parties follow from, or lines name."""
    pinned = {
        (pin.instrument, pin.digest)
        for run in runs
        for pin in run.law_pins
        if pin.instrument.split("/", 1)[1] in (*OWN_LAW, f"registration/{participant}")
    }
    named = {digest for line in lines for digest in line["rule_digests"]}
    covered = [
        row for row in store.versions(session) if log.covers("rulebook.version", str(row.id))
    ]
    named |= stated_law(covered, documents, store.journals(session))
    return [row for row in covered if (row.instrument, row.digest) in pinned or row.digest in named]


def _days(session: Session, runs: Iterable[Run]) -> Iterable[dict[str, Any]]:
    for run in runs:
        for day, digest in store.day_digests(session, run):
            yield {"run_id": run.id, "settlement_day": day, "digest": digest}


def _own_results(run: Run, day: dt.date, vectors: Sequence[ResultVector], owned: Owned) -> bytes:
    own = {
        place
        for place, vector in enumerate(vectors)
        if owned.is_result(run, day, vector.measure, vector.entity)
    }
    parts = partial_tree([vector.digest for vector in vectors], own)
    told = {
        place: {name: getattr(vectors[place], name) for name in ("measure", "entity", "values")}
        for place in own
    }
    return _parts(tuple(OWN_RESULT), parts, told)


def _own_readings(session: Session, run: Run, owned: Owned) -> bytes:
    """Return a run's pins and its readings of the participant's meters, roots over all others."""
    inputs = run_inputs(session, run.market, pinned_periods(session, run), run.known_at)
    owned.learn(run, inputs)
    looked_at = sorted(inputs.looked_at.items())
    own = {place for place, (key, _) in enumerate(looked_at) if owned.is_meter(run, key)}
    days = {looked_at[place][0][0] for place in own}
    stored = {
        (row["settlement_day"], row["measure"], row["entity"]): row
        for day in sorted(days)
        for row in store.readings_of_day(session, run.market, day, run.known_at)
    }
    # The reader has every pin, and holds the first rows to them.
    pins = pin_leaves(run.pins)
    first = len(pins)
    digests = [*pins, *inputs.reading_digests]
    parts = partial_tree(digests, {*range(first), *(first + place for place in own)})
    told = {first + place: stored[looked_at[place][0]] for place in own}
    return _parts(tuple(OWN_READING), parts, told)


def _parts(
    columns: Sequence[str], parts: Iterable[Part], told: Mapping[int, Mapping[str, Any]]
) -> bytes:
    """Return the rows of a partial tree, with the values of what is told."""
    blank = dict.fromkeys(columns)
    rows = (
        blank | ({} if part.place is None else dict(told.get(part.place, {})))
        | {"depth": part.depth, "digest": part.digest}
        for part in parts
    )  # fmt: skip
    return csv_rows(columns, rows)
