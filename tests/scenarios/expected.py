"""Hold what a scenario brought about to its then-files, and tell of every difference at once."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.billing import SealedInvoice
from settlement.baselines.designs import Design
from settlement.runs.store import day_vectors, stored_values
from tests.scenarios.always import imbalances, not_replayed
from tests.scenarios.steps import Told
from tests.scenarios.tables import Row, ScenarioError, read_table

Found = Sequence[Mapping[str, Any]]
"""What there is, as rows of the columns that a then-file may name."""

RESULT_COLUMNS = ("step", "day", "intervals", "measure", "entity", "value")
ACCOUNT_COLUMNS = ("commodity", "participant", "kind", "subject")
BALANCE_COLUMNS = ("day", *ACCOUNT_COLUMNS, "amount")
JOURNAL_COLUMNS = ("step", *BALANCE_COLUMNS)
DOCUMENT_KEY = ("step", "participant", "document", "categories")
DOCUMENT_VALUES = ("amount_micro", "rounding_micro", "net_minor", "tax_minor", "due_minor")
LINE_KEY = (*DOCUMENT_KEY, "kind", "subject", "tax_category", "tax_rate_ppm")
LINE_VALUES = (
    "amount_micro",
    "quantity",
    "quantity_unit",
    "quality",
    "estimated_quantity",
    "description",
    "clauses",
    "tax_note",
)
PARTY_KEY = ("step", "side", "participant", "product")
PARTY_VALUES = (
    "run",
    "asked_wh",
    *(f"{design.value}_wh" for design in Design),
    *(f"{design.value}_micro" for design in Design),
    "flat_price_micro_per_mwh",
    *(f"{design.value}_carbon_g" for design in Design),
)

POSTINGS = """
    SELECT journal.run_id, settlement_day::text AS day, commodity,
           coalesce(participant, '-') AS participant, kind, subject, amount
    FROM ledger.posting
    JOIN ledger.journal ON journal.number = journal_number
    JOIN ledger.account ON account.code = account
