"""Figures of a trial, opened in the portal: rows, days, lines, and two trees beside each other."""

import datetime as dt
import html
import json
import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from common.currencies import NO_BREAK_SPACE
from database.session import transaction
from ledger.people.roles import Role
from portal import explanations, jobs, tasks
from portal.access import viewer_of
from portal.models import ExplanationRequest
from portal.trials import opening
from portal.trials.opened_pages import LinePage, RowDayPage, RowsPage, TreesPage
from portal.trials.opened_tables import row_words
from settlement.trials.rows import report_rows
from settlement.trials.store import find_trial
from tests.portal.site import GENERATOR, SUPPLIER
from tests.worlds.acts import AT_ONCE
from tests.worlds.as_portal import as_worker

DAY = "2024-03-31"


def text(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return html.unescape(answer.content.decode())


@pytest.fixture(scope="module")
def trial(site):
    with transaction(site.engine) as session:
        return find_trial(session, uuid.UUID(site.trial))


@pytest.fixture
def row(trial):
    """Return the number of a row by its dimension and name."""
    rows = report_rows(trial.report)
    return lambda dimension, name: next(
        number
        for number, each in enumerate(rows, start=1)
        if (each.dimension, each.name) == (dimension, name)
    )


@pytest.fixture
def regulator(sign_in):
    return sign_in("regulator")


def kept(kind):
    """Return what the worker keeps for the page that was asked for last."""
    asked = ExplanationRequest.objects.latest("pk")
    found = opening.opened_of(asked.document, asked.line, asked.day, asked.interval)
    assert found is not None
    page = found.pages.validate_json(asked.content)
    assert isinstance(page, kind)
    return page


def test_each_row_of_the_report_leads_to_its_days(regulator, site, trial):
    page = text(regulator, f"/trials/{site.trial}/")
    for number, each in enumerate(report_rows(trial.report), start=1):
        name = html.escape(row_words(each)[0])
        assert f'<a href="/trials/{site.trial}/{number}/">{html.unescape(name)}</a>' in page


def test_one_request_opens_every_row_and_each_is_what_the_record_says(regulator, site, trial):
    rows = report_rows(trial.report)
    sides = [side.side for side in trial.sides]
    for number, each in enumerate(rows, start=1):
        if number in (1, len(rows)):
            page = text(regulator, f"/trials/{site.trial}/{number}/")
            assert "Agrees" in page and row_words(each)[0] in page
            assert f"/trials/{site.trial}/{number}/{DAY}/" in page
    assert ExplanationRequest.objects.count() == 1
    found = kept(RowsPage)
    assert found.received_micro.keys() == set(range(1, len(rows) + 1))
    for number, each in enumerate(rows, start=1):
        assert list(found.received_micro[number]) == [each.received_micro(sides)]


def test_a_day_its_lines_and_their_periods_sum_to_the_row(regulator, site, trial, row):
    number = row("kind", "charge.dynamic")
    figures = report_rows(trial.report)[number - 1].received_micro(("law", "draft", "second"))
    address = f"/trials/{site.trial}/{number}/{DAY}/"
    page = text(regulator, address)
    of_day = kept(RowDayPage)
    assert tuple(map(sum, of_day.periods.received_micro)) == figures
    assert tuple(map(sum, zip(*(line.received_micro for line in of_day.lines), strict=True))) == (
        figures
    )
    assert len(of_day.periods.clocks) == 46 and "46 settlement periods" in page
    assert "Energy taken" in page and "Price per MWh, second draft" in page
    first = of_day.lines[0]
    assert f'href="{address}{first.number}/"' in page and first.subject in page
    page = text(regulator, f"{address}{first.number}/")
    of_line = kept(LinePage)
    assert tuple(map(sum, of_line.periods.received_micro)) == first.received_micro
    # Of energy at one price, each period is its product, but for a fraction that is carried.
    (taken,) = of_line.periods.metered
    assert taken.is_one
    for side, received in enumerate(of_line.periods.received_micro):
        priced = of_line.periods.prices_micro_per_mwh[side]
        for at, micro in enumerate(received):
            assert abs(-micro - taken.wh[side][at] * priced[at] // 10**6) <= 1
    assert max(of_line.periods.prices_micro_per_mwh[1]) <= 60_000_000
    assert f'href="{address}{first.number}/36/"' in page


def test_two_trees_stand_beside_each_other_for_either_draft(regulator, site, row):
    number = row("kind", "charge.dynamic")
    address = f"/trials/{site.trial}/{number}/{DAY}/1/36/"
    page = text(regulator, address)
    found = kept(TreesPage)
    assert [-tree.value for tree in found.trees] == list(found.received_micro)
    assert "Under the law" in page and "Under the draft" in page
    assert "£6,000.00 per" in page and "£60.00" in page
    assert "What sets them apart" in page and "is charged" in page
    assert f"− £{abs(found.trees[0].value) // 10**6}" in page.replace(",", "")
    assert "Differs below" in page and "(draft)" in page and "In other words than the law" in page
    second = text(regulator, f"{address}?draft=second")
    assert "Under the second draft" in second and "£80.00" in second
    assert ExplanationRequest.objects.count() == 1
    for other in ("law", "third", "nope", "", "'"):
        text(regulator, f"{address}?draft={other}", status=404)
    # Only what a published version says is linked to it.
    for digest in re.findall(r'href="/rules/version/([0-9a-f]{64})/', page):
        assert regulator.get(f"/rules/version/{digest}/").status_code == 200


def test_what_is_the_same_on_both_sides_is_not_marked(regulator, site, row):
    number = row("kind", "payment.fuel")
    page = text(regulator, f"/trials/{site.trial}/{number}/{DAY}/1/36/")
    trees = page.partition('class="beside"')[2].partition("</section>")[0]
    assert trees and "Differs" not in trees and "On this side alone" not in trees
    assert "the draft changes nothing of it" in page
    assert "Nothing: every number" in page


def test_prices_open_down_to_the_settlement_periods_and_agree(regulator, site, trial):
    page = text(regulator, f"/trials/{site.trial}/prices/")
    assert "Agrees" in page and f'href="/trials/{site.trial}/prices/{DAY}/"' in page
    found = kept(RowsPage)
    assert [max(of_side) for of_side in found.highest[0]] == [
        trial.report["totals"][side.side]["prices"]["highest_micro_per_mwh"] for side in trial.sides
    ]
    assert [len(of_side) for of_side in (*found.lowest[0], *found.highest[0])] == [46] * 6
    page = text(regulator, f"/trials/{site.trial}/prices/{DAY}/")
    assert "Period 46" in page and "Highest price of any place" in page
    assert ExplanationRequest.objects.count() == 1
    text(regulator, f"/trials/{site.trial}/prices/2024-04-01/", status=404)
    ExplanationRequest.objects.update(content=asked_with_another_price())
    assert "Differs" in text(regulator, f"/trials/{site.trial}/prices/")


def asked_with_another_price():
    content = json.loads(ExplanationRequest.objects.get().content)
    content["highest"][0][1][7] = 10**12
    return json.dumps(content)


def test_a_page_says_that_it_is_made_and_leads_on(regulator, site, monkeypatch):
    monkeypatch.setitem(AT_ONCE, "explain", lambda _number: None)
    address = f"/trials/{site.trial}/1/{DAY}/1/1/?draft=second"
    page = text(regulator, address)
    assert "Being worked out" in page and "the day is settled again" in page
    assert f'hx-get="{address}"' in page
    with as_worker():
        tasks.explain(ExplanationRequest.objects.latest("pk").pk)
    assert regulator.get(address, HTTP_HX_REQUEST="true")["HX-Redirect"] == address
    assert "Under the second draft" in text(regulator, address)


def test_what_a_trial_has_not_is_not_found(regulator, site):
    for ending in (
        "0/", "999/", "1/2024-03-30/", "1/2024-04-01/", f"1/{DAY}/0/", f"1/{DAY}/999/",
        f"1/{DAY}/1/0/", f"1/{DAY}/1/47/", f"1/{DAY}/0/1/",
    ):  # fmt: skip
        text(regulator, f"/trials/{site.trial}/{ending}", status=404)
    text(regulator, f"/trials/{site.first_run}/1/", status=404)


def test_one_rule_says_who_may_open_whose_figures(sign_in, site, monkeypatch, trial):
    """What widens the rule to a participant's own opens its row, and nobody else's."""
    own = report_rows(trial.report)[0].name
    monkeypatch.setattr(
        opening, "may_open", lambda _viewer, _market, participant: participant == own
    )
    client = sign_in("regulator")
    text(client, f"/trials/{site.trial}/1/")
    assert list(kept(RowsPage).received_micro) == [1]


def test_who_may_not_open_a_trial_is_told_nothing_by_the_worker_either(sign_in, site):
    """As by a statement that somebody slips into a page: the right is asked for again."""
    sign_in("owner")
    owner = User.objects.get(username="owner")
    for row, day in ((0, None), (1, dt.date(2024, 3, 31))):
        asked = ExplanationRequest.objects.create(
            user=owner,
            rights=explanations._rights(viewer_of(owner)),
            document=f"trial {site.trial} {row}",
            line=0,
            day=day,
            asked_at=timezone.now(),
        )
        with as_worker():
            explanations.make(asked.pk)
        asked.refresh_from_db()
        assert (asked.state, asked.content) == (ExplanationRequest.State.FAILED, "")


@pytest.mark.parametrize(
    "document", ["trial", "trial x 1", f"trial {uuid.UUID(int=0)} 1", "trial 1"]
)
def test_a_request_that_names_no_trial_ends_in_nothing(make_user, site, document):
    user = make_user("odd", Role.REGULATOR)
    asked = ExplanationRequest.objects.create(
        user=user,
        rights=explanations._rights(viewer_of(user)),
        document=document,
        line=0,
        asked_at=timezone.now(),
    )
    with as_worker():
        explanations.make(asked.pk)
    asked.refresh_from_db()
    assert (asked.state, asked.content) == (ExplanationRequest.State.FAILED, "")


def test_an_older_engine_is_named_and_nothing_is_shown(regulator, site, monkeypatch):
    monkeypatch.setattr(opening, "ENGINE_VERSION", "next")
    page = text(regulator, f"/trials/{site.trial}/1/")
    assert "cannot be settled again here" in page and "version next" in page


def test_a_record_that_says_otherwise_is_named(regulator, site, monkeypatch):
    text(regulator, f"/trials/{site.trial}/1/")
    asked = ExplanationRequest.objects.get()
    content = json.loads(asked.content)
    content["received_micro"]["1"][0][0] += 1
    ExplanationRequest.objects.update(content=json.dumps(content))
    page = text(regulator, f"/trials/{site.trial}/1/")
    assert "Differs" in page and f"manage.py replay {site.trial}" in page
    assert NO_BREAK_SPACE not in page.partition("<title>")[2].partition("</title>")[0]


OWN = "/trials/{trial}/own/{name}/"


def test_a_participant_opens_its_own_row_down_to_two_trees(sign_in, site):
    owner = sign_in("owner")
    address = OWN.format(trial=site.seen_trial, name=SUPPLIER)
    assert f'href="{address}"' in text(owner, f"/trials/{site.seen_trial}/")
    page = text(owner, address)
    assert "Agrees" in page and f'href="{address}{DAY}/"' in page and SUPPLIER in page
    found = kept(RowsPage)
    assert found.lowest == () and found.highest == (), "prices of the grid are no part of a row"
    with transaction(site.engine) as session:
        whole = find_trial(session, uuid.UUID(site.seen_trial))
    row = next(each for each in report_rows(whole.report) if each.name == SUPPLIER)
    assert list(found.received_micro.values()) == [(row.received_micro(("law", "draft")),)]
    page = text(owner, f"{address}{DAY}/")
    of_day = kept(RowDayPage)
    assert {line.participant for line in of_day.lines} == {SUPPLIER}
    assert f'href="{address}{DAY}/1/"' in page
    assert f'href="{address}{DAY}/1/36/"' in text(owner, f"{address}{DAY}/1/")
    page = text(owner, f"{address}{DAY}/1/36/")
    assert "Under the law" in page and "Under the draft" in page
    trees = kept(TreesPage)
    assert [-tree.value for tree in trees.trees] == list(trees.received_micro)
    # Names of others stand in no tree of theirs: what they are paid is one sum.
    others = {row.name for row in report_rows(whole.report) if row.dimension == "participant"}
    assert not [name for name in others - {SUPPLIER} if name in page]
    for digest in re.findall(r'href="/rules/version/([0-9a-f]{64})/', page):
        assert owner.get(f"/rules/version/{digest}/").status_code == 200


def test_nobody_opens_the_row_of_another_by_its_address(sign_in, site):
    mine, others = (OWN.format(trial=site.seen_trial, name=n) for n in (SUPPLIER, GENERATOR))
    for who, address, status in (
        ("outsider", mine, 404), ("unlinked participant", mine, 404), ("owner", others, 404),
        ("nobody", mine, 403), ("regulator", mine, 403), ("colleague", others, 200),
    ):  # fmt: skip
        client = sign_in(who)
        for below in ("", f"{DAY}/", f"{DAY}/1/", f"{DAY}/1/36/"):
            assert client.get(address + below).status_code == status, (who, below)
        number = report_rows_of(site)[SUPPLIER]
        if who != "regulator":
            text(client, f"/trials/{site.seen_trial}/{number}/", status=403)
    owner = sign_in("generator")
    # Of a draft that was put to nobody, not even its own.
    text(owner, OWN.format(trial=site.trial, name=GENERATOR), status=404)
    for odd in ("x" * 100, "Hearth", "hearth-energy%20", "..", "0"):
        assert owner.get(OWN.format(trial=site.seen_trial, name=odd)).status_code == 404, odd
    for odd in ("2024-03-30/", "2024-04-01/", f"{DAY}/0/", f"{DAY}/1/0/", f"{DAY}/999/"):
        address = OWN.format(trial=site.seen_trial, name=GENERATOR)
        assert owner.get(address + odd).status_code == 404, odd


def report_rows_of(site):
    with transaction(site.engine) as session:
        whole = find_trial(session, uuid.UUID(site.seen_trial))
    return {each.name: n for n, each in enumerate(report_rows(whole.report), start=1)}


def test_the_worker_asks_again_whose_row_it_is(make_user, site):
    """As by a row that somebody slips in, or of one whose right was taken away meanwhile."""
    user = make_user("ola", Role.PARTICIPANT, SUPPLIER)
    for trial, name in (
        (site.seen_trial, GENERATOR), (site.trial, SUPPLIER), (site.seen_trial, "no-such"),
    ):  # fmt: skip
        for day in (None, dt.date(2024, 3, 31)):
            asked = ExplanationRequest.objects.create(
                user=user,
                rights=explanations._rights(viewer_of(user)),
                document=f"trial {trial} own {name}",
                line=0,
                day=day,
                asked_at=timezone.now(),
            )
            with as_worker():
                explanations.make(asked.pk)
            asked.refresh_from_db()
            assert (asked.state, asked.content) == (ExplanationRequest.State.FAILED, "")


def test_all_days_have_a_lane_of_their_own_and_say_how_far_they_are(regulator, site, monkeypatch):
    monkeypatch.setitem(AT_ONCE, "open", lambda _number: None)
    address = f"/trials/{site.trial}/1/"
    page = text(regulator, address)
    assert "Being worked out" in page and "Waits for a free hand" in page
    asked = ExplanationRequest.objects.latest("pk")
    job = ProcrastinateJob.objects.get(pk=asked.job_number)
    assert (job.task_name, job.lock) == ("open", "open-0")
    explanations._progress_of(asked.pk)(12, 366)
    page = text(regulator, address)
    assert "12 of 366 days" in page and '<progress max="366" value="12"' in page
    reported = []
    monkeypatch.setattr(explanations, "_progress_of", lambda _: lambda *far: reported.append(far))
    with as_worker():
        tasks.open_trial(asked.pk)
    assert reported == [(1, 1)] and "Agrees" in text(regulator, address)
    explanations._progress_of(asked.pk)(1, 366)
    assert "Agrees" in text(regulator, address), "what is ready stays as it is"
    text(regulator, f"{address}{DAY}/")
    asked = ExplanationRequest.objects.latest("pk")
    assert ProcrastinateJob.objects.get(pk=asked.job_number).task_name == "explain"
    assert sum(jobs.LANES.values()) < jobs.AT_ONCE, "an act is done though every lane is taken"
