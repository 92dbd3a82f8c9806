"""What files would change of the law, as a plan, and law compared with law: nothing is written."""

import datetime as dt
import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from sqlalchemy import text

import database.session
from common.refusals import Refused
from database.session import snapshot, transaction
from portal.management.commands.plan import Command
from rulebook.edit_words import How
from rulebook.folders import write_files
from rulebook.yaml_text import write_yaml
from settlement.enactment.planning import plan_law
from tests.settlement.test_reach import NOW, other_rules
from tests.settlement.trial_cases import capped, changed
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.settled import FIRST_DAY, LAST_DAY, bill_tiny, fill_tiny, publish_tiny

MARCH, APRIL, JUNE = dt.date(2024, 3, 1), dt.date(2024, 4, 1), dt.date(2024, 6, 1)
LATER = NOW + dt.timedelta(hours=1)
RULES = tiny_market.documents()[0]


def folder(path: Path, *documents) -> list[Path]:
    """Write documents as files of a folder; return it as a command is told it."""
    names = {Path(f"{number}.yaml"): write_yaml(each) for number, each in enumerate(documents)}
    write_files(path, names)
    return [path]


def planned(session, path, *documents, first=APRIL, **changes):
    return plan_law(session, folder(path, *documents), valid_from=first, now=LATER, **changes)


def stretches(law, instrument="tiny/market-rules"):
    (document,) = [each for each in law.documents if each.instrument == instrument]
    return [(each.first_day, each.last_day, each.comparison.how) for each in document.stretches]


def test_a_text_is_compared_with_what_applies_on_each_part_of_its_validity(session, tmp_path):
    publish_tiny(session)
    publish(session, [other_rules()], valid_from=MARCH, valid_to=JUNE, known=NOW, reason="Spring")
    lower = capped(RULES)
    law = planned(session, tmp_path, lower)
    assert stretches(law) == [
        (APRIL, dt.date(2024, 5, 31), How.CHANGED), (JUNE, None, How.CHANGED)
    ]  # fmt: skip
    counts = [each.comparison.counts.changed for each in law.documents[0].stretches]
    assert counts[0] == counts[1] + 1, "in spring the title is another, too"
    until = planned(session, tmp_path, lower, valid_to=dt.date(2024, 5, 1))
    assert stretches(until) == [(APRIL, dt.date(2024, 4, 30), How.CHANGED)]
    same = planned(session, tmp_path, RULES)
    assert stretches(same) == [(APRIL, dt.date(2024, 5, 31), How.CHANGED)], "as in June already"
    assert len(law.not_named) == len(tiny_market.documents()) - 1


def test_what_no_law_has_is_new_and_what_stands_so_is_nothing_to_do(session, tmp_path):
    publish_tiny(session)
    held = planned(session, tmp_path / "same", *tiny_market.documents())
    assert (held.is_needed, held.not_named, held.reach.days) == (False, (), ())
    (more,) = [d for d in tiny_market.documents() if d.instrument == "tiny/registration/alder"]
    extra = changed(more, participant="elder", units=[], supply_points=[], legal_name="Elder Ltd")
    found = planned(session, tmp_path / "more", extra)
    assert stretches(found, "tiny/registration/elder") == [(APRIL, None, How.NEW)]


def test_of_a_whole_law_what_the_files_do_not_hold_would_end(session, tmp_path):
    bill_tiny(session)
    kept = [each for each in tiny_market.documents() if each.kind != "settlement-terms"]
    law = planned(session, tmp_path, *kept, first=LAST_DAY, reason="No terms", is_whole=True)
    assert stretches(law, "tiny/settlement-terms") == [(LAST_DAY, None, How.LEFT_OUT)]
    assert [(each.first_day, each.last_day) for each in law.reach.days] == [(LAST_DAY, LAST_DAY)]
    assert law.reach.documents
    with pytest.raises(Refused) as refused:
        planned(session, tmp_path / "x", *kept[1:], first=LAST_DAY, reason="x", is_whole=True)
    assert {each.place for each in refused.value.findings} > {"tiny/registration/alder"}


def test_a_plan_is_refused_with_what_would_refuse_the_proposal(session, tmp_path):
    publish_tiny(session)
    wrong = changed(RULES, price_cap_micro_per_mwh=RULES.price_floor_micro_per_mwh - 1)
    with pytest.raises(Refused) as refused:
        planned(session, tmp_path, wrong, first=FIRST_DAY)
    codes = {each.code for each in refused.value.findings}
    assert "retroactive-without-reason" in codes and len(codes) > 1


def test_a_plan_waits_for_nobody_and_keeps_nobody(clone_database, tmp_path):
    made = database.session.make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
    with transaction(made) as other:
        other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('rulebook/tiny', 0))"))
        with snapshot(made) as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert planned(session, tmp_path, capped(RULES)).is_needed
            with pytest.raises(Exception, match="read-only transaction"):
                session.execute(text("CREATE TEMPORARY SEQUENCE never"))
            session.rollback()
    made.dispose()


