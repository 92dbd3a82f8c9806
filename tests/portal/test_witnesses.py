"""What witnesses ask of the portal, and the whole way of `manage.py witness URL` through it."""

import datetime as dt
from urllib.parse import urlsplit

import pytest
from django.test import Client
from sqlalchemy import text

from common.refusals import Finding, Refused
from database.session import make_engine, transaction
from ledger.log import store
from ledger.log.kept import parse_kept
from ledger.log.note import parse_note
from ledger.log.policy import parse_policy
from ledger.log.witness_verification import verify_quorum
from ledger.log.witnesses import LARGEST_BYTES, register_witness, withdraw_witness
from portal.bodies import body_limit
from portal.management.base import utc_now
from portal.management.commands import witness as command
from tests.portal.conftest import PEOPLE
from tests.portal.site import serving_from
from tests.test_commands import command_on
from tests.worlds.logged import publish_small_facts, signer
from tests.worlds.witnessed import witness

__all__ = ["command_on"]

NEWEST = "/proof/checkpoint/newest/kept/"
KEY = signer(1).key


@pytest.fixture
def log(clone_database, monkeypatch, tmp_path, db):
    """A portal over a log of its own, which a fixed key signs, at this very moment."""
    url = clone_database()
    made = make_engine(url)
    with transaction(made) as session:
        publish_small_facts(session, 5)
        sign(session)
    with serving_from(url, made):
        yield made
    made.dispose()


def sign(session) -> None:
    from ledger.log.checkpoints import publish_checkpoint

    publish_checkpoint(session, signer(1), utc_now())


def post(client, engine, number: int, *, size: int | None = None, at: dt.datetime | None = None):
    with transaction(engine) as session:
        checkpoint = parse_note(store.last_checkpoint(session).note).checkpoint
    line = witness(number).cosign(checkpoint, int((at or utc_now()).timestamp())).text
    path = f"/proof/checkpoint/{size or checkpoint.size}/cosignatures/"
    return client.post(path, line, content_type="text/plain; charset=utf-8")


@pytest.mark.parametrize("who", [*PEOPLE, "signed out"])
def test_the_newest_checkpoint_is_everybodys_and_without_the_trail(who, sign_in):
    answer = sign_in(who).get(NEWEST)
    assert answer.status_code == 200
    kept = parse_kept(answer.content.decode())
    assert kept.leaf_hashes
    assert not kept.link_digests


@pytest.mark.parametrize("who", [*PEOPLE, "signed out"])
def test_nobodys_sign_in_makes_a_cosignature(who, sign_in):
    """Neither is one needed, nor does it help."""
    answer = sign_in(who).post(
        "/proof/checkpoint/7/cosignatures/", "\u2014 a b\n", content_type="text/plain"
    )
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_another_method_is_refused(method, client, db):
    assert getattr(client, method)("/proof/checkpoint/7/cosignatures/").status_code == 405
    if method != "get":
        assert getattr(client, method)(NEWEST).status_code == 405


def test_a_cosignature_of_a_registered_witness_is_kept_and_shown(log):
    client = Client(enforce_csrf_checks=True)
    assert post(client, log, 1).status_code == 403
    with transaction(log) as session:
        register_witness(session, str(witness(1).key), utc_now())
        sign(session)
    answer = post(client, log, 1)
    assert answer.status_code == 200
    page = client.get("/proof/").content.decode()
    assert page.count("witness-1.test/w") >= 3, "co-signature, name, key"
    note = client.get(f"/proof/checkpoint/{newest_size(log)}/").content.decode()
    assert note.endswith(answer.content.decode())
    assert client.get("/proof/document/nothing/").status_code == 404


def test_each_refusal_has_its_status(log):
    client = Client()
    with transaction(log) as session:
        register_witness(session, str(witness(1).key), utc_now())
        old = store.last_checkpoint(session).size
        sign(session)
    assert post(client, log, 1, size=old).status_code == 422
    assert post(client, log, 1, size=999).status_code == 404
    assert post(client, log, 1, at=utc_now() - dt.timedelta(days=2)).status_code == 400
    path = f"/proof/checkpoint/{old}/cosignatures/"
    for content, status in (("x" * (LARGEST_BYTES + 1), 413), (b"\xff", 400), ("", 400)):
        assert client.post(path, content, content_type="text/plain").status_code == status
    with transaction(log) as session:
        withdraw_witness(session, str(witness(1).key), utc_now())
    assert post(client, log, 1).status_code == 403


def test_the_edge_lets_no_more_through_than_is_read():
    assert body_limit("POST", "/proof/checkpoint/7/cosignatures/") == LARGEST_BYTES


def test_a_log_without_a_checkpoint_has_no_newest(client, clone_database, db):
    url = clone_database()
    made = make_engine(url)
    with serving_from(url, made):
        assert client.get(NEWEST).status_code == 404
    made.dispose()


def newest_size(engine) -> int:
    with transaction(engine) as session:
        return store.last_checkpoint(session).size


@pytest.fixture
def watch(log, monkeypatch, tmp_path, capsys):
    """Return what runs `manage.py witness` against the portal, by the wire of a test client."""
    client = Client(enforce_csrf_checks=True)

    def answered(answer) -> str:
        if answer.status_code != 200:
            raise Refused([Finding("witness-unfetched", "x", str(answer.status_code), "y", "z")])
        return answer.content.decode()

    monkeypatch.setattr(command, "fetch", lambda url: answered(client.get(urlsplit(url).path)))
    monkeypatch.setattr(
        command,
        "post",
        lambda url, line: answered(
            client.post(urlsplit(url).path, line, content_type="text/plain")
        ),
    )

    def run(*arguments: str) -> str:
        from django.core.management import call_command

        call_command("witness", "https://portal.test/", f"--folder={tmp_path / 'w'}", *arguments)
        return capsys.readouterr().out

    return run


def test_a_witness_watches_a_portal_and_a_policy_relies_on_it(log, watch, tmp_path):
    from witness.folder import open_folder

    key = open_folder(tmp_path / "w", "regulator.test/w").witness.key
    with transaction(log) as session:
        register_witness(session, str(key), utc_now())
        sign(session)
    said = watch("--log-key", str(KEY))
    assert "The portal has taken it." in said
    with transaction(log) as session:
        publish_small_facts(session, 3, first=6)
        sign(session)
    assert "begins with the" in watch()
    policy = parse_policy(f"log {KEY}\nwitness r {key}\nquorum r\nage_hours 1\n")
    with transaction(log) as session:
        assert list(verify_quorum(session, policy, None, utc_now())) == []
        assert session.scalar(text("SELECT count(*) FROM ledger.cosignature")) == 2


def test_a_cosignature_that_the_portal_refuses_is_kept_all_the_same(log, watch, tmp_path):
    from django.core.management.base import CommandError

    with pytest.raises(CommandError, match="Co-signed and kept, but the portal did not take"):
        watch("--log-key", str(KEY), "--name", "regulator.test/w")
    assert list((tmp_path / "w/logs").glob("*/checkpoint"))
