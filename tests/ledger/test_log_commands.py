"""checkpoint, log_key, prove, runs and verify --checkpoint, as an operator runs them."""

import json

import pytest
from sqlalchemy import text

from database.session import make_engine, transaction
from ledger.invoice import short_code
from ledger.invoice_queries import invoices
from ledger.log.kept import parse_kept
from ledger.log.note import parse_key, parse_note
from ledger.log.proof_file import check_proof
from ledger.log.store import key_rows
from portal.management.base import utc_now
from settlement.billing.issuing import issue_month
from tests.settlement.test_verification import JANUARY
from tests.test_commands import command_on
from tests.worlds.copied import copied
from tests.worlds.settled import (
    RESETTLED,
    SETTLED,
    correct_tiny,
    ingest_tiny,
    publish_tiny,
    settle_tiny,
)

__all__ = ["command_on"]


@pytest.fixture(scope="module")
def filled(clone_database) -> str:
    """The URL of a market published, settled and billed, to copy from."""
    url = clone_database()
    made = make_engine(url)
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        settle_tiny(session)
        issue_month(session, "tiny", JANUARY, now=SETTLED)
    made.dispose()
    return url


@pytest.fixture
def billed(filled, server_url, monkeypatch, tmp_path):
    """A copy of what is filled; the log's key lies in a folder of its own."""
    monkeypatch.setenv("TALLYSTICK_LOG_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("TALLYSTICK_LOG_NAME", "tiny.test/log")
    with copied(server_url, filled) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def command(command_on, billed):
    return command_on(billed)


def number_of(engine) -> tuple[str, bytes]:
    with transaction(engine) as session:
        row = invoices(session)[0]
        digest = session.execute(
            text("SELECT digest FROM ledger.invoice WHERE id = :id"), {"id": row.id}
        ).scalar_one()
    return f"{row.series}-{row.number:06d}", digest


def known_keys(engine):
    with transaction(engine) as session:
        return [placed.row.key for placed in key_rows(session)]


def test_the_first_checkpoint_makes_the_key_and_says_so(command, billed, tmp_path):
    made = command("checkpoint", "--out", tmp_path / "note")
    assert made.status == 0
    assert "Made the key that signs the log" in made.err
    (key,) = known_keys(billed)
    assert str(key) in made.err
    note = parse_kept((tmp_path / "note").read_text()).note
    assert note.signed_by([key]) == [key]
    assert note.checkpoint.body in made.out
    again = command("checkpoint")
    assert (again.status, "Made the key" in again.err) == (0, False)
    assert f"Nothing was published since the checkpoint of {note.checkpoint.size}" in again.out
    listed = command("checkpoint", "--list")
    assert note.checkpoint.root.hex() in listed.out
    assert json.loads(command("checkpoint", "--json").out)["is_new"] is False
    assert [one["size"] for one in json.loads(command("checkpoint", "--list", "--json").out)] == [
        note.checkpoint.size
    ]


def test_an_empty_list_names_what_fills_it(command):
    assert "manage.py checkpoint makes one" in command("checkpoint", "--list").out
    assert "the first checkpoint makes one" in command("log_key").out
    assert "the first checkpoint makes one" in command("log_key", "rotate").err


def test_an_exposed_key_signs_nothing(command, tmp_path):
    command("checkpoint")
    (tmp_path / "key").chmod(0o644)
    refused = command("checkpoint")
    assert refused.status == 1
    assert "its mode is 0644" in refused.err
    assert "chmod 600" in refused.err
    assert "[rule 80, LOG_KEY_IS_EXPOSED]" in refused.err
    (finding,) = json.loads(command("checkpoint", "--json").out)["refused"]
    assert (finding["number"], finding["code"]) == (80, "LOG_KEY_IS_EXPOSED")
    assert {"place", "value", "limit", "remedy"} < finding.keys()


@pytest.mark.parametrize("form", [str, str.upper, lambda code: code.replace("-", "")])
def test_an_invoice_is_proven_by_number_and_by_code(command, billed, tmp_path, form):
    number, digest = number_of(billed)
    early = command("prove", number)
    assert early.status == 1
    assert "no checkpoint was made yet" in early.err
    command("checkpoint")
    assert f"{number} is leaf " in command("prove", number).out
    by_code = command("prove", form(short_code(digest)), "--json")
    proof = json.loads(by_code.out)
    assert (proof["key"], proof["digest"]) == (number, digest.hex())
    assert all(one.holds for one in check_proof(by_code.out, known_keys(billed)))
    command("prove", number, "--out", tmp_path / "proof.json")
    assert json.loads((tmp_path / "proof.json").read_text()) == proof


def test_what_cannot_be_proven_is_refused_with_the_remedy(command, billed):
    command("checkpoint")
    unknown = command("prove", "tiny-invoice-000099")
    assert (unknown.status, unknown.out) == (1, "")
    assert "no leaf of the log" in unknown.err
    with transaction(billed) as session:
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
        issue_month(session, "tiny", JANUARY, now=RESETTLED)
    number, _ = number_of(billed)
    uncovered = command("prove", number)
    assert uncovered.status == 1
    assert "make one: manage.py checkpoint" in uncovered.err
    command("checkpoint")
    assert command("prove", number).status == 0
    assert command("prove").status == 1
    assert command("prove", number, "--consistency", 1, 2).status == 1


def test_two_checkpoints_are_proven_consistent_over_a_rotation(command, billed):
    first = json.loads(command("checkpoint", "--json").out)
    rotated = command("log_key", "rotate")
    assert "Rotated, by the checkpoint of" in rotated.out
    last = json.loads(command("checkpoint", "--json").out)
    keys = known_keys(billed)
    assert [key in keys for key in parse_note(last["note"]).signed_by(keys)] == [True, True]
    shown = command("prove", "--consistency", first["size"], last["size"])
    assert "is the beginning of" in shown.out
    given = command("prove", "--consistency", first["size"], last["size"], "--json").out
    assert all(one.holds for one in check_proof(given, keys))
    unknown = command("prove", "--consistency", 1, last["size"])
    assert "manage.py checkpoint --list" in unknown.err
    listed = json.loads(command("log_key", "--json").out)
    assert [parse_key(one["verifier_key"]) for one in listed] == keys
    assert [one["cause"] for one in listed] == ["first", "rotation"]
    assert command("verify").status == 0


def test_a_lost_key_is_replaced(command, billed, tmp_path):
    command("checkpoint")
    (tmp_path / "key").unlink()
    assert "rotate --lost" in command("checkpoint").err
    assert "rotate --lost" in command("log_key", "rotate").err
    assert command("log_key", "rotate", "--lost").status == 0
    assert command("log_key", "rotate", "--lost").status == 1
    assert "goes with rotate" in command("log_key", "--lost").err
    with transaction(billed) as session:
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
    assert command("checkpoint").status == 0
    assert command("verify").status == 0


CUT = (
    "(SELECT key FROM ledger.log_leaf WHERE source = '{}' AND index > (SELECT index "
    "FROM ledger.log_leaf WHERE source = 'ledger.checkpoint' ORDER BY index DESC OFFSET 1 LIMIT 1))"
)
INVOICES = f"series || '-' || lpad(number::text, 6, '0') IN {CUT.format('ledger.invoice')}"
JOURNALS = f"::text IN {CUT.format('ledger.journal')}"
CUT_OFF = (
    f"DELETE FROM ledger.invoice_line USING ledger.invoice WHERE invoice_id = id AND {INVOICES}",
    f"DELETE FROM ledger.invoice WHERE {INVOICES}",
    f"DELETE FROM ledger.posting WHERE journal_number{JOURNALS}",
    f"DELETE FROM ledger.journal WHERE number{JOURNALS}",
    "DELETE FROM ledger.log_leaf WHERE index > (SELECT index FROM ledger.log_leaf "
    "WHERE source = 'ledger.checkpoint' ORDER BY index DESC OFFSET 1 LIMIT 1)",
    "DELETE FROM ledger.checkpoint WHERE size = (SELECT max(size) FROM ledger.checkpoint)",
)


def test_a_cut_off_invoice_is_found_against_a_note_kept_elsewhere(command, billed, tmp_path):
    note = tmp_path / "note"
    command("checkpoint")
    with transaction(billed) as session:
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
    command("checkpoint")
    with transaction(billed) as session:
        issue_month(session, "tiny", JANUARY, now=utc_now())  # after what was signed just now
    command("checkpoint", "--out", note)
    assert command("verify", "--checkpoint", note).status == 0
    with transaction(billed) as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in CUT_OFF:
            assert session.execute(text(statement)).rowcount >= 1
    assert command("verify").status == 0  # a whole end leaves no trace within
    found = command("verify", "--checkpoint", note)
    assert found.status == 1
    assert "its end was cut off" in found.err
    assert "log-end-cut-off" in found.err


def test_the_note_alone_is_written_when_asked_and_read_too(command, billed, tmp_path):
    note, kept = tmp_path / "note", tmp_path / "kept"
    assert "goes with --out" in command("checkpoint", "--note-only").err
    command("checkpoint", "--out", note, "--note-only")
    command("checkpoint", "--out", kept)
    assert parse_kept(note.read_text()) == parse_kept(kept.read_text())._replace(leaf_hashes=None)
    assert command("verify", "--checkpoint", note).status == 0


def test_a_file_that_is_no_checkpoint_is_refused(command, tmp_path):
    for content in (b"no note", b"\xff\xfe"):
        (tmp_path / "note").write_bytes(content)
        refused = command("verify", "--checkpoint", tmp_path / "note")
        assert refused.status == 1
        assert "is no checkpoint" in refused.err
    assert command("verify", "--checkpoint", tmp_path / "absent").status == 1


def test_runs_are_listed_with_their_state_and_digests(command, billed):
    (first,) = json.loads(command("runs", "--json").out)
    assert (first["kind"], first["state"]) == ("II", "posted")
    with transaction(billed) as session:
        correct_tiny(session)
        settle_tiny(session, "SF", RESETTLED)
    later, superseded = json.loads(command("runs", "--json").out)
    assert (later["state"], superseded["state"]) == ("posted", "superseded")
    assert superseded == {**first, "state": "superseded"}
    assert {len(later[name]) for name in ("input_digest", "result_digest", "digest")} == {64}
    table = command("runs").out
    assert later["id"] in table
    assert "superseded" in table
    refused = command("runs", "--market", "other")
    assert refused.status == 1
    assert "other" in refused.err
    assert "tiny" in refused.err


def test_no_other_file_is_written_over_unasked(command, billed, tmp_path):
    file = tmp_path / "kept"
    file.write_text("Kept")
    number, _ = number_of(billed)
    for place, words in ((file, "--force replaces it"), (tmp_path, "is a folder")):
        found = command("checkpoint", "--out", place)
        assert (found.status, words in found.err) == (1, True)
    assert known_keys(billed) == []  # nothing was signed
    command("checkpoint", "--out", file, "--force")
    note = file.read_text()
    assert parse_kept(note).leaf_hashes
    for place, words in ((file, "--force replaces it"), (tmp_path, "is a folder")):
        found = command("prove", number, "--out", place)
        assert (found.status, words in found.err) == (1, True)
    assert file.read_text() == note


def test_a_note_that_cannot_be_written_is_not_signed(command, billed, tmp_path):
    absent = tmp_path / "absent" / "note"
    found = command("checkpoint", "--out", absent)
    assert found.status == 1
    assert f"{absent} cannot be written: No such file or directory; name another path" in found.err
    assert json.loads(command("checkpoint", "--list", "--json").out) == []