@pytest.fixture
def run(committed_database, monkeypatch):
    """Run a command on a market that is settled; return what it printed, and how it ended."""
    monkeypatch.setattr(database.session, "engine", lambda: committed_database)
    with transaction(committed_database) as session:
        fill_tiny(session)

    def call(*arguments):
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command(*map(str, arguments), stdout=out, stderr=err)
        except CommandError as error:
            return f"{out.getvalue()}{error}", 1
        except SystemExit as ended:
            return out.getvalue(), ended.code
        return out.getvalue(), 0

    return call


def test_the_command_prints_a_plan_and_ends_by_what_there_is_to_do(run, tmp_path):
    wanted = folder(tmp_path / "law", capped(RULES))
    words = ("plan", *wanted, "--valid-from", FIRST_DAY, "--reason", "It was wrong")
    said, status = run(*words)
    assert status == 2
    assert "~ tiny/market-rules  Tiny market-rules: " in said
    assert "    price cap: £6,000.00 per\xa0MWh → £150.00 per\xa0MWh\n" in said
    assert "Plan: 0 to add, 1 to change, 0 to end.\n" in said
    assert "It touches 3 settled days, 2024-01-01 to 2024-01-03, posted under II" in said
    out, status = run(*words, "--json")
    plain = json.loads(out)
    (document,) = plain["documents"]
    assert (status, document["mark"], plain["is_needed"]) == (2, "~", True)
    assert document["stretches"][0]["first_day"] == str(FIRST_DAY)
    assert plain["touches"]["settled_days"][0]["run"] == "SF"
    law = folder(tmp_path / "same", *tiny_market.documents())
    said, status = run("plan", *law, "--valid-from", FIRST_DAY)
    assert (status, said.splitlines()[-1]) == (0, "The law stands so already: nothing to do.")
    said, status = run("plan", *wanted, "--valid-from", FIRST_DAY)
    assert status == 1 and "[retroactive-without-reason]" in said
    assert Command().usage_status == 1, "2 says that there is something to do"
    said, status = run("plan", *wanted, "--valid-from", MARCH, "--valid-to", JUNE, "--whole")
    assert status == 1 and "[whole-law-ends]" in said


def test_law_is_compared_by_days_by_knowledge_by_version_and_with_a_draft(run, tmp_path):
    draft = folder(tmp_path, capped(RULES))
    told = "    price cap: £6,000.00 per\xa0MWh → £150.00 per\xa0MWh\n"
    said, status = run("compare", "tiny", "--before", MARCH, "--draft", *draft)
    assert status == 0 and told in said
    proposed = json.loads(
        run("propose", "law", *draft, "--valid-from", JUNE, "--reason", "x", "--json")[0]
    )
    assert told in run("compare", "tiny", "--before", MARCH, "--draft", proposed["proposal"])[0]
    other = folder(tmp_path / "other", RULES.model_copy(update={"market": "other"}))
    for files, code in ((other, "draft-of-another-market"), (draft * 2, "versions-overlap")):
        said, status = run("compare", "tiny", "--before", MARCH, "--draft", *files)
        assert (status, f"[{code}]" in said) == (1, True), "none is compared as if it were new"
    assert "No document differs." in run("compare", "tiny", "--before", MARCH, "--after", JUNE)[0]
    before = run("compare", "tiny", "--before", "2023-01-01", "--after", MARCH, "--json")[0]
    found = json.loads(before)["documents"]
    assert len(found) == len(tiny_market.documents())
    assert {each["how"] for each in found} == {"new"}
    early = ("compare", "tiny", "--before", MARCH, "--before-known", "2024-02-01T00:00Z")
    assert "+ tiny/market-rules" in run(*early)[0]
    one = run(*early, "--document", "market-rules")[0]
    assert "+ tiny/market-rules" in one and "grid-model" not in one
    versions = json.loads(run("rules_at", "tiny", MARCH, "--json")[0])["versions"]
    digest = {each["instrument"]: each["digest"] for each in versions}
    same = [digest["tiny/market-rules"]] * 2
    assert "nothing that is shown differs" in run("compare", "tiny", "--versions", *same)[0]
    kinds = [digest["tiny/market-rules"], digest["tiny/grid-model"]]
    assert "[versions-of-two-kinds]" in run("compare", "tiny", "--versions", *kinds)[0]
    unknown = ["ab" * 32, digest["tiny/grid-model"]]
    assert "[unknown-digest]" in run("compare", "tiny", "--versions", *unknown)[0]
    said, status = run("compare", "tiny", "--before-known", "2199-01-01T00:00Z")
    assert status == 1 and "[known-at-in-future]" in said
    said, status = run("compare", "tiny", "--document", "constitution")
    assert status == 1 and "is no document of either law" in said
