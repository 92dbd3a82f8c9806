"""How the law stands at a moment: words that follow from validity, record and the moment asked."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from rulebook.standing import Ahead, Record, State, ahead_of, joined, standing_of, text_standing

EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
A, B, C = (bytes([letter]) * 32 for letter in b"abc")


def at(day):
    return None if day is None else EPOCH + dt.timedelta(days=day)


class History:
    """Versions of a document, as publications leave them."""

    def __init__(self):
        self.rows = []

    def add(self, digest, start, end, known, approval, *, over=(), of=None):
        times = at(start), at(end), at(known), None
        row = Record(
            *times, tuple(each.id for each in over), uuid.uuid4(), "m/market-rules", digest,
            "ada", "grace", approval, "", of.id if of else None,
        )  # fmt: skip
        self.rows.append(row)
        return row

    def close(self, row, known):
        place = self.rows.index(row)
        self.rows[place] = replace(row, recorded_to=at(known))
        return self.rows[place]


@pytest.fixture
def cut():
    """A year of A, known from day 0; on day 5 proposal 2 put B into days 100 to 190."""
    history = History()
    year = history.add(A, 10, 366, 0, 1)
    history.close(year, 5)
    taker = history.add(B, 100, 190, 5, 2, over=[year])
    before = history.add(A, 10, 100, 5, 1, over=[year], of=year)
    after = history.add(A, 190, 366, 5, 1, over=[year], of=year)
    return history.rows, taker, before, after


@pytest.mark.parametrize(
    ("day", "states"),
    [
        (6, ("scheduled", "scheduled", "scheduled")),
        (10, ("in force", "scheduled", "scheduled")),
        (99, ("in force", "scheduled", "scheduled")),
        (100, ("ended", "in force", "scheduled")),
        (190, ("ended", "ended", "in force")),
        (366, ("ended", "ended", "ended")),
    ],
)
def test_of_three_stretches_one_is_in_force_at_most(cut, day, states):
    rows, taker, before, after = cut
    found = [standing_of(row, rows, at(day)).state for row in (before, taker, after)]
    assert tuple(map(str, found)) == states


def test_a_remaining_piece_was_first_recorded_as_its_text_was(cut):
    rows, taker, before, _ = cut
    standing = standing_of(before, rows, at(20))
    assert standing.first.recorded_from == at(0)
    assert standing.cuts == (taker,)
    assert standing_of(taker, rows, at(20)).cuts == ()


def test_a_version_whose_text_goes_on_is_superseded_in_part(cut):
    rows, taker, *_ = cut
    year = rows[0]
    assert standing_of(year, rows, at(4)).state is State.SCHEDULED
    standing = standing_of(year, rows, at(5))
    assert standing.state is State.SUPERSEDED_IN_PART
    assert standing.taker is taker


def test_a_text_has_all_its_stretches_and_one_first_recording(cut):
    rows, taker, before, after = cut
    text = text_standing(A, rows, at(150))
    assert text.state is State.SCHEDULED
    assert text.row is after, "what is to come stands for it before what has ended"
    assert text.spans == ((at(10), at(100)), (at(190), at(366)))
    assert text.first.recorded_from == at(0)
    assert text.cuts == (taker,)
    assert text_standing(A, rows, at(20)).row is before
    assert text_standing(A, rows, at(400)).state is State.ENDED


def test_before_it_was_recorded_nothing_is_said_of_a_text(cut):
    rows, *_ = cut
    assert text_standing(B, rows, at(4)) is None
    assert text_standing(A, rows, at(4)).spans == ((at(10), at(366)),)


def test_a_text_of_which_nothing_stands_is_superseded_by_whatever_took_it_last(cut):
    rows, taker, before, after = cut
    history = History()
    history.rows = list(rows)
    closed = [history.close(row, 7) for row in (taker, before, after)]
    last = history.add(C, 10, None, 7, 3, over=closed)
    for digest in (A, B):
        text = text_standing(digest, history.rows, at(8))
        assert text.state is State.SUPERSEDED
        assert text.taker is last
    assert text_standing(B, history.rows, at(6)).state is State.SCHEDULED, "as known before"


def test_an_end_changes_validity_and_not_when_a_text_was_first_recorded():
    history = History()
    first = history.add(A, 0, None, 0, 1)
    closed = history.close(first, 9)
    ending = history.add(A, 0, 60, 9, 2, over=[closed])
    text = text_standing(A, history.rows, at(10))
    assert text.first is closed
    assert text.cuts == (ending,)
    assert ahead_of(history.rows, at(10), at(10)) == Ahead(at(60), None)
    assert ahead_of(history.rows, at(10), at(8)) is None, "as known before the end was decided"


def test_the_next_change_is_of_text_and_not_of_rows():
    history = History()
    history.add(A, 0, 30, 0, 1)
    history.add(A, 30, 60, 0, 2)
    history.add(B, 60, None, 0, 3)
    assert ahead_of(history.rows, at(0), at(1)) == Ahead(at(60), B)
    assert ahead_of(history.rows, at(60), at(1)) is None
    assert ahead_of(history.rows, at(-5), at(1)) == Ahead(at(0), A), "before it begins to apply"
    assert joined([(at(30), at(60)), (at(0), at(30))]) == ((at(0), at(60)),)
