"""`manage.py evidence` as an operator meets it: a file, or a refusal and nothing half-written."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from settlement.evidence.verifier_file import verifier_digest
from tests.test_commands import command_on  # noqa: F401  a fixture
from tests.worlds.logged import signer
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny


@pytest.fixture(scope="module")
def settled(clone_database):
    """Engine of a settled market, and its run."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        run = settle_tiny(session)
        publish_checkpoint(session, signer(1), SETTLED)
    yield made, run
    made.dispose()


@pytest.fixture
def command(command_on, settled):  # noqa: F811
    return command_on(settled[0])


def refused(outcome, words: str, folder: Path) -> None:
    assert (outcome.status, outcome.out) == (1, "")
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_file_is_written_that_verifies(command, settled, tmp_path):
    out = tmp_path / "run.zip"
    outcome = command("evidence", settled[1].id, "--out", out)
    assert outcome.status == 0, outcome.err
    assert f"manage.py verifier --out verify.py && python3 verify.py {out}" in outcome.out
    assert verifier_digest() in outcome.out
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]
    assert command("verifier", "--out", tmp_path / "verify.py").status == 0
    verifier = [sys.executable, "-I", "-S", "verify.py", "run.zip"]
    subprocess.run(verifier, cwd=tmp_path, check=True, capture_output=True)


def test_as_json_it_says_what_was_written(command, settled, tmp_path):
    out = tmp_path / "run.zip"
    outcome = command("evidence", settled[1].id, "--out", out, "--json")
    assert json.loads(outcome.out) == {
        "run": str(settled[1].id),
        "file": str(out),
        "bytes": out.stat().st_size,
    }


def test_a_file_that_is_there_is_replaced_by_force_alone(command, settled, tmp_path):
    out = tmp_path / "run.zip"
    out.write_bytes(b"mine")
    refused(command("evidence", settled[1].id, "--out", out), "--force", tmp_path)
    assert out.read_bytes() == b"mine"
    assert command("evidence", settled[1].id, "--out", out, "--force").status == 0
    first = out.read_bytes()
    assert command("evidence", settled[1].id, "--out", out, "--force").status == 0
    assert out.read_bytes() == first


def test_an_unknown_run_is_refused(command, tmp_path):
    outcome = command("evidence", uuid.UUID(int=1), "--out", tmp_path / "run.zip")
    refused(outcome, "no run 00000000-0000-0000-0000-000000000001", tmp_path)
    assert not (tmp_path / "run.zip").exists()


@pytest.mark.parametrize("place", ["absent/run.zip", "file/run.zip", "folder"])
def test_a_place_that_cannot_be_written_is_refused(command, settled, tmp_path, place):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    outcome = command("evidence", settled[1].id, "--out", tmp_path / place, "--force")
    refused(outcome, "cannot be written", tmp_path)


def test_a_run_that_no_checkpoint_covers_is_refused_with_the_remedy(
    command_on,  # noqa: F811
    committed_database,
    tmp_path,
):
    with transaction(committed_database) as session:
        publish_tiny(session)
        ingest_tiny(session)
        run = settle_tiny(session)
    outcome = command_on(committed_database)("evidence", run.id, "--out", tmp_path / "run.zip")
    refused(outcome, "manage.py checkpoint", tmp_path)
    assert not (tmp_path / "run.zip").exists()
