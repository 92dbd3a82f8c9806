"""The evidence of a run as a download: of a day of gb12, and why there is none."""

import io
import json
import subprocess
import sys
from zipfile import ZipFile

from portal import exports
from portal.models import AuditEntry, Export
from portal.views import evidence
from tests.portal.site import SUPPLIER
from verifier.command_line import check_path


def made(client, address: str):
    """The file that is asked for at an address and made beside, as its download answers."""
    assert "Make the file" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    export = Export.objects.latest("pk")
    exports.make(export.pk)
    return client.get(f"/files/{export.pk}/download/")


def test_the_run_page_offers_a_zip_that_verifies(sign_in, site, tmp_path):
    client = sign_in("auditor")
    address = f"/runs/{site.later_run}/evidence/"
    assert f'href="{address}"' in client.get(f"/runs/{site.later_run}/").content.decode()
    answer = made(client, address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert f"{site.later_run}.zip" in answer["Content-Disposition"]
    path = tmp_path / "evidence.zip"
    path.write_bytes(b"".join(answer.streaming_content))
    (tmp_path / "verify.py").write_bytes(client.get("/proof/verify.py").content)
    outcome = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", str(path), "--json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    checked = json.loads(outcome.stdout)
    assert checked["findings"] == []
    assert checked["checked"]["results"] > 1_000
    assert checked["checked"]["facts that are leaves of the log, none of them left out"] > 20


def test_of_a_market_that_is_not_online_a_short_run_is_sent_at_once(sign_in, site, monkeypatch):
    monkeypatch.setattr(evidence, "last_word", lambda session, run: None)
    answer = sign_in("auditor").get(f"/runs/{site.later_run}/evidence/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")


def test_the_same_run_is_the_same_bytes_each_time(sign_in, site):
    client = sign_in("operator")
    first, again = (
        b"".join(made(client, f"/runs/{site.first_run}/evidence/").streaming_content)
        for _ in range(2)
    )
    assert first == again
    with ZipFile(io.BytesIO(first)) as archive:
        assert json.loads(archive.read("run.json"))["id"] == site.first_run


def test_what_no_checkpoint_covers_is_explained_with_the_remedy(sign_in, site):
    answer = sign_in("auditor").get(f"/runs/{site.study}/evidence/")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"settlement.run {site.study}" in page
    assert "come again when the log was signed" in page
    assert "manage.py" not in page


def test_a_run_that_is_not_there_is_not_found(sign_in):
    absent = "/runs/00000000-0000-0000-0000-000000000000/evidence/"
    assert sign_in("auditor").get(absent).status_code == 404


def test_a_participant_takes_the_evidence_of_its_own_documents_alone(
    sign_in, site, documents, tmp_path
):
    client = sign_in("owner")
    address = f"/accounts/gb12/{SUPPLIER}/evidence.zip"
    assert f'href="{address}"' in client.get(f"/accounts/gb12/{SUPPLIER}/").content.decode()
    path = tmp_path / "evidence.zip"
    for query in ("", "?month=2024-03"):
        assert "Make the file" in client.get(address + query).content.decode()
        asked = client.post(address + query)
        export = Export.objects.latest("pk")
        assert asked["Location"] == f"/files/{export.pk}/"
        exports.make(export.pk)
        answer = client.get(f"/files/{export.pk}/download/")
        assert answer.status_code == 200
        path.write_bytes(b"".join(answer.streaming_content))
        report = check_path(path, [], None)
        assert report.findings == []
        assert report.counts["results of the participant"] > 10
    assert client.get(f"{address}?month=March").status_code == 400
    entry = AuditEntry.objects.order_by("id").last()
    assert entry.action == "export"
    assert entry.subject.startswith(f"evidence-gb12-{SUPPLIER}-2024-03.zip from /files/")
    assert sign_in("outsider").get(address).status_code == 404
    assert sign_in("auditor").get(address).status_code == 404