"""


def differences(session: Session, folder: Path, told: Told) -> list[str]:
    """Return every difference between a scenario's then-files and what came of it.

    Raises:
        ScenarioError: a then-file is not one that is known, or there is none.
    """
    files = sorted((folder / "then").glob("*"))
    if not files:
        raise ScenarioError("then/: no file; a scenario that expects nothing cannot fail")
    known: dict[str, Callable[[Path], Iterator[str]]] = {
        "results.csv": lambda path: _results(session, told, path),
        "balances.csv": lambda path: _balances(session, path),
        "journals.csv": lambda path: _journals(session, told, path),
        "documents.csv": lambda path: _documents(told, path),
        "lines.csv": lambda path: _lines(told, path),
        "baselines.csv": lambda path: _baselines(told, path),
        "runs.csv": lambda path: _runs(told, path),
        "notices.csv": lambda path: _reasons(told.notices, path),
        "refusals.csv": lambda path: _reasons(told.refusals, path),
    }
    found: list[str] = []
    for path in files:
        if path.name not in known:
            raise ScenarioError(f"then/{path.name}: no such file; known are {', '.join(known)}")
        found += known[path.name](path)
    if not (folder / "then" / "refusals.csv").exists():
        found += [
            f"step {step} was refused: {reason['code']} at {reason['place']}"
            for step, reasons in told.refusals.items()
            for reason in reasons
        ]
    return [*found, *imbalances(session, told), *not_replayed(session, told)]


def _results(session: Session, told: Told, path: Path) -> Iterator[str]:
    for row in read_table(path, RESULT_COLUMNS):
        run = told.runs.get(_one_step(row, list(told.runs)))
        if run is None:
            yield f"{row.place}: no run of step {row.text('step')!r}; there are {list(told.runs)}"
            continue
        days = [day for day in run.days if row.text("day") in ("", str(day))]
        if not days:
            yield f"{row.place}: the run has no day {row.text('day')}"
        key = (row.text("measure"), row.text("entity"))
        for day in days:
            vectors = stored_values(day_vectors(session, run.id, day))
            if key not in vectors:
                near = sorted(entity for measure, entity in vectors if measure == key[0])
                yield f"{row.place}: no result {key}; entities of the measure: {near or 'none'}"
                continue
            values = vectors[key].tolist()
            yield from _value_differences(row, f"{day} {key[0]} {key[1]}", values)


def _value_differences(row: Row, subject: str, values: list[int]) -> Iterator[str]:
    expected = row.number("value")
    if row.text("intervals") == "day":
        if sum(values) != expected:
            found = f"found {sum(values):_}"
            yield f"{row.place}: {subject}: expected {expected:_} over the day, {found}"
        return
    wrong = [number for number in row.span(len(values)) if values[number] != expected]
    if wrong:
        shown = ", ".join(f"{number + 1}: {values[number]:_}" for number in wrong[:3])
        yield (
            f"{row.place}: {subject}: expected {expected:_}, "
            f"found otherwise in {len(wrong)} intervals ({shown})"
        )


def _balances(session: Session, path: Path) -> Iterator[str]:
    postings = [each._asdict() for each in session.execute(text(POSTINGS))]
    for row in read_table(path, BALANCE_COLUMNS):
        account = _account(row)
        days = row.text("day")
        amounts = [
            each["amount"]
            for each in postings
            if all(each[name] == value for name, value in account.items())
            and days in ("", each["day"])
        ]
        if not amounts:
            yield f"{row.place}: nothing was posted to {account}"
        elif sum(amounts) != row.number("amount"):
            expected = row.number("amount")
            yield f"{row.place}: {account}: expected {expected:_}, found {sum(amounts):_}"


def _journals(session: Session, told: Told, path: Path) -> Iterator[str]:
    """Hold the postings of each run and day that the file names to it, to the last one."""
    step_of = {run.id: step for step, run in told.runs.items()}
    journals: defaultdict[tuple[str, str], dict[tuple[str, ...], int]] = defaultdict(dict)
    for run_id, day, *account, amount in session.execute(text(POSTINGS)):
        if run_id is not None:
            journals[step_of[run_id], day][tuple(account)] = amount
    empty = session.execute(
        text("SELECT run_id, settlement_day::text FROM ledger.journal WHERE posting_count = 0")
    )
    journals |= {(step_of[run_id], day): {} for run_id, day in empty}
    expected: defaultdict[tuple[str, str], dict[tuple[str, ...], int]] = defaultdict(dict)
    for row in read_table(path, JOURNAL_COLUMNS):
        key = (row.text("step"), row.text("day"))
        if key not in journals:
            yield f"{row.place}: no journal of {key}; there are {sorted(journals)}"
        of_key = expected[key]
        if row.text("kind"):
            of_key[tuple(_account(row).values())] = row.number("amount")
    for key, postings in expected.items():
        found = journals.get(key, {})
        for account in sorted(postings.keys() | found.keys()):
            if postings.get(account, 0) != found.get(account, 0):
                yield (
                    f"{path.name}: {key} {':'.join(account)}: "
                    f"expected {postings.get(account, 0):_}, found {found.get(account, 0):_}"
                )


def _account(row: Row) -> dict[str, str]:
    defaults = {"commodity": "GBP", "participant": "-", "subject": "market"}
    return {name: row.text(name, defaults.get(name, "")) for name in ACCOUNT_COLUMNS}


def _documents(told: Told, path: Path) -> Iterator[str]:
    found = [
        {"step": step, **invoice.row._asdict(), **_named(invoice)}
        for step, invoices in told.invoices.items()
        for invoice in invoices
    ]
    return _held(path, found, DOCUMENT_KEY, DOCUMENT_VALUES, is_whole=True)


def _named(invoice: SealedInvoice) -> dict[str, str]:
    categories = sorted({line.tax_category for line in invoice.lines})
    return {"document": invoice.row.kind, "categories": " ".join(categories)}


def _lines(told: Told, path: Path) -> Iterator[str]:
    found = [
        {
            "step": step,
            "participant": invoice.row.participant,
            **_named(invoice),
            **line._asdict(),
            "clauses": " ".join(line.clauses),
        }
        for step, invoices in told.invoices.items()
        for invoice in invoices
        for line in invoice.lines
    ]
    return _held(path, found, LINE_KEY, LINE_VALUES, is_whole=False)


def _baselines(told: Told, path: Path) -> Iterator[str]:
    step_of = {run.id: step for step, run in told.runs.items()}
    found = [
        {
            "step": step,
            "side": party.side.value,
            "participant": party.participant,
            "product": party.product,
            "run": step_of[compared.run.id],
            "asked_wh": party.asked_wh,
            **{f"{design.value}_wh": wh for design, wh in party.energy_wh.items()},
            **{f"{design.value}_micro": micro for design, micro in party.amount_micro.items()},
            "flat_price_micro_per_mwh": compared.totals.flat_price_micro_per_mwh,
            **{f"{d.value}_carbon_g": carbon.grams for d, carbon in compared.totals.carbon.items()},
        }
        for step, compared in told.baselines.items()
        for party in compared.totals.parties
    ]
    return _held(path, found, PARTY_KEY, PARTY_VALUES, is_whole=True)


def _held(
    path: Path, found: Found, key: Sequence[str], values: Sequence[str], *, is_whole: bool
) -> Iterator[str]:
    """Yield what is wrong with rows that name one thing each; `is_whole`: and all there is."""
    named: list[Mapping[str, Any]] = []
    for row in read_table(path, (*key, *values)):
        given = {name: row.cells[name] for name in key if name in row.cells}
        matches = [one for one in found if all(str(one[n]) == cell for n, cell in given.items())]
        if len(matches) != 1:
            there = sorted({tuple(str(one[name]) for name in key) for one in found})
            yield f"{row.place}: {len(matches)} match {given}; there are {there}"
            continue
        named += matches
        for name in values:
            if name in row.cells and not _same(row.cells[name], matches[0][name]):
                yield (
                    f"{row.place}: {given} {name}: "
                    f"expected {row.cells[name]}, found {matches[0][name]}"
                )
    for one in found:
        if is_whole and one not in named:
            yield f"{path.name}: not expected: {[str(one[name]) for name in (*key, *values)]}"


def _same(expected: str, found: Any) -> bool:
    if isinstance(found, int):
        return expected.lstrip("-").replace("_", "").isdigit() and int(expected) == found
    return expected == str(found)


def _runs(told: Told, path: Path) -> Iterator[str]:
    for row in read_table(path, ("step", "same_as")):
        steps = (row.text("step"), row.text("same_as"))
        if not all(step in told.runs for step in steps):
            yield f"{row.place}: a step settled no run; those that did: {list(told.runs)}"
        elif told.runs[steps[0]].id != told.runs[steps[1]].id:
            yield f"{row.place}: {steps[0]} is another run than {steps[1]}"


def _reasons(told: Mapping[str, list[dict[str, str]]], path: Path) -> Iterator[str]:
    """Hold refusals or notices to a file that names all of them, by step, code and place."""
    rows = read_table(path, ("step", "code", "place"))
    columns = [name for name in ("step", "code", "place") if any(name in row.cells for row in rows)]
    if "step" not in columns or "code" not in columns:
        yield f"{path.name}: name the step and the code"
        return
    found = Counter(
        tuple({"step": step, **reason}[name] for name in columns)
        for step, reasons in told.items()
        for reason in reasons
    )
    expected = Counter(tuple(row.text(name) for name in columns) for row in rows)
    for one in sorted((expected - found).elements()):
        yield f"{path.name}: expected and not found: {', '.join(one)}"
    for one in sorted((found - expected).elements()):
        yield f"{path.name}: found and not expected: {', '.join(one)}"


def _one_step(row: Row, steps: Sequence[str]) -> str:
    if "step" in row.cells or len(steps) != 1:
        return row.text("step")
    return steps[0]
