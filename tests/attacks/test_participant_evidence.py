"""Attacks on a participant's evidence: what is kept from them, changed, or shown of others."""

import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import text

from common.refusals import Refused
from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from ledger.tree import leaf_hash, merkle_root
from settlement.evidence.partial_tree import partial_tree
from settlement.evidence.participant import write_participant_evidence
from tests.attacks.mutations import OF_ANY_EVIDENCE
from tests.attacks.test_evidence import COUNT, SEED, is_accepted
from tests.settlement.evidence_cases import Memory, rows, written
from tests.settlement.test_evidence import settle_all
from tests.worlds.logged import signer
from tests.worlds.settled import SETTLED, publish_tiny
from verifier.checks import check_evidence
from verifier.partial_tree import root_of_rows
from verifier.report import Report

INVOICES, LINES = "ledger/invoices.jsonl", "ledger/invoice-lines.jsonl"
PROOFS = "log/proofs.jsonl"


def exported(session, participant, month=None) -> Memory:
    sink = io.BytesIO()
    write_participant_evidence(session, "tiny", participant, month, sink, lambda done, total: None)
    return Memory.of(sink.getvalue())


@pytest.fixture(scope="module")
def market(clone_database) -> Iterator[dict[str, Memory]]:
    """The evidence of each participant of a market that was settled, corrected and billed twice."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        settle_all(session)
        names = session.scalars(text("SELECT DISTINCT participant FROM ledger.invoice ORDER BY 1"))
        found = {name: exported(session, name) for name in names.all()}
    yield found
    made.dispose()


@pytest.fixture(scope="module")
def of_one(market) -> Memory:
    """The evidence of the participant who got most documents."""
    return max(market.values(), key=lambda files: len(rows(INVOICES, files[INVOICES])))


def said(files: Memory) -> list[str]:
    return [str(finding) for finding in files.findings()]


def test_the_evidence_of_every_participant_holds_down_to_the_meter(market):
    assert len(market) >= 3
    counts: dict[str, int] = {}
    for files in market.values():
        report = Report()
        check_evidence(files, report)
        assert report.findings == []
        counts = {what: counts.get(what, 0) + n for what, n in report.counts.items()} | counts
    assert counts["sums of lines that are what the results say"]
    assert counts["quantities of lines that are what the meters read"]


def test_amounts_are_recomputed_from_meters_prices_and_costs(market):
    counted = []
    for files in market.values():
        report = Report()
        check_evidence(files, report)
        counted.append(report.counts.get("amounts recomputed from own meters, prices and costs", 0))
    assert sum(counted) > 100


def told_entities(files: Memory) -> set[tuple[str, str]]:
    """Return measure and entity of every result and reading that is told with its values."""
    return {
        (row["measure"], row["entity"])
        for name, content in files.items()
        if name.startswith(("results/", "readings/"))
        for row in rows(name, content)
        if row["entity"]
    }


def test_nothing_is_told_that_is_another_s(market):
    """No reading, no result and no legal name of another, and no registration but the own."""
    own = {name: told_entities(files) for name, files in market.items()}
    for name, files in market.items():
        others = set().union(*(told for other, told in own.items() if other != name))
        shared = {measure for measure, _ in own[name] & others}
        assert shared <= {"node_price_micro_per_mwh", "node_sell_price_micro_per_mwh"}
        content = b"".join(files.values())
        registrations = {path.split("/")[3] for path in files if "/registration/" in path}
        assert registrations == {name}
        for other, theirs in market.items():
            row = rows(INVOICES, theirs[INVOICES])[0]
            side = "seller" if row["kind"].startswith("self") else "buyer"
            if other != name:
                assert row[f"{side}_legal_name"].encode() not in content, (name, other)


def test_no_file_counts_what_others_have(market):
    """A root does not commit to how many leaves it is over: a count of them could be anything."""
    for files in market.values():
        for name, content in files.items():
            if name.startswith(("results/", "readings/")):
                assert {"depth", "digest"} <= set(rows(name, content)[0])
                assert "leaves" not in rows(name, content)[0]


def test_every_depth_is_held_by_the_root(market):
    """The mutations found that a count of leaves was not, at the right edge of a tree."""
    tried = 0
    for files in market.values():
        for name in sorted(files):
            if not name.startswith("results/"):
                continue
            found = rows(name, files[name])
            digests = [bytes.fromhex(row["digest"]) for row in found]
            depths = [int(row["depth"]) for row in found]
            root = root_of_rows(zip(depths, digests, strict=True))
            for place, depth in product(range(len(depths)), range(max(depths) + 2)):
                if depth != depths[place]:
                    other = [*depths[:place], depth, *depths[place + 1 :]]
                    with suppress(ValueError):
                        assert root_of_rows(zip(other, digests, strict=True)) != root
                    tried += 1
    assert tried > 100


def test_a_document_that_is_left_out_is_missed_by_its_count(of_one):
    found = rows(INVOICES, of_one[INVOICES])
    assert len(found) > 1
    first = next(row for row in found if row["participant_number"] == 1)
    gone = of_one
    for name, column, value in (
        (INVOICES, "id", first["id"]),
        (LINES, "invoice_id", first["id"]),
        (PROOFS, "digest", first["digest"]),
    ):
        kept = [row for row in rows(name, gone[name]) if row[column] != value]
        gone = gone.with_file(name, written(name, kept))
    assert any("documents of a participant, counted, [1]; found [2]" in line for line in said(gone))


def test_a_later_run_that_is_left_out_is_missed_by_the_money_that_it_moved(of_one):
    """Without its journals the days seem to be posted by the run before: lines say otherwise."""
    name = "ledger/journals.jsonl"
    kept = [row for row in rows(name, of_one[name]) if row["run_kind"] != "SF"]
    assert len(kept) < len(rows(name, of_one[name]))
    assert said(of_one.with_file(name, written(name, kept)))


def test_no_mutation_of_a_participant_s_evidence_is_accepted(of_one):
    accepted, tried = [], 0
    for number, name in zip(range(COUNT), cycle(OF_ANY_EVIDENCE), strict=False):
        mutant = OF_ANY_EVIDENCE[name](of_one, Random(f"{SEED} participant {number}"))
        if dict(mutant) != dict(of_one):
            tried += 1
            if is_accepted(mutant):
                accepted.append((number, name))
    print(f"{tried:,} mutations of a participant's evidence, seed {SEED}")
    assert accepted == []


def test_without_a_document_there_is_nothing_to_export(session):
    publish_tiny(session)
    publish_checkpoint(session, signer(1), SETTLED)
    with pytest.raises(Refused, match="no document that a checkpoint covers"):
        exported(session, "nobody")


@given(some.integers(0, 70), some.sets(some.integers(0, 69)))
def test_a_partial_tree_has_the_root_of_the_whole(count, own):
    digests = [leaf_hash(bytes([number])) for number in range(count)]
    own = {place for place in own if place < count}
    parts = list(partial_tree(digests, own))
    assert root_of_rows([(part.depth, part.digest) for part in parts]) == merkle_root(digests)
    assert {part.place for part in parts if part.place is not None} == own


def tree_depths(draw: Random, leaves: int, depth: int = 0) -> list[int]:
    """Return the depths of the leaves of some whole tree."""
    if leaves == 1:
        return [depth]
    left = draw.randint(1, leaves - 1)
    return [
        *tree_depths(draw, left, depth + 1),
        *tree_depths(draw, leaves - left, depth + 1),
    ]


@given(some.integers(1, 70), some.sets(some.integers(0, 69)), some.randoms(use_true_random=False))
def test_no_other_tree_of_the_same_rows_has_its_root(count, own, draw):
    digests = [leaf_hash(bytes([number])) for number in range(count)]
    parts = list(partial_tree(digests, own & set(range(count))))
    depths = tree_depths(draw, len(parts))
    root = root_of_rows(zip(depths, (part.digest for part in parts), strict=True))
    assert (root == merkle_root(digests)) == (depths == [part.depth for part in parts])


@pytest.mark.parametrize(
    "depths", [[1], [1, 2, 2, 1], [2, 2], [1, 2], [-1], [2, 1], [1, 1, 1], [0, 0]]
)
def test_rows_that_are_no_whole_tree_are_refused(depths):
    with pytest.raises(ValueError, match="tree"):
        root_of_rows([(depth, bytes(32)) for depth in depths])


def test_a_run_that_stands_twice_is_found(of_one):
    """The mutations found it: rows of other files are held to their order, and these were not."""
    name = "runs.jsonl"
    line = of_one[name].splitlines(keepends=True)[-1]
    found = said(of_one.with_file(name, of_one[name] + line))
    assert any("each run once, in order" in words for words in found)
