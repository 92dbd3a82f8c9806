"""Pages of the law say how each text stands: scheduled, in force, ended, or superseded by what."""

import datetime as dt
import html
import re
from contextlib import nullcontext

import pytest
from sqlalchemy import text as sql_text

from ledger.people.roles import Role
from portal.queries import rules as queries
from portal.views import rules as views
from rulebook.documents import MarketRules
from rulebook.versions import instant_shown
from tests.worlds.law import end, publish
from tests.worlds.people import add
from tests.worlds.rolled_back import rolled_back

pytestmark = pytest.mark.django_db

RULES, DAY = "gb12/market-rules", dt.date(2024, 3, 30)
COMING, BACK = dt.date(2999, 1, 1), dt.date(2999, 4, 1)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def world(site, monkeypatch):
    """A session in the site that pages read, and the moment at which it begins."""
    with rolled_back(site.engine) as session:
        monkeypatch.setattr(views, "transaction", lambda: nullcontext(session))
        yield session, dt.datetime.now(dt.UTC)


def read(session, client, address, status=200):
    answer = client.get(address)
    session.execute(sql_text("SET LOCAL ROLE NONE"))  # which the page took, in this transaction
    assert answer.status_code == status, address
    words = re.sub(r"</?a\b[^>]*>|</?time\b[^>]*>", "", html.unescape(answer.content.decode()))
    words = re.sub(r"<[^>]+>", " ", words)
    return " ".join(words.split()), answer.content.decode()


def read_later(session, client, address, status=200):
    """Read a page some minutes from now: what tests publish is recorded then."""
    later = dt.datetime.now(dt.UTC) + 5 * MINUTE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views.timezone, "now", lambda: later)
        return read(session, client, address, status)


def rules_named(session, title):
    stands = queries.rule_on(session, RULES, DAY).document
    return MarketRules.model_validate(stands.model_dump() | {"title": title})


def take_three_months(session, known):
    """Publish other rules for three months of 2999; return their digest and their proposal."""
    (taken,) = publish(
        session, [rules_named(session, "Rules of a winter")], valid_from=COMING, valid_to=BACK,
        known=known, reason="A winter",
    )  # fmt: skip
    query = sql_text("SELECT approval FROM rulebook.version WHERE id = :id")
    return taken.digest.hex(), session.execute(query, {"id": taken.id}).scalar_one()


def states(page):
    return re.findall(r'data-label="State">([^<]+?) *(?:on <time|</td>)', page)


def fact(page, name):
    found = re.search(rf"<dt>{name}</dt><dd>(.*?)</dd>", page)
    return found and re.sub(r"<[^>]+>", "", found[1])


def test_what_is_scheduled_is_shown_with_the_law_and_leads_on(world, client):
    session, now = world
    words, page = read(session, client, f"/rules/gb12/market-rules/?on={DAY}")
    assert "changes on" not in words
    assert fact(page, "State") == "in force"
    take_three_months(session, now + MINUTE)
    link = f'href="/rules/gb12/market-rules/?on={COMING}"'
    with_change = "changes on 1 Jan 2999"
    for address in (f"/rules/?on={DAY}", f"/rules/gb12/market-rules/?on={DAY}"):
        words, page = read_later(session, client, address)
        assert with_change in words
        assert link in page
    words, page = read_later(session, client, f"/rules/gb12/market-rules/?on={COMING}")
    assert "It is not in force yet: it applies from 1 Jan 2999." in words
    assert "1 Jan 2999 has not come. This is what is scheduled for it by now" in words
    assert "changes on 1 Apr 2999" in words
    assert fact(page, "State") == "scheduled"
    _, page = read_later(session, client, "/rules/gb12/market-rules/?on=2999-05-01")
    assert fact(page, "State") == "scheduled", "in force today, and again from April on"
    _, page = read_later(session, client, "/rules/?on=2999-05-01")
    assert states(page).count("scheduled") == 1


