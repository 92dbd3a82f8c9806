"""The proof pages: open to everyone, a document's content to its parties alone."""

import json
import re
import subprocess
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from sqlalchemy import text

from database.session import make_engine, transaction
from ledger.invoice import short_code
from ledger.log import store
from ledger.log.kept import parse_kept
from ledger.log.note import parse_note
from portal.demo_witness import NAME
from portal.queries import proof as queries
from tests.conftest import ROOT
from tests.portal.conftest import PEOPLE
from tests.portal.site import SUPPLIER, serving_from
from tests.worlds.logged import fill_log

EVERYONE = [*PEOPLE, "signed out"]
PAGES = ["/proof/", "/proof/check/", "/proof/check_proof.py", "/proof/verify.py"]


@pytest.fixture
def number(documents) -> str:
    return documents[SUPPLIER][0].number


@pytest.fixture
def leaf(site, number):
    with transaction(site.engine) as session:
        return store.find_leaf(session, "ledger.invoice", number)


@pytest.fixture
def checkpoint(site):
    with transaction(site.engine) as session:
        return store.last_checkpoint(session)


def proof_json(client, number: str) -> str:
    return client.get(f"/proof/document/{number}/proof.json").content.decode()


@pytest.mark.parametrize("who", EVERYONE)
def test_the_log_is_open_to_everyone(who, sign_in, number, checkpoint):
    client = sign_in(who)
    of_document = [f"/proof/document/{number}/", f"/proof/document/{number}/proof.json"]
    of_checkpoint = [f"/proof/checkpoint/{checkpoint.size}/{end}" for end in ("", "kept/")]
    for path in (*PAGES, *of_document, *of_checkpoint):
        assert client.get(path).status_code == 200, path


@pytest.mark.parametrize("who", EVERYONE)
def test_a_document_opens_from_its_proof_for_those_who_may_see_it(who, sign_in, number):
    client = sign_in(who)
    page = client.get(f"/proof/document/{number}/").content.decode()
    may_open = client.get(f"/invoices/{number}/").status_code == 200
    assert (f'href="/invoices/{number}/"' in page) is may_open
    assert ("What it says is for its parties" in page) is not may_open
    assert SUPPLIER not in page


@pytest.mark.parametrize("path", [*PAGES[2:], "/proof/", "/proof/document/x/proof.json"])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_page_that_is_read_takes_no_other_method(path, method, sign_in):
    assert getattr(sign_in("operator"), method)(path).status_code == 405


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_the_check_takes_a_post_only(method, sign_in):
    assert getattr(sign_in("operator"), method)("/proof/check/").status_code == 405


def test_checkpoints_and_keys_are_listed(sign_in, checkpoint, site):
    page = sign_in("signed out").get("/proof/").content.decode()
    with transaction(site.engine) as session:
        (key,) = [placed.row.key for placed in store.key_rows(session)]
    assert checkpoint.root.hex() in page
    assert f"{checkpoint.size:,}" in page
    assert str(key) in page
    note = sign_in("signed out").get(f"/proof/checkpoint/{checkpoint.size}/")
    assert "attachment" in note["Content-Disposition"]
    assert parse_note(note.content.decode()).signed_by([key]) == [key]
    assert sign_in("signed out").get("/proof/checkpoint/7/").status_code == 404
    file = sign_in("signed out").get(f"/proof/checkpoint/{checkpoint.size}/kept/")
    assert "attachment" in file["Content-Disposition"]
    kept = parse_kept(file.content.decode())
    stated = parse_note(checkpoint.note)
    assert (kept.note.checkpoint, len(kept.leaf_hashes)) == (stated.checkpoint, checkpoint.size)
    assert kept.note.signatures[:1] == stated.signatures
    # Another test may have signed a later checkpoint, which nobody co-signed.
    with transaction(site.engine) as session:
        size = session.scalar(text("SELECT max(size) FROM ledger.cosignature"))
    cosigned = sign_in("signed out").get(f"/proof/checkpoint/{size}/kept/").content.decode()
    assert [line.name for line in parse_kept(cosigned).note.signatures[1:]] == [NAME]
    assert NAME in page
    assert sign_in("signed out").get("/proof/checkpoint/7/kept/").status_code == 404


@pytest.mark.parametrize("who", EVERYONE)
def test_links_of_the_trail_are_kept_by_few(who, sign_in, checkpoint, monkeypatch):
    """A link is a hash of little, such as for whom an account acts: it can be guessed at."""
    asked = []
    monkeypatch.setattr(queries, "keep_checkpoint", lambda *_, has_trail: asked.append(has_trail))
    sign_in(who).get(f"/proof/checkpoint/{checkpoint.size}/kept/")
    assert asked == [who in ("operator", "regulator", "auditor")]


@pytest.mark.django_db
def test_an_older_checkpoint_is_proven_the_beginning_of_the_latest(client, clone_database):
    made = make_engine(clone_database())
    with transaction(made) as session:
        fill_log(session)
    with serving_from(made.url.render_as_string(hide_password=False), made):
        page = client.get("/proof/").content.decode()
        paths = re.findall(r'href="(/proof/consistency/[^"]+)"', page)
        checks = [
            client.post("/proof/check/", {"proof": client.get(path).content.decode()})
            for path in paths
        ]
        missing = client.get(paths[0].replace("/consistency/", "/consistency/7"))
        damage = "UPDATE ledger.log_tile SET hashes = decode(repeat('07', 8192), 'hex')"
        with transaction(made) as session:
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(damage))
        damaged = client.get(paths[-1])
    made.dispose()
    assert len(paths) == 2
    assert ["Every claim holds" in check.content.decode() for check in checks] == [True, True]
    assert missing.status_code == 404
    assert damaged.status_code == 500
    assert "The log is damaged" in damaged.content.decode()
    assert "its first checkpoint is signed by key 1 too" in page


