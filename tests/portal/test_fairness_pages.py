"""Pages and files of a stored fairness report: who is shown what, and how one is asked for."""

import contextlib
import datetime as dt
import html
import io
import json
from types import SimpleNamespace

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from pypdf import PdfReader

from common.refusals import Finding, Refused
from database.session import transaction
from portal import quotas
from portal.fairness import pages, requests
from portal.fairness.reading import latest_reports, read_report, versions_of
from portal.models import AskedReport, AuditEntry
from portal.quotas import Kind
from settlement.billing.post import post
from settlement.fairness.intervals import COLUMN_OF
from settlement.fairness.make import FairnessRequest, keep_report, make_report
from settlement.runs.settle import settle
from tests.portal.site import GENERATOR, MARKET, SUPPLIER
from tests.portal.test_replays import end_job
from tests.worlds.as_portal import as_worker
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import CORRECTED, RESETTLED, SETTLED, fill_tiny

MINUTE = dt.timedelta(minutes=1)
HTMX = {"HTTP_HX_REQUEST": "true"}
FORM = {"market": MARKET, "period": "2024-03"}


@pytest.fixture
def address(site) -> str:
    return f"/fairness/{MARKET}/{site.fairness}/"


def shown(answer) -> str:
    return html.unescape(answer.content.decode()).replace("\xa0", " ")


def test_the_list_has_reports_and_periods_without_one(sign_in, site, address):
    page = shown(sign_in("owner").get("/fairness/"))
    assert f'href="{address}"' in page
    assert "No promise to be judged" in page
    assert "no report yet" in page and "2 of 31 days are posted" in page
    assert "Make its report" not in page
    assert "Make its report" in shown(sign_in("operator").get("/fairness/"))


def test_who_oversees_the_market_reads_the_whole_and_others_what_everybody_may_know(
    sign_in, address
):
    whole = shown(sign_in("regulator").get(address))
    assert "By unit" in whole and GENERATOR in whole
    assert "others are withheld" not in whole
    for who in ("owner", "outsider"):
        page = shown(sign_in(who).get(address))
        assert "others are withheld" in page
        assert GENERATOR not in page and "By unit" not in page


def test_a_participant_finds_its_own_part_and_nobody_elses(sign_in, address):
    own = shown(sign_in("owner").get(address))
    assert f"<h2>{SUPPLIER}</h2>" in own and "By supply point" in own
    other = shown(sign_in("outsider").get(address))
    assert SUPPLIER not in other


def test_the_page_says_of_which_runs_it_is_and_where_it_stands_in_the_log(sign_in, site, address):
    with transaction(site.engine) as session:
        (report,) = latest_reports(session)
    for who, leads in (("auditor", True), ("regulator", False), ("owner", False)):
        page = shown(sign_in(who).get(address))
        assert site.later_run in page
        assert (f'href="/runs/{site.later_run}/"' in page) is leads
        assert report.digest.hex()[:8] in page
        assert "Leaf of the signed log" in page and "not in the log yet" not in page


def test_every_figure_has_its_definition_on_the_page(sign_in, address):
    page = shown(sign_in("owner").get(address))
    for words in ("Promises kept", "1/2 sum over units", "Shapley (1953)", "arXiv 2512.13871"):
        assert words in page


def test_a_day_leads_back_and_to_its_run_for_those_who_see_runs(sign_in, site, address):
    page = shown(sign_in("operator").get(f"{address}2024-03-31/"))
    assert f'href="{address}"' in page and f'href="/runs/{site.later_run}/"' in page
    owner = sign_in("owner")
    assert 'href="/runs/' not in shown(owner.get(f"{address}2024-03-31/"))
    assert owner.get(f"{address}2024-04-01/").status_code == 404


def test_what_names_no_report_is_no_page(sign_in, address):
    client = sign_in("owner")
    for other in ("/fairness/gb12/2024-03/", "/fairness/nowhere/2024-03/", f"{address}?digest=00"):
        assert client.get(other).status_code == 404


def test_a_report_is_named_by_its_digest_too(sign_in, site, address):
    with transaction(site.engine) as session:
        (report,) = latest_reports(session)
    answer = sign_in("owner").get(f"{address}?digest={report.digest.hex()}")
    assert answer.status_code == 200
    assert "was posted since" not in shown(answer)
    assert "was made since" not in shown(answer)


