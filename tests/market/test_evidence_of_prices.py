"""Evidence of a run whose market is online: what was published of its days, held to the log."""

import datetime as dt
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from database.bulk import driver_connection
from ledger.log.checkpoints import publish_checkpoint
from market import store, stored_rows
from market.core.events import Event, Kind
from market.evidence_part import choose_days, published_part
from market.fed_days import events_of_day
from market.inbox import submit
from market.law_of_days import law_in
from market.moments import midnight_us
from market.sealing import seal
from settlement.evidence.export import write_evidence
from settlement.evidence.verifier_file import verifier_file
from settlement.runs.run import Run
from settlement.runs.settle import no_progress, settle
from settlement.runs.store import list_runs
from tests.market.led import leader_of
from tests.market.test_feed import law_online
from tests.settlement.evidence_cases import Memory, changed, rows, written
from tests.settlement.study_cases import study_tiny
from tests.worlds.logged import signer
from tests.worlds.settled import FIRST_DAY, LAST_DAY, SETTLED, ingest_tiny, publish_tiny
from verifier.checks import check_evidence
from verifier.kinds import KINDS, kind_of
from verifier.published import SEALED_STRETCHES, hash_link, published_path
from verifier.report import Report

DAYS = [FIRST_DAY + dt.timedelta(days=number) for number in range(3)]
MIDDLE = published_path(str(DAYS[1]))
LATER = SETTLED + dt.timedelta(hours=1)
BATCHES_A_STRETCH = 30


def noon_us(day: dt.date) -> int:
    return midnight_us(day, "Europe/London") + 12 * 3_600_000_000