@pytest.mark.parametrize("form", ["number", "code", "digits", "capitals", "whole", "spaces"])
def test_a_document_is_found_by_number_or_code(form, sign_in, number, leaf):
    digest = leaf.leaf.digest
    asked = {
        "number": number,
        "code": short_code(digest),
        "digits": short_code(digest).replace("-", ""),
        "capitals": short_code(digest).upper(),
        "whole": digest.hex(),
        "spaces": f" {number} ",
    }[form]
    answer = sign_in("signed out").get("/proof/", {"document": asked})
    assert answer.status_code == 302
    assert answer["Location"] == f"/proof/document/{number}/"


@pytest.mark.parametrize("asked", ["nothing", "0000-0000-0000", "<b>", "9f86", "é" * 300])
def test_what_is_not_there_is_said_with_a_remedy(asked, sign_in):
    page = sign_in("signed out").get("/proof/", {"document": asked}).content.decode()
    assert "The log holds no document" in page
    assert "as the document prints it" in page
    assert "<b>”" not in page


def test_an_unknown_document_has_no_proof(sign_in):
    for path in ("/proof/document/nothing/", "/proof/document/nothing/proof.json"):
        answer = sign_in("signed out").get(path)
        assert answer.status_code == 404
        assert "The log holds no such document" in answer.content.decode()


def test_the_page_shows_every_step_to_the_root(sign_in, number, leaf, checkpoint):
    client = sign_in("signed out")
    page = client.get(f"/proof/document/{number}/").content.decode()
    proof = json.loads(proof_json(client, number))
    assert proof["digest"] == leaf.leaf.digest.hex()
    for one in (*proof["hashes"], leaf.leaf_hash.hex(), checkpoint.root.hex()):
        assert one in page
    assert page.count(">on its ") == len(proof["hashes"])
    assert short_code(leaf.leaf.digest) in page


def test_a_pasted_proof_is_checked(sign_in, number):
    client = sign_in("signed out")
    page = client.post("/proof/check/", {"proof": proof_json(client, number)}).content.decode()
    assert "Every claim holds" in page
    assert "fails" not in page


def test_an_uploaded_proof_is_checked(sign_in, number):
    client = sign_in("signed out")
    file = SimpleUploadedFile("proof.json", proof_json(client, number).encode())
    page = client.post("/proof/check/", {"file": file, "proof": ""}).content.decode()
    assert "Every claim holds" in page


def test_a_changed_proof_is_not_proven(sign_in, number):
    client = sign_in("signed out")
    changed = json.loads(proof_json(client, number)) | {"digest": "07" * 32}
    page = client.post("/proof/check/", {"proof": json.dumps(changed)}).content.decode()
    assert "A claim does not hold" in page
    assert "fails" in page


@pytest.mark.parametrize("given", ["", "  ", "no proof", "{}", "x" * 60_000, "<script>"])
def test_what_is_no_proof_is_said_to_be_none(given, sign_in):
    answer = sign_in("signed out").post("/proof/check/", {"proof": given})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "This is no proof" in page or "Paste a proof, or choose its file" in page
    assert "<script>" not in page.split("<main", 1)[1]


def test_more_than_a_proof_can_be_is_refused(sign_in):
    """The edge refuses it by its head; where it is not before the portal, Django does."""
    answer = sign_in("signed out").post("/proof/check/", {"proof": "x" * 200_000})
    assert answer.status_code == 400
    assert "<h1" in answer.content.decode()


def test_the_lines_of_python_check_a_proof(sign_in, number, site, tmp_path):
    client = sign_in("signed out")
    script, proof = tmp_path / "check_proof.py", tmp_path / "proof.json"
    script.write_bytes(client.get("/proof/check_proof.py").content)
    assert script.read_text() == (ROOT / "docs" / "check_proof.py").read_text()
    with transaction(site.engine) as session:
        (key,) = [str(placed.row.key) for placed in store.key_rows(session)]
    good = json.loads(proof_json(client, number))
    other = key.replace("+", "x+", 1)
    for given, with_key, expected in (
        (good, key, "PROVEN: "),
        (good | {"digest": "07" * 32}, key, "NOT PROVEN: the hashes"),
        (good | {"index": good["index"] + 1}, key, "NOT PROVEN: the hashes"),
        (good, other, "NOT PROVEN: the checkpoint is not signed"),
    ):
        proof.write_text(json.dumps(given))
        done = subprocess.run(
            [sys.executable, script, proof, with_key], capture_output=True, text=True, check=False
        )
        assert (done.stdout + done.stderr).startswith(expected)
        assert (done.returncode == 0) is expected.startswith("PROVEN")


@pytest.mark.django_db
def test_a_log_without_a_checkpoint_says_what_comes(client, clone_database):
    url = clone_database()
    made = make_engine(url)
    with serving_from(url, made):
        page = client.get("/proof/").content.decode()
        early = client.get("/proof/document/nothing/")
    made.dispose()
    assert "No checkpoint has been signed yet" in page
    assert "There is no key yet" in page
    assert "Not covered yet" in early.content.decode()
