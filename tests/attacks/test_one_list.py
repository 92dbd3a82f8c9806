"""One list of checks, two implementations: `verify` and the evidence's verifier name the same.

Of each check of the list there is a forgery: the database is changed as by an insider who owns it,
with triggers off, every digest below the forgery made anew and the log signed again. `verify` must
name it by the check that the list states; then the evidence of the forged database is written, and
the verifier must name it by the check of the list. Nothing was kept from before.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import make_engine
from market.replay_verification import REPLAYS, replay_check
from market.verification import CHECKS as MARKET_CHECKS
from rulebook.digest import canonical_bytes
from settlement.replays.inputs import pinned_inputs
from settlement.runs.run import Run, input_digest
from settlement.runs.store import find_run
from settlement.verification import Check, list_checks
from tests.attacks.attacker import turn_triggers_off
from tests.attacks.column_cases import Attacked, Changed, attacking, remake_after
from tests.market.led import resolve
from tests.settlement.evidence_cases import Memory, exported
from tests.worlds.settled import FIRST_DAY
from verifier.check_list import CHECKS
from verifier.kinds import README

A_THOUSAND_MICRO = 1_000


@pytest.fixture(scope="module")
def world(clone_filled_database):
    """The tiny market, settled twice, billed, paid, sealed and signed."""
    made = make_engine(clone_filled_database())
    yield made
    made.dispose()


def run_of(session: Session) -> Run:
    found = session.execute(
        text("SELECT id FROM settlement.run WHERE kind = 'SF' AND first_day = :day"),
        {"day": FIRST_DAY},
    )
    run = find_run(session, found.scalar_one())
    assert run is not None
    return run


@dataclass
class Insider:
    """Whoever changes the database, in the transaction of an attack.

    Attributes:
        attacked: what opens sessions in it.
        run: the run whose evidence is written.
    """

    attacked: Attacked
    run: Run

    def do(self, statement: str, *remade: str, **values: object) -> None:
        """Change rows, and make every digest anew that rests on the tables named, and the log."""
        with self.attacked.session() as session:
            turn_triggers_off(session)
            changed = session.execute(text(statement), {"run": self.run.id} | values)
            assert changed.rowcount >= 1
            if remade:
                remake_after(session, [Changed(each, "", frozenset()) for each in remade])

    def ask(self, statement: str, **values: object) -> list:
        with self.attacked.session() as session:
            return list(session.execute(text(statement), {"run": self.run.id} | values).all())


def write_a_fact_twice(insider: Insider) -> None:
    """Put the leaf of a file of readings in the place of another's, which is gone."""
    leaves = insider.attacked.rows("ledger.log_leaf")
    told = next(row for row in leaves if row["source"] == "settlement.reading_file")
    gone = next(row for row in leaves if row["key"].startswith("small/"))
    insider.attacked.connection.execute(
        "ALTER TABLE ledger.log_leaf DROP CONSTRAINT IF EXISTS uq_log_leaf_source_key"
    )
    for column in ("source", "key", "digest"):
        insider.attacked.update("ledger.log_leaf", gone, column, told[column])
    insider.do("UPDATE ledger.log_leaf SET index = index WHERE index = 0", "ledger.log_leaf")


def obey_law_that_was_not_in_force(insider: Insider) -> None:
    """Pin the run to the offer of another week, and make its digest of inputs anew."""
    (digest,) = insider.ask(
        "SELECT encode(digest, 'hex') FROM rulebook.version WHERE reason = 'Offer of a week'"
    )[0]
    insider.do(
        "UPDATE settlement.run SET pins = (SELECT jsonb_agg(CASE WHEN pin ->> 'instrument' LIKE "
        "'%/alder' THEN pin || jsonb_build_object('digest', CAST(:digest AS text)) ELSE pin END) "
        "FROM jsonb_array_elements(pins) AS pin) WHERE id = :run",
        "settlement.run",
        digest=digest,
    )
    with insider.attacked.session() as session:
        session.expire_all()
        forged = find_run(session, insider.run.id)
        inputs = pinned_inputs(session, forged)
        found = input_digest(inputs.pins, inputs.reading_digests)
    insider.do(
        "UPDATE settlement.run SET input_digest = :digest WHERE id = :run",
        "settlement.run",
        digest=found,
    )


def move_twice_by_one_cause(insider: Insider) -> None:
    """Let the journals of two documents name one of them."""
    for constraint in insider.ask(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger.journal'::regclass "
        "AND contype IN ('u', 'f')"
    ):
        insider.attacked.connection.execute(
            f"ALTER TABLE ledger.journal DROP CONSTRAINT {constraint[0]} CASCADE"
        )
    insider.do(
        "UPDATE ledger.journal SET cause_key = first.cause_key, cause_digest = first.cause_digest "
        "FROM (SELECT cause_key, cause_digest FROM ledger.journal "
        "WHERE cause_source = 'ledger.invoice' ORDER BY number LIMIT 1) AS first "
        "WHERE cause_source = 'ledger.invoice'",
        "ledger.journal",
    )