def test_one_version_of_a_document_says_that_it_is_in_force(world, client):
    session, now = world
    _, before = read(session, client, f"/rules/gb12/market-rules/?on={DAY}")
    _, proposal = take_three_months(session, now + MINUTE)
    words, page = read_later(session, client, f"/rules/gb12/market-rules/?on={DAY}")
    assert states(page) == ["scheduled", "scheduled", "in force", "superseded in part"]
    assert f"superseded in part on {now + MINUTE:%-d %b %Y}" in words
    assert f"by proposal {proposal}" in words
    assert fact(page, "First recorded") == fact(before, "First recorded"), "it does not move"
    assert f"by proposal {proposal} of ada, approved by grace: A winter" in fact(
        page, "Validity changed"
    )
    assert fact(before, "Validity changed") is None
    applies = fact(page, "Applies")
    assert applies.endswith("1 Apr 2999 until further notice")
    assert "to 31 Dec 2998" in applies


def test_a_text_that_is_superseded_says_by_what_and_leads_to_what_applies(world, client):
    session, now = world
    digest, _ = take_three_months(session, now + MINUTE)
    address = f"/rules/version/{digest}/"
    _, page = read_later(session, client, address)
    assert fact(page, "State") == "scheduled"
    assert fact(page, "Applies") == "1 Jan 2999 to 31 Mar 2999"
    (_,) = publish(
        session, [rules_named(session, "No winter")], valid_from=COMING, known=now + 2 * MINUTE,
        reason="It is called off",
    )  # fmt: skip
    words, page = read_later(session, client, address)
    assert fact(page, "State") == "superseded"
    assert fact(page, "Was to apply") == "1 Jan 2999 to 31 Mar 2999"
    assert "for every day on which it was to apply" in words
    assert "in force" not in states(page)[:2]


def test_a_page_speaks_by_the_record_that_is_asked_for(world, client):
    session, now = world
    take_three_months(session, now + MINUTE)
    then, since = instant_shown(now), instant_shown(now + 2 * MINUTE)
    words, page = read_later(session, client, f"/rules/gb12/market-rules/?on={COMING}&known={then}")
    assert "Rules of a winter" not in words
    assert "As the law was known at" in words
    assert states(page) == ["in force"]
    words, page = read_later(session, client, f"/rules/?on={DAY}&known={since}")
    assert "changes on 1 Jan 2999" in words
    assert f'?on={COMING}&amp;known={since}"' in page or f'?on={COMING}&known={since}"' in page
    read_later(session, client, f"/rules/gb12/market-rules/?on={DAY}&known=2020-01-01T00:00Z", 404)


@pytest.mark.parametrize("address", ["/rules/", "/rules/gb12/market-rules/"])
@pytest.mark.parametrize(
    ("known", "complaint"),
    [
        ("2999-01-01T00:00Z", "has not come yet: what will be known then, nobody can say"),
        ("2024-01-01T", "is neither a day nor a moment"),
        ("2024-W03-1", "is neither a day nor a moment"),
        ("yesterday", "is neither a day nor a moment"),
    ],
)
def test_what_will_be_known_is_told_to_nobody(world, client, address, known, complaint):
    session, _ = world
    words, page = read(session, client, f"{address}?on={DAY}&known={known}", 400)
    assert complaint in words
    # The law of the present would be taken for an answer.
    assert "No law is shown" in words and "MR-" not in words and "Digest" not in words
    assert f'value="{known}"' in page


def test_an_end_moves_neither_who_wrote_a_text_nor_when(world, sign_in):
    session, now = world
    reader, address = sign_in("auditor"), "/rules/gb12/charge-list/isles-networks/"
    _, before = read(session, reader, f"{address}?on={DAY}")
    add(session, "ben", Role.OPERATOR)
    end(session, "gb12", "charge-list/isles-networks", COMING, known=now + MINUTE,
        reason="It leaves the market", author="ben")  # fmt: skip
    words, page = read_later(session, reader, f"{address}?on={DAY}")
    for name in ("First recorded", "Author", "Approver"):
        assert fact(page, name) == fact(before, name)
    assert "of ben, approved by grace: It leaves the market" in fact(page, "Validity changed")
    assert "This document ends after 31 Dec 2998." in words
    words, _ = read_later(session, reader, f"/rules/?on={DAY}")
    assert "ends after 31 Dec 2998" in words


def test_what_is_hidden_from_a_reader_is_not_said_to_be_absent(world, client, sign_in):
    session, _ = world
    words, _ = read(session, client, f"/rules/?on={DAY}")
    assert "None in force on this day that is open to you." in words
    assert "None in force on this day." not in words
    words, _ = read(session, sign_in("auditor"), f"/rules/?on={DAY}")
    assert "None in force on this day" not in words
