"""Two texts of a document beside each other: clause by clause, word by word, value by value."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulebook.comparison import MOST_TOLD_WHOLE, Counts, Text, compare, differing
from rulebook.comparison_words import comparison_as_dict, comparison_lines, counts_words
from rulebook.edit_words import How
from rulebook.word_changes import MOST_WORDS, Said, word_changes
from tests.rulebook.law import HEARTH, RULES, scenario
from tests.settlement.trial_cases import capped, changed

POUND = "GBP"
CAP_MICRO = 3_000_000_000


def compared(before, after, *withheld, currencies=(POUND, POUND)):
    texts = (
        document and Text(document, currency)
        for document, currency in zip((before, after), currencies, strict=True)
    )
    return compare(*texts, withheld)


def rules(**changes):
    return changed(scenario()[RULES], **changes)


def clauses(edit):
    """Return the clauses of the market rules, each as `edit` would have it."""
    return [edit(dict(each)) for each in scenario()[RULES].model_dump(mode="json")["clauses"]]


words = st.lists(st.sampled_from(["cap", "floor", "£6,000", "is", "the", " ", "  "])).map(" ".join)


@given(words, words)
def test_the_words_of_two_texts_make_both_again(before, after):
    found = word_changes(before, after)
    assert "".join(text for said, text in found if said is not Said.AFTER) == before
    assert "".join(text for said, text in found if said is not Said.BEFORE) == after
    assert all(text for _, text in found)
    assert all(one[0] is not other[0] for one, other in pairwise(found))


def test_a_long_middle_is_left_out_and_put_in_whole():
    old, new = ("a " * MOST_WORDS).strip(), ("b " * MOST_WORDS).strip()
    assert [each.said for each in word_changes(f"x {old} y", f"x {new} y")] == [
        Said.BOTH, Said.BEFORE, Said.AFTER, Said.BOTH,
    ]  # fmt: skip


def test_a_cap_is_told_in_the_clause_that_names_it_and_in_values():
    found = compared(scenario()[RULES], capped(scenario()[RULES], CAP_MICRO))
    (cap,) = [each for each in found.clause_changes() if each.anchor == "MR-2.3"]
    assert cap.by_values_alone and cap.how is How.CHANGED
    assert [each for each in cap.words if each.said is not Said.BOTH] == [
        (Said.BEFORE, "£6,000.00"), (Said.AFTER, "£3,000.00"),
    ]  # fmt: skip
    values = {(each.what, each.before, each.after) for each in found.value_changes()}
    assert ("price cap", "£6,000.00 per\xa0MWh", "£3,000.00 per\xa0MWh") in values
    assert found.counts.clauses == len(list(found.clause_changes()))


def test_clauses_that_came_went_or_read_otherwise_are_told_and_no_others():
    def reword(clause):
        if clause["anchor"] == "MR-1.2":
            clause["text"] = clause["text"].replace("amounts", "sums")
        return clause

    texts = clauses(reword)
    new = {"anchor": "MR-99.1", "text": "It is new.", "fields": [], "lines": []}
    found = compared(scenario()[RULES], rules(clauses=[*texts[1:], new]))
    told = {each.anchor: each for each in found.clause_changes()}
    assert {anchor: each.how for anchor, each in told.items()} == {
        "MR-1.2": How.CHANGED,
        "MR-99.1": How.NEW,
        "MR-1.1": How.LEFT_OUT,
    }
    assert not told["MR-1.2"].by_values_alone
    assert [text for said, text in told["MR-1.2"].words if said is Said.AFTER] == ["sums"]
    assert found.counts == Counts(3, 0, 0, 0), "words of clauses are no values"


def test_what_a_clause_governs_is_a_value():
    def narrowed(clause):
        if clause["anchor"] == "MR-1.2":
            clause["fields"] = []
        return clause

    found = compared(scenario()[RULES], rules(clauses=clauses(narrowed)))
    (value,) = found.value_changes()
    assert (value.what, value.members, value.after) == ("fields", ("MR-1.2",), "nothing")
    assert found.counts == Counts(0, 1, 0, 0)


def test_nothing_is_said_of_what_the_reader_may_not_see():
    before = scenario()["gb12/charge-list/isles-networks"]
    (field,) = sorted(before.withheld_fields)[:1]
    after = changed(before, **{field: before.model_dump(mode="json")[field][:-1]})
    assert compared(before, after).counts == Counts(0, 0, 0, 1)
    closed = compared(before, after, *before.withheld_fields)
    assert (closed.edits, closed.counts) == ((), Counts(0, 0, 0, 0))
    assert list(closed.value_changes()) == []


def test_rows_of_a_long_list_without_names_are_told_one_by_one():
    before = scenario()["gb12/charge-list/isles-networks"]
    rows = before.model_dump(mode="json")["links"]
    assert len(rows) > MOST_TOLD_WHOLE
    (gone,) = compared(before, changed(before, links=rows[1:])).value_changes()
    assert (gone.how, gone.member, gone.after) == (How.LEFT_OUT, "", "")
    assert rows[0]["supply_point"] in gone.before
    more = [rows[0] | {"quantity": rows[0]["quantity"] + 1}, *rows[1:]]
    (other,) = compared(before, changed(before, links=more)).value_changes()
    assert (other.how, other.members) == (How.CHANGED, ("line 1",))
    turned = compared(before, changed(before, links=rows[::-1]))
    assert [each.how for each in turned.value_changes()] == [How.MOVED]


def test_amounts_are_in_the_currency_of_their_own_text():
    before = scenario()[RULES]
    found = compared(before, capped(rules(currency="EUR"), CAP_MICRO), currencies=(POUND, "EUR"))
    (cap,) = [each for each in found.value_changes() if each.what == "price cap"]
    assert cap.before.startswith("£6,000") and cap.after.startswith("€3,000")


def test_of_a_document_that_is_new_or_left_out_every_clause_is():
    document = scenario()[HEARTH]
    for before, after, how in ((None, document, How.NEW), (document, None, How.LEFT_OUT)):
        found = compared(before, after)
        assert found.how is how
        assert {each.how for each in found.clause_changes()} == {how}
        assert found.counts.clauses == len(document.clauses)
        (line,) = comparison_lines(found)
        assert line[0] == {How.NEW: "+", How.LEFT_OUT: "-"}[how]


def test_texts_of_two_kinds_are_not_compared():
    with pytest.raises(ValueError, match="one kind"):
        compared(scenario()[RULES], scenario()[HEARTH])
    with pytest.raises(ValueError, match="not of 0"):
        compare(None, None)


def test_it_is_said_in_lines_and_as_json():
    found = compared(scenario()[RULES], capped(scenario()[RULES], CAP_MICRO))
    head, *lines = comparison_lines(found)
    assert head.startswith("~ gb12/market-rules  ")
    assert head.endswith(counts_words(found.counts))
    assert "    price cap: £6,000.00 per\xa0MWh → £3,000.00 per\xa0MWh" in lines
    assert any(line.startswith("    ~ MR-2.3 (by values that it names): ") for line in lines)
    plain = json.loads(json.dumps(comparison_as_dict(found)))
    (cap,) = [each for each in plain["edits"] if each["path"] == "price_cap_micro_per_mwh"]
    assert (cap["how"], cap["before"], cap["after"]) == ("changed", 6_000_000_000, CAP_MICRO)
    assert len(plain["values"]) == len(list(found.value_changes()))


def test_documents_differ_by_their_digests():
    assert differing({"a": b"1", "b": b"1", "c": b"1"}, {"b": b"1", "c": b"2", "d": b"1"}) == {
        "a": (b"1", None),
        "c": (b"1", b"2"),
        "d": (None, b"1"),
    }