def raise_postings(insider: Insider, changes: tuple[int, ...]) -> None:
    """Change the first money postings of a journal of the run, each by another amount."""
    places = insider.ask(
        "SELECT journal_number, line FROM ledger.posting "
        "JOIN ledger.journal ON number = journal_number JOIN ledger.account ON code = account "
        "WHERE run_id = :run AND commodity = 'GBP' ORDER BY 1, 2"
    )
    for (number, line), change in zip(places, changes, strict=False):
        insider.do(
            "UPDATE ledger.posting SET amount = amount + :change "
            "WHERE journal_number = :number AND line = :line",
            change=change,
            number=number,
            line=line,
        )
    insider.do("UPDATE ledger.posting SET line = line", "ledger.posting")


def bill_one_line_for_another(insider: Insider) -> None:
    """Raise one line of a document against another of the same tax: all of its sums hold."""
    lines = insider.ask(
        "SELECT invoice_id, array_agg(line ORDER BY line) FROM ledger.invoice_line "
        "GROUP BY invoice_id, tax_category, tax_rate_ppm HAVING count(*) > 1 ORDER BY 1 LIMIT 1"
    )
    invoice, (one, other, *_) = lines[0]
    insider.do(
        "UPDATE ledger.invoice_line SET amount_micro = amount_micro + "
        "CASE line WHEN :one THEN :change ELSE -:change END "
        "WHERE invoice_id = :invoice AND line IN (:one, :other)",
        "ledger.invoice_line",
        invoice=invoice,
        one=one,
        other=other,
        change=A_THOUSAND_MICRO,
    )


def sql(statement: str, *remade: str, **values: object) -> Callable[[Insider], None]:
    return lambda insider: insider.do(statement, *remade, **values)


def without_a_document_of_law(files: Memory) -> Memory:
    gone = next(name for name in files if name.startswith("law/tiny/registration/birch/"))
    stem = gone.rpartition(".")[0]
    kept = {name: content for name, content in files.items() if not name.startswith(stem)}
    return Memory(kept).with_manifest_made_again()


def with_another_readme(files: Memory) -> Memory:
    return files.with_file(README, files[README] + b"All of it is paid.\n")


def with_prices_of_a_market_that_is_not_online(files: Memory) -> Memory:
    return Memory(files | {"market/sealed.jsonl": b""}).with_manifest_made_again()


def with_a_booking_that_nobody_settled(files: Memory) -> Memory:
    (day,) = (name[8:18] for name in files if name.startswith("results/"))
    placed = [["3", "700", "5"]]
    booking = {"number": "7", "point": "B-home", "side": "buy", "placed": placed}
    said = {"bookings": [booking], "day": day, "market": "tiny"}
    content = canonical_bytes(said)
    return Memory(files | {f"online/{day}.json": content}).with_manifest_made_again()


def with_a_file_that_nobody_lists(files: Memory) -> Memory:
    return Memory(files | {"paid.txt": b"All of it is paid.\n"})


@dataclass(frozen=True)
class Forgery:
    """What is changed, and how it is named.

    Attributes:
        forge: changes the database; None where the check is of the file alone.
        code: of the finding of `verify`.
        by: the check of `verify` that names it, where it is not the one that the list states.
        refusal: the code by which no evidence is written of the forged database, where none is.
        of_file: changes genuine evidence alike, where none is written of the forged database.
    """

    forge: Callable[[Insider], None] | None
    code: str = ""
    by: str = ""
    refusal: str = ""
    of_file: Callable[[Memory], Memory] | None = None