def test_a_report_whose_days_were_posted_again_says_so_though_no_other_is_made(database_engine):
    days = (dt.date(2024, 1, 1), dt.date(2024, 1, 3))
    with rolled_back(database_engine) as session:
        fill_tiny(session)
        made = make_report(session, FairnessRequest("tiny", *days))
        keep_report(session, made, now=SETTLED + MINUTE)

        def is_superseded() -> bool:
            (listed,) = [each for each in latest_reports(session) if each.market == "tiny"]
            (version,) = versions_of(session, "tiny", days)
            readers = [read_report(session, version, is_whole=whole) for whole in (True, False)]
            (found,) = {each.is_superseded for each in readers} | {listed.said["is_superseded"]}
            return found

        assert not is_superseded()
        again = settle(session, "tiny", "SF", days[1], days[1], known_at=CORRECTED, now=RESETTLED)
        assert not is_superseded()  # settled, and not posted
        post(session, again.run, now=RESETTLED)
        assert is_superseded()


def test_a_page_says_first_that_a_later_run_was_posted(sign_in, address, monkeypatch):
    monkeypatch.setattr(pages, "standing", lambda **_: "A later run of these days was posted.")
    page = shown(sign_in("owner").get(address))
    assert page.index("A later run of these days was posted.") < page.index('id="summary"')


def test_the_file_holds_what_its_reader_may_read_exactly(sign_in, address):
    whole = json.loads(sign_in("auditor").get(f"{address}report.json").content)
    assert whole["format"] == "tallystick.fairness.2"
    assert {row["supply_point"] for row in whole["supply_points"]}
    told = json.loads(sign_in("owner").get(f"{address}report.json").content)
    assert told["public"] == whole["public"]
    (own,) = told["own"]
    assert own["participant"] == SUPPLIER
    assert own["supply_points"] == [
        row for row in whole["supply_points"] if row["participant"] == SUPPLIER
    ]


def test_the_intervals_of_all_days_come_to_the_figures_that_are_sums(sign_in, address):
    whole = json.loads(sign_in("regulator").get(f"{address}report.json").content)
    figures = {row["code"]: row["value"] for row in whole["figures"]}
    assert figures["carbon_g"] > 0 and figures["ungenerated_wh"] not in (None, 0)
    for code, column in COLUMN_OF.items():
        days = [row["columns"].get(column) for row in whole["by_interval"]]
        found = None if None in days else sum(map(sum, days))
        assert found == figures[code], code
    for row in whole["by_interval"]:
        columns = row["columns"]
        used = zip(*(columns[name] for name in ("demand_wh", "lost_wh")), strict=True)
        brought = zip(*(columns[name] for name in ("generated_wh", "ungenerated_wh")), strict=True)
        assert list(map(sum, used)) == list(map(sum, brought))


def test_a_regulator_follows_a_figure_to_its_intervals_and_others_the_prices(sign_in, address):
    regulator, owner = sign_in("regulator"), sign_in("owner")
    for client, is_told in ((regulator, True), (owner, False)):
        assert 'href="#days">Volatility of prices' in shown(client.get(address))
        page = shown(client.get(f"{address}2024-03-31/"))
        assert "Layer of the highest" in page and "02:00 BST" in page and "01:00 GMT" not in page
        for title in ("What was charged, and what was paid", "Generated by nobody", "Carbon"):
            assert (title in page) is is_told, title


def test_the_pdf_is_the_same_bytes_twice_says_what_the_page_says_and_is_to_be_signed(
    sign_in, address
):
    client = sign_in("regulator")
    made = [client.get(f"{address}report.pdf").content for _ in range(2)]
    assert made[0] == made[1]
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(made[0])).pages)
    said = " ".join(text.replace("\xa0", " ").split())
    assert "They stand on the page of this report, /fairness/gb12/" in said
    for words in ("Fairness of 30 Mar 2024 to 31 Mar 2024", "Fair delivery", "Nodal price",
                  "Check this report", "Read by"):  # fmt: skip
        assert words in said
    told = sign_in("outsider").get(f"{address}report.pdf").content
    of_everybody = "".join(page.extract_text() for page in PdfReader(io.BytesIO(told)).pages)
    assert SUPPLIER not in of_everybody and GENERATOR not in of_everybody


def ask(client) -> AskedReport:
    answer = client.post("/fairness/ask/", FORM)
    asked = AskedReport.objects.get()
    assert answer["Location"] == f"/fairness/asked/{asked.pk}/"
    return asked


