"""Clauses of all dates are found by their words, by an index, with when each wording holds."""

import datetime as dt

import pytest
from sqlalchemy import text

from common.refusals import Refused
from database.clause_words import CREATE_PUBLIC_VERSIONS_WITH
from rulebook.checks.clauses import MOST_CLAUSE_BYTES
from rulebook.clause_search import asks_for_a_word, find_clauses
from rulebook.store import versions_by_id
from tests.rulebook.law import RULES, body, made, publish_gb12
from tests.worlds.law import publish

KNOWN = dt.datetime(2024, 1, 2, 9, 0, tzinfo=dt.UTC)
JUNE, SEPTEMBER = dt.date(2024, 6, 1), dt.date(2024, 9, 1)


@pytest.fixture
def law(session):
    """The law of gb12, and other words of one clause for a summer."""
    publish_gb12(session, KNOWN)
    other = body(RULES)
    other["clauses"][0]["text"] = "A zebra counts the intervals of each settlement day."
    publish(
        session, [made(other)], valid_from=JUNE, valid_to=SEPTEMBER,
        known=KNOWN + dt.timedelta(days=1), reason="A summer",
    )  # fmt: skip
    return session


def found(session, words, **changes):
    settings = {"market": None, "own": None, "count": 50} | changes
    return find_clauses(session, words, **settings)


def test_a_clause_is_found_by_any_form_of_its_words_with_when_it_holds(law):
    count, (zebra,) = found(law, "zebras counting")
    assert (count, zebra.instrument, zebra.anchor, zebra.stands) == (1, RULES, "MR-1.1", True)
    ((start, end),) = zebra.spans
    assert start == dt.datetime(2024, 5, 31, 23, tzinfo=dt.UTC)
    assert end == dt.datetime(2024, 8, 31, 23, tzinfo=dt.UTC)
    _, before = found(law, '"settlement day is a calendar day"')
    assert [len(each.spans) for each in before] == [2], "before the summer and after it"


def test_names_in_braces_are_words_and_queries_mean_what_people_write(law):
    anchors = {each.anchor for each in found(law, "price cap", market="gb12")[1]}
    assert "MR-2.3" in anchors
    both = found(law, "zebra or reactance")[1]
    assert {each.anchor for each in both} == {"MR-1.1", "GM-1.2"}
    # A document has the word in another clause: that hides none of those without it.
    without = {each.anchor for each in found(law, "settlement -zebra")[1]}
    assert without and "MR-2.3" not in without
    every = {each.anchor for each in found(law, "settlement")[1]}
    assert without <= every and found(law, "zebra -zebra")[0] == 0
    for nothing in ("", "the of and", "-zebra", "  ", "'"):
        assert not asks_for_a_word(law, nothing)
    assert asks_for_a_word(law, "zebra")


def test_a_wording_that_is_superseded_is_found_last_and_said_to_be_none(law):
    again = body(RULES)
    again["clauses"][0]["text"] = "An okapi counts."
    publish(
        law, [made(again)], valid_from=JUNE, valid_to=SEPTEMBER,
        known=KNOWN + dt.timedelta(days=2), reason="Another summer",
    )  # fmt: skip
    _, (zebra,) = found(law, "zebra")
    assert not zebra.stands and len(zebra.spans) == 1
    _, both = found(law, "zebra or okapi")
    assert [each.stands for each in both] == [True, False]


def test_they_are_paged_and_registrations_are_found_by_whom_they_concern(law):
    count, every = found(law, "participant answers units")
    assert count == len(every) > 3
    pages = [found(law, "participant answers units", start=at, count=2) for at in (0, 2)]
    assert [number for number, _ in pages] == [count, count]
    assert [*pages[0][1], *pages[1][1]] == every[:4]
    own = "gb12/registration/highland-power"
    assert {each.instrument for each in found(law, "answers units", own=[own])[1]} == {own}
    assert found(law, "answers units", own=[])[0] == 0
    assert found(law, "zebra", market="elsewhere")[0] == 0


def test_the_index_serves_the_question_of_words(law):
    law.execute(text("SET LOCAL enable_seqscan = off"))
    body = CREATE_PUBLIC_VERSIONS_WITH.partition("BEGIN ATOMIC")[2].rpartition("END")[0]
    question = body.replace(" words;", " 'zebra'::tsquery")
    plan = "\n".join(row[0] for row in law.execute(text(f"EXPLAIN {question}")))
    assert "ix_version_words_of_clauses" in plan


def test_whoever_asks_is_told_of_public_law_alone_by_the_function(law):
    of_all = text("SELECT rulebook.public_versions_with('market'::tsquery)")
    found = {version.kind for version in versions_by_id(law, law.scalars(of_all).all())}
    assert found and "registration" not in found


def longest(word):
    """Return market rules whose clauses hold as many bytes as they may, of other words each."""
    values = body(RULES)
    clause = values["clauses"][0] | {"fields": [], "lines": []}
    numbers = iter(range(10**6))
    texts, left = [], MOST_CLAUSE_BYTES - sum(len(c["text"].encode()) for c in values["clauses"])
    while left > 2_000:
        said = ""
        while len(said) < 1_900:
            said += word(next(numbers)) + " "
        texts.append(said.strip())
        left -= len(texts[-1].encode())
    values["clauses"] += [
        clause | {"anchor": f"MR-{90 + number}.1", "text": each}
        for number, each in enumerate(texts)
    ]
    return values


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def in_letters(number: int) -> str:
    more, last = divmod(number, len(LETTERS))
    return (in_letters(more) if more else "") + LETTERS[last]


@pytest.mark.parametrize(
    "word", [in_letters, lambda n: f"{in_letters(n)}-{in_letters(n + 1)}",
             lambda n: f"{in_letters(n)}.uk/{in_letters(n)}"],
)  # fmt: skip
def test_as_many_words_as_a_document_may_hold_have_room_in_the_index(session, word):
    publish_gb12(session, KNOWN)
    (written,) = publish(
        session, [made(longest(word))], valid_from=JUNE, known=KNOWN + dt.timedelta(days=1)
    )
    assert written.appended


def test_more_words_than_that_are_refused(session):
    publish_gb12(session, KNOWN)
    values = longest(in_letters)
    more = values["clauses"][-1] | {"anchor": "MR-999.1", "text": "a " * 990 + "a"}
    values["clauses"] += [more, more | {"anchor": "MR-999.2"}]
    with pytest.raises(Refused) as refused:
        publish(session, [made(values)], valid_from=JUNE, known=KNOWN + dt.timedelta(days=1))
    assert {each.code for each in refused.value.findings} == {"clauses-too-long"}