A_READING = (
    "SELECT ctid FROM settlement.reading "
    "WHERE measure = 'metered_demand_wh' AND entity = 'B-office'"
)
CHANGE_A_READING = (
    f"UPDATE settlement.reading SET values[1] = values[1] + 1 WHERE ctid = ({A_READING})"
)
FORGERIES: dict[str, list[Forgery]] = {
    "manifest": [Forgery(None, of_file=with_a_file_that_nobody_lists)],
    "readme": [Forgery(None, of_file=with_another_readme)],
    "leaves": [Forgery(write_a_fact_twice, "log-fact-unlogged")],
    "law": [
        Forgery(
            sql(
                "UPDATE rulebook.version SET reason = reason || ', twice' WHERE kind = 'grid-model'"
            ),
            "version-altered",
        )
    ],
    "remainders": [
        Forgery(
            sql(
                "UPDATE rulebook.version SET valid = tstzrange(lower(valid) + interval '1 day', "
                "NULL) WHERE origin IS NOT NULL AND upper(valid) IS NULL",
                "rulebook.version",
            ),
            "version-undecided",
        )
    ],
    "run": [Forgery(obey_law_that_was_not_in_force, "run-law")],
    "readings": [
        Forgery(sql(CHANGE_A_READING), "row-does-not-match-digest"),
        Forgery(
            sql(
                "UPDATE settlement.reading SET received_at = received_at - interval '1 hour' "
                f"WHERE ctid = ({A_READING})",
                "settlement.reading",
            ),
            "arrival-of-readings",
        ),
        Forgery(
            sql(
                "UPDATE settlement.reading_file SET content_digest = sha256('another') "
                "WHERE received_at = (SELECT min(received_at) FROM settlement.reading_file)",
                "settlement.reading_file",
            ),
            "file-identity",
        ),
    ],
    "results": [
        Forgery(
            sql(
                "UPDATE settlement.result SET values[1] = values[1] + 1 "
                "WHERE run_id = :run AND measure = 'charge.fuel_micro'"
            ),
            "result-digest",
        )
    ],
    "fairness": [
        Forgery(
            sql(
                "UPDATE settlement.fairness_report "
                "SET report = jsonb_set(report, '{refused_wh}', '7')",
                "settlement.fairness_report",
            ),
            "fairness-report",
        )
    ],
    "inputs": [Forgery(sql(CHANGE_A_READING, "settlement.reading"), "run-inputs")],
    "handed over": [
        Forgery(
            sql(
                "UPDATE settlement.online_day SET content = content || ' '",
                "settlement.online_day",
            ),
            "online-day",
            of_file=with_a_booking_that_nobody_settled,
        )
    ],
    "ledger": [Forgery(lambda insider: raise_postings(insider, (5,)), "ledger-balance")],
    "documents": [
        Forgery(
            sql("UPDATE ledger.invoice SET buyer_legal_name = buyer_legal_name || ' Limited'"),
            "ledger-digest",
        ),
        Forgery(
            sql(
                "UPDATE ledger.invoice_line SET rule_digests = rule_digests || sha256('another') "
                "WHERE line = 1",
                "ledger.invoice_line",
            ),
            "line-rules",
            by="documents against journals and law",
        ),
    ],
    "scope": [
        Forgery(
            sql(
                "DELETE FROM ledger.posting USING ledger.journal "
                "WHERE journal_number = number AND run_id = :run",
                "ledger.posting",
            ),
            "ledger-row-missing",
        )
    ],
    "documents of law": [
        Forgery(
            sql("DELETE FROM rulebook.version WHERE instrument LIKE '%/birch'"),
            "run-inputs",
            refusal="unknown-digest",
            of_file=without_a_document_of_law,
        )
    ],
    "causes": [
        Forgery(
            sql(
                "UPDATE ledger.journal SET cause_digest = sha256('another') WHERE run_id = :run",
                "ledger.journal",
            ),
            "journal-cause",
        ),
        Forgery(move_twice_by_one_cause, "journal-cause", by="ledger"),
    ],
    "posted": [Forgery(lambda insider: raise_postings(insider, (5, -5)), "journal-cause")],
    "sums": [
        Forgery(
            sql(
                "UPDATE ledger.invoice SET tax_minor = tax_minor + 1, due_minor = due_minor + 1 "
                "WHERE original IS NULL",
                "ledger.invoice",
            ),
            "ledger-totals",
        ),
        Forgery(
            sql("UPDATE ledger.invoice SET due_on = due_on - 7", "ledger.invoice"), "ledger-totals"
        ),
    ],
    "billed": [Forgery(bill_one_line_for_another, "document-lines")],
    "stated": [
        Forgery(
            sql(
                "UPDATE ledger.invoice SET seller_iban = 'GB50TSBX00123412345678', "
                "buyer_iban = 'GB50TSBX00123412345678'",
                "ledger.invoice",
            ),
            "document-states",
        ),
        Forgery(
            sql(
                "UPDATE ledger.invoice SET payment_term_days = 1, "
                "due_on = CAST(issued_at AT TIME ZONE 'UTC' AS date) + 1",
                "ledger.invoice",
            ),
            "document-states",
        ),
        Forgery(
            sql("UPDATE ledger.invoice SET run_id = NULL", "ledger.invoice"), "document-states"
        ),
        Forgery(
            sql(
                "UPDATE ledger.invoice_line SET quantity = quantity + 1 WHERE quantity IS NOT NULL",
                "ledger.invoice_line",
            ),
            "document-line-states",
        ),
    ],
    # Evidence of a market online is forged in tests/market/test_evidence_of_prices.py.
    "published": [
        Forgery(
            sql("UPDATE market.event SET entity = entity || 'x' WHERE sequence = 2"),
            "market-chain",
            of_file=with_prices_of_a_market_that_is_not_online,
        )
    ],
    "log": [
        Forgery(
            sql(
                "UPDATE ledger.checkpoint SET root = sha256('another') "
                "WHERE size = (SELECT min(size) FROM ledger.checkpoint)"
            ),
            "log-checkpoint",
        )
    ],
}
"""Forgeries by the check of the list that must name them."""