def test_asking_leaves_a_request_and_an_audit_entry_and_queues_one_job(sign_in):
    client = sign_in("operator")
    asked = ask(client)
    job = ProcrastinateJob.objects.get()
    assert (job.id, job.task_name, job.lock) == (asked.job_number, "report", "report-0")
    entry = AuditEntry.objects.get(action="report")
    assert entry.subject == "gb12, 2024-03-01 to 2024-03-31"
    assert "0 of 31 days" in shown(client.get(f"/fairness/asked/{asked.pk}/"))
    assert "0 of 31 days read" in shown(client.get("/fairness/"))
    assert ask(client).pk == asked.pk  # whoever asks again meanwhile waits for the same


@pytest.mark.parametrize(
    "form", [{}, {"market": MARKET}, FORM | {"period": "2031-01"}, FORM | {"market": "nowhere"}]
)
def test_no_report_is_asked_for_of_days_that_are_not_offered(sign_in, form):
    assert sign_in("operator").post("/fairness/ask/", form).status_code == 404
    assert not AskedReport.objects.exists()


def test_days_without_a_posted_run_are_told_by_range(sign_in):
    client = sign_in("operator")
    asked = ask(client)
    with as_worker():
        requests.compute(asked.pk, 1)
    page = shown(client.get(f"/fairness/asked/{asked.pk}/"))
    assert "Refused" in page
    assert "2024-03-01 to 2024-03-29" in page


def test_the_worker_makes_it_beside_other_designs_and_the_page_leads_to_it(
    sign_in, site, monkeypatch
):
    client = sign_in("operator")
    asked = ask(client)
    days = {"first_day": "2024-03-31", "last_day": "2024-03-31", "total": 1}
    AskedReport.objects.filter(pk=asked.pk).update(**days)
    with rolled_back(site.engine) as session:
        # The market's database is shared by tests: what is stored there is rolled back.
        own = SimpleNamespace(transaction=lambda: contextlib.nullcontext(session))
        monkeypatch.setattr(requests, "database", own)
        monkeypatch.setattr(requests, "sign_after", lambda _now: None)
        with as_worker():
            requests.compute(asked.pk, 1)
        found = [each for each in latest_reports(session) if str(each.first_day) == "2024-03-31"]
        assert len(found) == 1
    asked.refresh_from_db()
    assert (asked.state, asked.done) == ("done", 1)
    address = f"/fairness/asked/{asked.pk}/"
    assert client.get(address)["Location"] == f"/fairness/{MARKET}/2024-03-31..2024-03-31/"
    assert client.get(address, **HTMX)["HX-Redirect"] == address


def run_by(monkeypatch, run) -> None:
    monkeypatch.setattr(requests, "make_report", run)


def test_a_refusal_is_told_with_every_reason_and_a_fault_without_its_words(sign_in, monkeypatch):
    client = sign_in("operator")
    asked = ask(client)

    def refuse(*_, **__):
        raise Refused([Finding(f"no-{what}", what, "x", "y", "z") for what in ("law", "reading")])

    run_by(monkeypatch, refuse)
    with as_worker():
        requests.compute(asked.pk, 1)
    page = shown(client.get(f"/fairness/asked/{asked.pk}/"))
    assert "Refused" in page and "law" in page and "reading" in page
    AskedReport.objects.update(state="running", found=[])

    def fail(*_, **__):
        raise ZeroDivisionError("of another's data")

    run_by(monkeypatch, fail)
    with as_worker(), pytest.raises(ZeroDivisionError):
        requests.compute(asked.pk, 1)
    page = shown(client.get(f"/fairness/asked/{asked.pk}/"))
    assert "ZeroDivisionError" in page and "of another's data" not in page


def test_what_no_process_makes_any_more_is_told_to_have_failed(sign_in):
    client = sign_in("operator")
    asked = ask(client)
    end_job(asked.job_number)
    page = shown(client.get(f"/fairness/asked/{asked.pk}/"))
    assert "the process that computed it is gone" in page


def test_an_outcome_stands(sign_in):
    asked = ask(sign_in("operator"))
    AskedReport.objects.update(state="done")
    with as_worker(), pytest.raises(LookupError, match="waits for its outcome"):
        requests.compute(asked.pk, 1)


def test_reports_beyond_what_an_account_may_ask_for_are_refused(sign_in, monkeypatch):
    quota = quotas.QUOTAS[Kind.REPORT]._replace(most=1)
    monkeypatch.setitem(quotas.QUOTAS, Kind.REPORT, quota)
    client = sign_in("operator")
    ask(client)
    assert client.post("/fairness/ask/", FORM).status_code == 429
    monkeypatch.setattr(requests, "MOST_UNDER_WAY", 1)
    answer = client.post("/fairness/ask/", FORM)
    assert answer.status_code == 429
    assert "as many fairness reports under way" in shown(answer)