def askings(day: dt.date) -> list[Event]:
    at_us = noon_us(day)
    evening = [at_us // 60_000_000 + 6 * 60, at_us // 60_000_000 + 11 * 60]
    asked = (200, 2_000, *evening, 6_000_000_000)
    words = ("flexible", "buy")
    return [
        *(
            Event(day, f"{day} asked {n}", Kind.REQUEST, "B-home", at_us, asked, words)
            for n in range(3)
        ),
        Event(day, "gives up", Kind.CANCEL, "B-home", at_us, (), (f"{day} asked 2",)),
    ]


def live_through(session, day: dt.date) -> None:
    """Let the tiny market live through a day of its readings, and seal it now and then."""
    connection = driver_connection(session)
    told = events_of_day(session, "tiny", day, SETTLED)
    # Once half of it is told, three ask for energy of its evening, and one of them gives it up.
    half = sum(each.at_us < noon_us(day) for each in told)
    told = [*told[:half], *askings(day), *told[half:]]
    assert submit(session, "tiny", told, by="test") == []
    leader, count = leader_of(connection, "tiny", law_in(session, "tiny")), 0
    while leader.step():
        count += 1
        if count % BATCHES_A_STRETCH == 0:
            seal(connection, "tiny", leader.course.head)
    seal(connection, "tiny", leader.course.head)


def settled(session, day: dt.date) -> Run:
    return settle(session, "tiny", "II", day, day, known_at=SETTLED, now=SETTLED).run


def evidence(session, run: Run, parts=(published_part,)) -> Memory:
    sink = io.BytesIO()
    write_evidence(session, run, sink, no_progress, parts)
    return Memory.of(sink.getvalue())


@pytest.fixture
def files(session, monkeypatch) -> Memory:
    """Evidence of the middle one of three days that were lived through and settled."""
    monkeypatch.setattr(store, "MOST_OF_A_BATCH", 4)
    publish_tiny(session, law_online())
    ingest_tiny(session, FIRST_DAY, LAST_DAY)
    for day in DAYS:
        live_through(session, day)
    run = settled(session, DAYS[1])
    publish_checkpoint(session, signer(1), LATER)
    return evidence(session, run)


def checked(files: Memory) -> Report:
    report = Report()
    check_evidence(files, report)
    return report


@pytest.fixture
def opened(files, session) -> Memory:
    """The same with what bookings say."""
    (run,) = list_runs(session, "tiny")
    return evidence(session, run, [partial(published_part, may_open=lambda whose: True)])


def booked(files: Memory) -> list[int]:
    """The places of the rows of bookings among those of the middle day."""
    return [place for place, row in enumerate(rows(MIDDLE, files[MIDDLE])) if row["turn"] == 2]


def by_check(files: Memory) -> set[str]:
    return {finding.check for finding in files.with_manifest_made_again().findings()}


def test_the_verifier_alone_proves_what_was_published(files, session, tmp_path):
    report = checked(files)
    assert report.findings == []
    day = list(stored_rows.publications_of_day(driver_connection(session), "tiny", DAYS[1]))
    assert report.counts["publications of the run's days"] == len(day) > 48
    stretches = rows(SEALED_STRETCHES, files[SEALED_STRETCHES])
    assert report.counts["sealed stretches of the market's log"] == len(stretches) > 3
    # The day before, as a chain is whole from there on; and the days after, as a price may come.
    assert [name for name in files if name.startswith("market/published/")] == [
        published_path(str(FIRST_DAY + dt.timedelta(days=number))) for number in range(4)
    ]
    (tmp_path / "verify.py").write_bytes(verifier_file())
    (tmp_path / "run.zip").write_bytes(files.zipped())
    found = subprocess.run(
        [sys.executable, "-I", "verify.py", "run.zip"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout
    assert "publications of the run's days" in found.stdout


def test_bookings_keep_their_places_in_the_chain_and_say_nothing_of_themselves(files, opened):
    assert len(booked(files)) > 3
    assert checked(files).counts["bookings as batches left them"] > 2 * len(booked(files))
    for path in (each for each in files if each.startswith("market/published/")):
        for row in rows(path, files[path]):
            assert (row["participant"], row["record"]) == (None, None)
    report = checked(opened)
    assert report.findings == []
    of_middle = [rows(MIDDLE, opened[MIDDLE])[place] for place in booked(opened)]
    assert {row["participant"] for row in of_middle} == {"cedar"}
    assert {json.loads(row["record"])["state"] for row in of_middle} >= {"booked", "cancelled"}
    assert report.counts["of which with what they say"] >= len(of_middle)


@pytest.mark.parametrize("column", ["participant", "record", "content_digest"])
def test_a_booking_that_is_opened_is_held_to_its_link(opened, column):
    found = rows(MIDDLE, opened[MIDDLE])
    place = booked(opened)[1]
    found[place][column] = changed(found[place][column])
    assert "published" in by_check(Memory(opened | {MIDDLE: written(MIDDLE, found)}))
    found[place] |= {"participant": None, "record": "{}"}
    assert "published" in by_check(Memory(opened | {MIDDLE: written(MIDDLE, found)}))


def change(name: str, act: Callable[[list[dict[str, Any]]], None]) -> Callable[[Memory], Memory]:
    def forge(files: Memory) -> Memory:
        found = rows(name, files[name])
        act(found)
        return Memory(files | {name: written(name, found) if found else b""})

    return forge


def raise_a_price(found: list[dict[str, Any]]) -> None:
    found[5]["price_micro_per_mwh"][0] += 1


def raise_a_price_and_make_all_digests_anew(found: list[dict[str, Any]]) -> None:
    raise_a_price(found)
    make_digests_anew(found)


def change_places(found: list[dict[str, Any]]) -> None:
    found[5], found[6] = found[6], found[5]


def leave_out_one(found: list[dict[str, Any]]) -> None:
    del found[5]


def leave_out_one_and_make_all_digests_anew(found: list[dict[str, Any]]) -> None:
    del found[5]
    raise_a_price_and_make_all_digests_anew(found)


def leave_out_the_last(found: list[dict[str, Any]]) -> None:
    del found[-1]


def say_more_of_an_opening(found: list[dict[str, Any]]) -> None:
    found[0]["cause"] = "moved"


def change_what_was_known(found: list[dict[str, Any]]) -> None:
    found[0]["state"] = json.dumps(json.loads(found[0]["state"]) | {"more": 1})


def first_booked(found: list[dict[str, Any]]) -> int:
    return next(place for place, row in enumerate(found) if row["turn"] == 2)


def make_digests_anew(found: list[dict[str, Any]]) -> None:
    before = bytes.fromhex(found[0]["previous_digest"])
    for row in found:
        before = hash_link(before, "tiny", row)
        row["digest"] = before.hex()


def leave_out_a_booking(found: list[dict[str, Any]]) -> None:
    del found[first_booked(found)]


def leave_out_a_booking_and_make_all_digests_anew(found: list[dict[str, Any]]) -> None:
    leave_out_a_booking(found)
    make_digests_anew(found)


def change_places_of_bookings(found: list[dict[str, Any]]) -> None:
    first, second = [row for row in found if row["turn"] == 2][:2]
    first["content_digest"], second["content_digest"] = (
        second["content_digest"],
        first["content_digest"],
    )
    make_digests_anew(found)


def call_another_law(found: list[dict[str, Any]]) -> None:
    found[5]["law"] = "0" * 64
    make_digests_anew(found)


def without(*names: str) -> Callable[[Memory], Memory]:
    return lambda files: Memory({name: files[name] for name in files if name not in names})


def without_all(files: Memory) -> Memory:
    return Memory({name: files[name] for name in files if not name.startswith("market/")})


def without_published(files: Memory) -> Memory:
    return Memory({name: files[name] for name in files if "/published/" not in name})


FORGERIES = {
    "a price": (change(MIDDLE, raise_a_price), "published"),
    "a price, digests anew": (
        change(MIDDLE, raise_a_price_and_make_all_digests_anew),
        "published",
    ),
    "another order": (change(MIDDLE, change_places), "published"),
    "one left out": (change(MIDDLE, leave_out_one), "published"),
    "one left out, digests anew": (
        change(MIDDLE, leave_out_one_and_make_all_digests_anew),
        "published",
    ),
    "the last of a day left out": (change(MIDDLE, leave_out_the_last), "published"),
    "the end left out": (
        change(published_path(str(DAYS[-1])), leave_out_the_last),
        "published",
    ),
    "another law": (change(MIDDLE, call_another_law), "published"),
    "a booking left out": (change(MIDDLE, leave_out_a_booking), "published"),
    "a booking left out, digests anew": (
        change(MIDDLE, leave_out_a_booking_and_make_all_digests_anew),
        "published",
    ),
    "bookings in another order": (change(MIDDLE, change_places_of_bookings), "published"),
    "more of an opening": (change(MIDDLE, say_more_of_an_opening), "published"),
    "another state": (change(MIDDLE, change_what_was_known), "published"),
    "a day left out": (without(MIDDLE), "published"),
    "a later beginning": (without(published_path(str(DAYS[0])), MIDDLE), "published"),
    "the day before left out": (without(published_path(str(DAYS[0]))), "published"),
    "no chain": (without_published, "published"),
    "no file": (without_all, "published"),
    "a stretch left out": (change(SEALED_STRETCHES, lambda found: found.pop()), "log"),
    "no stretch": (change(SEALED_STRETCHES, lambda found: found.clear()), "log"),
    "another end of events": (
        change(SEALED_STRETCHES, lambda found: found[1].update(event_digest="0" * 64)),
        "published",
    ),
}


def test_no_forgery_escapes(files):
    assert by_check(files) == set()
    found = {name: check in by_check(forge(files)) for name, (forge, check) in FORGERIES.items()}
    assert found == dict.fromkeys(FORGERIES, True)


def test_every_column_of_every_sort_of_row_counts(files):
    escaped = []
    places = ((MIDDLE, 0), (MIDDLE, 5), (MIDDLE, booked(files)[1]), (SEALED_STRETCHES, 1))
    for name, place in places:
        for column in rows(name, files[name])[place]:
            found = rows(name, files[name])
            found[place][column] = changed(found[place][column])
            forged = Memory(files | {name: written(name, found)})
            if "published" not in by_check(forged):
                escaped.append((name, place, column))
    assert escaped == []


def test_evidence_that_a_writer_without_the_log_made_is_not_whole(files, session):
    run = settled(session, DAYS[1])
    publish_checkpoint(session, signer(1), LATER + dt.timedelta(hours=1))
    found = evidence(session, run, ()).findings()
    assert (SEALED_STRETCHES, "published") in {(each.file, each.check) for each in found}


def test_what_no_market_published_is_said_to_be_right(session):
    publish_tiny(session)
    ingest_tiny(session)
    run = settled(session, FIRST_DAY)
    publish_checkpoint(session, signer(1), LATER)
    files = evidence(session, run)
    report = checked(files)
    assert (report.findings, without_all(files)) == ([], files)
    assert any("no market rules of its days have the part `online`" in it for it in report.notes)


def test_the_days_of_a_study_are_not_lived_through(session):
    publish_tiny(session, law_online())
    ingest_tiny(session)
    run = study_tiny(session, now=SETTLED, days=(FIRST_DAY, FIRST_DAY)).run
    publish_checkpoint(session, signer(1), LATER)
    files = evidence(session, run)
    report = checked(files)
    assert (report.findings, without_all(files)) == ([], files)
    assert any("a study's days are not lived through" in note for note in report.notes)


def test_a_market_that_nobody_led_published_nothing(session):
    publish_tiny(session, law_online())
    ingest_tiny(session)
    run = settled(session, FIRST_DAY)
    publish_checkpoint(session, signer(1), LATER)
    files = evidence(session, run)
    assert files[SEALED_STRETCHES] == b""
    assert checked(files).findings == []


def test_each_file_is_of_its_kind():
    assert kind_of(SEALED_STRETCHES, KINDS) == "sealed stretches"
    assert kind_of(MIDDLE, KINDS) == "published"


def test_evidence_ends_where_nothing_of_its_days_can_come_any_more():
    places = [(FIRST_DAY + dt.timedelta(days=day), 1 + 10 * day) for day in range(9)]
    chosen = choose_days(places, [35, 62, 70, 88], DAYS[2], FIRST_DAY + dt.timedelta(days=5))
    assert [tuple(each)[1:] for each in chosen] == [(11, 20), (21, 30), (31, 40), (41, 50),
                                                    (51, 60), (61, 62)]  # fmt: skip
    assert choose_days([], [], DAYS[2], DAYS[2]) == []
    assert choose_days(places, [], DAYS[2], DAYS[2]) == []