DATABASE_ALONE: dict[str, Callable[[Insider], None]] = {
    "schema": sql("DELETE FROM pg_trigger WHERE tgname LIKE '%journal%' AND NOT tgisinternal"),
    "posted runs, settled again": sql(
        "UPDATE settlement.result SET values[1] = values[1] + 1 "
        "WHERE run_id = :run AND measure = 'charge.fuel_micro'",
        "settlement.result",
    ),
    "seals": sql("UPDATE ledger.seal SET reason = reason || ', at last'"),
    "bank statements": sql("UPDATE ledger.bank_transaction SET amount_minor = amount_minor + 1"),
    "interest": sql(
        "UPDATE ledger.interest SET borne_micro = borne_micro + 1000000", "ledger.interest"
    ),
    "disputes": sql("UPDATE ledger.dispute_event SET reason = reason || ' Twice.'"),
    "trail": sql("DELETE FROM ledger.trail_link WHERE number = 2"),
    "changes of law": sql("UPDATE rulebook.change SET problem = problem || ' At all.'"),
    "moments of decisions": sql(
        "UPDATE people.proposal SET proposed_at = proposed_at + interval '100 years'"
    ),
    "trials": sql("UPDATE settlement.trial SET threshold_ppm = threshold_ppm + 1"),
    "transition reports": sql(
        "UPDATE settlement.transition_report SET report = jsonb_set(report, '{intervals}', '7')"
    ),
    "people and their rights": sql("UPDATE people.person SET name = name || ' junior'"),
    REPLAYS: sql(
        "UPDATE market.publication SET price_micro_per_mwh[1] = price_micro_per_mwh[1] + 1 "
        "WHERE sequence > 2",
        "market.publication",
    ),
    "witnesses": sql("UPDATE ledger.cosignature SET signed_at = signed_at + interval '1 s'"),
}
"""Forgeries by the checks of `verify` that evidence holds nothing of."""

CASES = [(name, at) for name, of_check in FORGERIES.items() for at in range(len(of_check))]


def verified(insider: Insider, name: str) -> set[str]:
    """Return the codes of what a check of `verify` finds, after those before it had their turn."""
    with insider.attacked.session() as session:
        return {finding.code for finding in named(name).run(session)}


def every_check() -> tuple[Check, ...]:
    """Return what `verify` checks."""
    return (*list_checks(), *MARKET_CHECKS, replay_check(lambda _session, _market: resolve))


def named(name: str) -> Check:
    return next(check for check in every_check() if check.name == name)


def evidence(insider: Insider) -> Memory:
    with insider.attacked.session() as session:
        run = find_run(session, insider.run.id)
        assert run is not None
        return Memory.of(exported(session, run))


@pytest.fixture
def insider(world):
    with attacking(world) as attacked:
        with attacked.session() as session:
            run = run_of(session)
        yield Insider(attacked, run)


@pytest.fixture(scope="module")
def genuine(world) -> Memory:
    with attacking(world) as attacked:
        with attacked.session() as session:
            run = run_of(session)
        return evidence(Insider(attacked, run))


def test_every_check_of_either_list_has_a_forgery():
    assert FORGERIES.keys() == CHECKS.keys()
    held = {listed.verify for listed in CHECKS.values()} - {None}
    assert not held & DATABASE_ALONE.keys()
    assert {check.name for check in every_check()} == held | DATABASE_ALONE.keys()


def test_without_a_forgery_neither_names_anything(insider, genuine):
    for name in {listed.verify for listed in CHECKS.values()} - {None}:
        assert verified(insider, name) == set(), name
    assert genuine.findings() == []


@pytest.mark.parametrize(("name", "at"), CASES)
def test_both_name_what_was_forged(insider, genuine, name, at):
    forgery, of_database = FORGERIES[name][at], CHECKS[name].verify
    assert (forgery.forge is None) == (of_database is None)
    files = None
    if forgery.forge is not None:
        forgery.forge(insider)
        assert forgery.code in verified(insider, forgery.by or of_database)
        try:
            files = evidence(insider)
        except Refused as refused:
            assert forgery.refusal in {finding.code for finding in refused.findings}
        else:
            assert forgery.refusal == "", "evidence of it is written by now"
    if forgery.of_file is not None:
        files = forgery.of_file(genuine)
    assert name in {finding.check for finding in files.findings()}


@pytest.mark.parametrize("name", DATABASE_ALONE)
def test_verify_names_what_evidence_holds_nothing_of(insider, name):
    before = verified(insider, name)
    DATABASE_ALONE[name](insider)
    assert verified(insider, name) - before
