"""Publication, resolution and their guarantees on a real PostgreSQL."""

import datetime as dt
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from common.refusals import Refused
from database.session import transaction
from rulebook.digest import document_digest
from rulebook.export import export
from rulebook.law import rule_set_by_digests, rules_at, rules_for_period
from rulebook.verification import verify
from tests.rulebook.law import (
    GB12,
    GRID,
    HIGHLAND,
    NEW_YEAR,
    POLICY,
    RULES,
    SCENARIOS,
    body,
    codes,
    made,
    publish_documents,
    publish_gb12,
    retitled,
    scenario,
)
from tests.worlds.law import publish

MINUTE = dt.timedelta(minutes=1)
MARCH = dt.date(2024, 3, 1)
APRIL = dt.date(2024, 4, 1)
NEXT_YEAR = dt.date(2025, 1, 1)
JULY = dt.date(2024, 7, 1)
LONG_AGO = dt.datetime(2023, 11, 1, tzinfo=dt.UTC)


def rows(session, where="true"):
    statement = f"SELECT * FROM rulebook.version WHERE {where} ORDER BY id"
    return session.execute(text(statement)).mappings().all()


def test_a_scenario_is_published_and_resolved(session, now):
    published = publish(
        session,
        [GB12],
        valid_from=NEW_YEAR,
        known=now,
        reason="opening of the market",
    )
    assert len(published) == 16
    assert all(version.appended for version in published)
    rules = rules_at(session, "gb12", dt.date(2024, 1, 15), now)
    assert rules.digests == {i: document_digest(d) for i, d in scenario().items()}
    assert {d.instrument: d for d in rules.documents} == scenario()
    assert rules.effective == dt.date(2024, 1, 15)
    assert list(verify(session)) == []


def test_publishing_the_same_again_changes_nothing(session, now):
    first = publish_gb12(session, now)
    before = rows(session)
    again = publish_gb12(session, now + MINUTE)
    assert [v.id for v in again] == [v.id for v in first]
    assert not any(version.appended for version in again)
    assert rows(session) == before
    part = publish_gb12(session, now + 2 * MINUTE, valid_from=MARCH)
    assert not any(version.appended for version in part)
    with pytest.raises(Refused) as refused:
        publish_gb12(session, now + 2 * MINUTE, valid_from=MARCH, valid_to=APRIL)
    assert codes(refused) == ["document-goes-on"] * len(first)
    assert rows(session) == before


def test_two_markets_live_side_by_side(session, now):
    publish_gb12(session, now)
    publish_documents(session, list(scenario("gb12-published").values()), known=now)
    one = rules_at(session, "gb12", NEW_YEAR, now)
    other = rules_at(session, "gb12-published", NEW_YEAR, now)
    assert one.grid_model.lines[0].rating_w == 3 * other.grid_model.lines[0].rating_w


def test_an_amendment_splits_the_version_before_it(session, now):
    publish_gb12(session, now)
    later = now + MINUTE
    amended = retitled(RULES, "Market rules of March")
    (published,) = publish_documents(
        session, [amended], valid_from=MARCH, valid_to=APRIL, known=later, reason="winter"
    )
    assert len(published.closed) == 1
    assert len(published.remainders) == 2
    titles = {
        day: rules_at(session, "gb12", day, later).market_rules.title
        for day in (dt.date(2024, 2, 29), MARCH, dt.date(2024, 3, 31), APRIL)
    }
    original = scenario()[RULES].title
    assert list(titles.values()) == [original, amended.title, amended.title, original]
    assert rules_at(session, "gb12", MARCH, now).market_rules.title == original
    pieces = rows(session, f"instrument = '{RULES}' AND origin IS NOT NULL")
    assert [piece["author"] for piece in pieces] == ["ada", "ada"]
    assert [piece["reason"] for piece in pieces] == ["opening of the market"] * 2
    assert {piece["origin"] for piece in pieces} == set(published.closed)
    assert list(verify(session)) == []


def test_a_second_amendment_splits_a_piece_and_keeps_its_origin(session, now):
    publish_gb12(session, now)
    publish_documents(session, [retitled(RULES, "Two")], valid_from=APRIL, known=now + MINUTE)
    publish_documents(
        session,
        [retitled(RULES, "Three")],
        valid_from=dt.date(2024, 2, 1),
        valid_to=MARCH,
        known=now + 2 * MINUTE,
    )
    (first,) = rows(session, f"instrument = '{RULES}' AND supersedes = '{{}}'")
    pieces = rows(session, f"instrument = '{RULES}' AND origin IS NOT NULL")
    assert {piece["origin"] for piece in pieces} == {first["id"]}
    assert list(verify(session)) == []


def test_a_period_is_cut_where_the_law_changes(session, now):
    publish_gb12(session, now)
    publish_documents(
        session, [retitled(RULES, "From April")], valid_from=APRIL, known=now + MINUTE
    )
    pieces = rules_for_period(session, "gb12", MARCH, dt.date(2024, 4, 30), now + MINUTE)
    assert [(first, last) for first, last, _ in pieces] == [
        (MARCH, dt.date(2024, 3, 31)),
        (APRIL, dt.date(2024, 4, 30)),
    ]
    assert pieces[1][2].market_rules.title == "From April"
    assert len(rules_for_period(session, "gb12", MARCH, dt.date(2024, 4, 30), now)) == 1
    with pytest.raises(ValueError, match="lies before"):
        rules_for_period(session, "gb12", APRIL, MARCH, now)


def test_a_rule_set_is_found_again_by_its_digests(session, now):
    publish_gb12(session, now)
    pinned = rules_at(session, "gb12", MARCH, now).digests
    publish_documents(
        session, [retitled(RULES, "Another")], valid_from=NEW_YEAR, known=now + MINUTE
    )
    assert rules_at(session, "gb12", MARCH, now + MINUTE).digests != pinned
    again = rule_set_by_digests(session, "gb12", pinned)
    assert again.digests == pinned
    assert again.market_rules == scenario()[RULES]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda pins: pins.update({RULES: bytes(32)}), "unknown-digest"),
        (lambda pins: pins.pop(POLICY), "validity-gap"),
        (lambda pins: pins.clear(), "validity-gap"),
    ],
)
def test_digests_that_make_no_rule_set_are_refused(session, now, change, code):
    publish_gb12(session, now)
    pins = rules_at(session, "gb12", MARCH, now).digests
    change(pins)
    with pytest.raises(Refused) as refused:
        rule_set_by_digests(session, "gb12", pins)
    assert set(codes(refused)) == {code}


def test_a_gap_is_a_finding_and_never_a_default(session, now):
    with pytest.raises(Refused) as refused:
        rules_at(session, "gb12", MARCH, now)
    assert codes(refused) == ["validity-gap"]
    publish_gb12(session, now, valid_to=JULY)
    rules_at(session, "gb12", dt.date(2024, 6, 30), now)
    for day in (JULY, dt.date(2023, 12, 31)):
        with pytest.raises(Refused) as refused:
            rules_at(session, "gb12", day, now)
        assert codes(refused) == ["validity-gap"] * 4
    with pytest.raises(Refused) as refused:
        rules_for_period(session, "gb12", MARCH, dt.date(2024, 7, 31), now)
    assert codes(refused) == ["validity-gap"] * 4
    with pytest.raises(Refused):
        rules_at(session, "gb12", MARCH, now - MINUTE)


@pytest.mark.parametrize("day", [dt.date(9999, 12, 31), dt.date(3000, 1, 1), dt.date(1899, 12, 31)])
def test_no_law_is_asked_for_beyond_the_years_of_every_law(session, now, day):
    publish_gb12(session, now)
    first, last = sorted((MARCH, day))
    for ask in (
        lambda: rules_at(session, "gb12", day, now),
        lambda: rules_at(session, "gb12", dt.datetime.combine(day, dt.time(), dt.UTC), now),
        lambda: rules_for_period(session, "gb12", first, last, now),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert codes(refused) == ["validity-out-of-range"]


def bent(instrument, bend):
    values = body(instrument)
    bend(values)
    return made(values)


def move_unit(values):
    values["units"][0]["node"] = "N99"


def without_n34(values):
    values["nodes"] = [n for n in values["nodes"] if n["node"] != "N34"]
    values["lines"] = [n for n in values["lines"] if n["to_node"] != "N34"]
    values["holons"] = [h for h in values["holons"] if h["holon"] != "N34"]


def another_title():
    """The market rules of which nothing but the title is another."""
    return [retitled(RULES, "T")]


# Made when they are published: to read the law takes long at every collection.
REFUSALS = [
    ("nothing", list, {}, ["nothing-to-publish"]),
    ("several markets", lambda: [*scenario("gb12-published").values(), retitled(RULES, "T")], {},
     ["several-markets"]),
    ("same twice", lambda: [retitled(RULES, "T"), retitled(RULES, "U")], {}, ["versions-overlap"]),
    ("empty validity", another_title, {"valid_to": NEW_YEAR}, ["validity-empty"]),
    ("inside a day", another_title,
     {"valid_from": dt.datetime(2024, 7, 1, tzinfo=dt.UTC)}, ["validity-splits-a-day"]),
    ("silent past", another_title, {"reason": " "}, ["retroactive-without-reason"]),
    ("clock back", another_title, {"known": LONG_AGO}, ["recorded-before-the-last"]),
    ("time zone", lambda: [bent(RULES, lambda v: v.update(time_zone="Europe/Paris"))], {},
     ["time-zone-changed"]),
    ("no such zone", lambda: [bent(RULES, lambda v: v.update(time_zone="Mars/Base"))], {},
     ["time-zone-unknown", "time-zone-changed"]),
    ("a hole", another_title,
     {"valid_from": dt.date(2026, 1, 1), "valid_to": None}, ["validity-gap"]),
    ("beyond what it rests on", lambda: [retitled(GRID, "T")],
     {"valid_to": None}, ["validity-gap"]),
    ("no grid yet", lambda: [bent(HIGHLAND, lambda v: v.update(participant="other", units=[]))],
     {"valid_from": dt.date(2023, 12, 1)}, ["validity-gap"] * 2),
    ("unknown node", lambda: [bent(HIGHLAND, move_unit)], {}, ["registration-unknown-node"]),
    ("node in use removed", lambda: [bent(GRID, without_n34)], {"valid_from": JULY},
     ["registration-unknown-node"] * 6),
    ("every finding", lambda: [bent(HIGHLAND, move_unit), bent(POLICY, lambda v: v["pots"].pop(0))],
     {}, ["weights-do-not-sum", "registration-unknown-node"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("documents", "changes", "expected"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_a_refusal_writes_nothing(session, now, documents, changes, expected):
    publish_gb12(session, now, valid_to=NEXT_YEAR)
    before = rows(session)
    with pytest.raises(Refused) as refused:
        publish_documents(
            session, documents(), **({"known": now + MINUTE, "valid_to": NEXT_YEAR} | changes)
        )
    assert codes(refused) == expected
    assert rows(session) == before


def test_a_document_needs_market_rules_first(session, now):
    with pytest.raises(Refused) as refused:
        publish_documents(session, [scenario()[GRID]], known=now)
    assert codes(refused) == ["validity-gap"]
    publish_documents(session, [scenario()[RULES]], known=now)
    with pytest.raises(Refused) as refused:
        publish_documents(session, [scenario()[HIGHLAND]], known=now)
    assert codes(refused) == ["validity-gap"]
    publish_documents(session, [scenario()[GRID]], known=now)
    publish_documents(session, [scenario()[HIGHLAND]], known=now)


def test_a_second_publication_at_the_same_instant_is_refused(session, now):
    publish_gb12(session, now)
    with pytest.raises(Refused) as refused:
        publish_documents(session, [retitled(RULES, "T")], known=now)
    assert codes(refused) == ["recorded-before-the-last"]


def test_a_registration_fits_every_grid_of_its_validity(session, now):
    publish_gb12(session, now)
    publish_documents(
        session,
        [bent(GRID, lambda v: v["nodes"].append({"node": "N40", "title": "New"})
              or v["lines"].append(v["lines"][0] | {"line": "N0-N40", "to_node": "N40"})
              or v["holons"].append({"holon": "N40", "layer": "node", "parent": "scotland-north",
                                     "title": "New"}))],
        valid_from=MARCH, valid_to=JULY, known=now + MINUTE,
    )  # fmt: skip
    newcomer = bent(
        HIGHLAND,
        lambda v: v.update(
            participant="newcomer", units=[v["units"][0] | {"unit": "X1", "node": "N40"}]
        ),
    )
    with pytest.raises(Refused) as refused:
        publish_documents(session, [newcomer], valid_from=MARCH, known=now + 2 * MINUTE)
    assert codes(refused) == ["registration-unknown-node"]
    publish_documents(session, [newcomer], valid_from=MARCH, valid_to=JULY, known=now + 2 * MINUTE)


def test_files_are_refused_with_every_finding_of_every_file(session, now, tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "broken.yaml").write_text("kind: [\n")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "unknown.yaml").write_text("kind: market-rules\nsurprise: 1\n")
    hollow = tmp_path / "hollow"
    hollow.mkdir()
    with pytest.raises(Refused) as refused:
        publish_documents(session, [tmp_path, tmp_path / "absent.yaml", hollow], known=now)
    found = codes(refused)
    assert {"empty-file", "not-yaml", "unknown-field", "missing-field", "empty-folder"} <= set(
        found
    )
    assert found.count("file-not-readable") == 2
    assert rows(session) == []


def test_what_is_exported_is_published_unchanged(session, now, tmp_path):
    publish_gb12(session, now)
    files = export(session, "gb12", MARCH, now, tmp_path)
    assert len(files) == 16
    again = publish_documents(session, [tmp_path], known=now + MINUTE)
    assert not any(version.appended for version in again)
    texts = {file: file.read_bytes() for file in files}
    assert export(session, "gb12", MARCH, now + MINUTE, tmp_path) == files
    assert {file: file.read_bytes() for file in files} == texts
    (tmp_path / "stranger.yaml").write_text("kind: x\n")
    with pytest.raises(Refused) as refused:
        export(session, "gb12", MARCH, now, tmp_path)
    assert codes(refused) == ["file-not-of-this-export"]


def test_an_export_of_another_database_has_the_same_bytes(committed_database, now, tmp_path):
    with transaction(committed_database) as session:
        publish_documents(session, [SCENARIOS / "gb12"], known=now)
        export(session, "gb12", MARCH, now, tmp_path / "one")
        session.rollback()
    with transaction(committed_database) as session:
        publish_documents(session, [tmp_path / "one"], known=now)
        export(session, "gb12", MARCH, now, tmp_path / "two")
    for file in (tmp_path / "one").rglob("*.yaml"):
        other = tmp_path / "two" / file.relative_to(tmp_path / "one")
        assert other.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rulebook.version SET reason = 'other'",
        'UPDATE rulebook.version SET body = body || \'{"title": "x"}\'',
        "UPDATE rulebook.version SET recorded = tstzrange('2020-01-01', '2021-01-01')",
        "UPDATE rulebook.version SET recorded = recorded",
        "DELETE FROM rulebook.version",
        "TRUNCATE rulebook.version",
    ],
)
def test_the_database_refuses_to_edit_a_version(session, now, statement):
    publish_gb12(session, now)
    with pytest.raises(DBAPIError) as refused:
        session.execute(text(statement))
    assert refused.value.orig.sqlstate == "TS001"
    assert "append-only" in str(refused.value.orig)


def test_a_closed_version_is_not_closed_again(session, now):
    publish_gb12(session, now)
    close = (
        "UPDATE rulebook.version SET recorded = tstzrange(lower(recorded), :at) "
        f"WHERE instrument = '{RULES}'"
    )
    session.execute(text(close), {"at": now + MINUTE})
    with pytest.raises(DBAPIError) as refused:
        session.execute(text(close), {"at": now + 2 * MINUTE})
    assert refused.value.orig.sqlstate == "TS001"


COPIED = "market, instrument, kind, body, digest, status, supersedes, row_digest, approval"


@pytest.mark.parametrize(
    ("author", "approver", "reason", "valid", "recorded", "constraint"),
    [
        (
            "ada",
            "grace",
            "",
            "[2023-01-01,)",
            "[2024-01-01,)",
            "ck_version_retroactive_with_reason",
        ),
        ("ada", "grace", "r", "empty", "[2024-01-01,)", "ck_version_valid_half_open"),
        (
            "ada",
            "grace",
            "r",
            "[2024-01-01,infinity)",
            "[2024-01-01,)",
            "ck_version_valid_half_open",
        ),
        ("ada", "grace", "r", "[2024-01-01,)", "(2024-01-01,)", "ck_version_recorded_half_open"),
        ("ada", "grace", "r", "[2024-06-01,)", "[2024-06-01,)", "ex_version_in_force_once"),
    ],
)
def test_the_database_has_the_last_word(
    session, now, author, approver, reason, valid, recorded, constraint
):
    publish_gb12(session, now)
    statement = text(
        f"INSERT INTO rulebook.version ({COPIED}, author, approver, reason, valid, recorded) "
        f"SELECT {COPIED}, :author, :approver, :reason, CAST(:valid AS tstzrange), "
        "CAST(:recorded AS tstzrange) FROM rulebook.version "
        f"WHERE instrument = '{RULES}'"
    )
    with pytest.raises(IntegrityError) as refused:
        session.execute(
            statement,
            {
                "author": author,
                "approver": approver,
                "reason": reason,
                "valid": valid,
                "recorded": recorded,
            },
        )
    assert refused.value.orig.diag.constraint_name == constraint


def test_a_crash_half_way_leaves_nothing(committed_database, now):
    with pytest.raises(RuntimeError, match="power cut"), transaction(committed_database) as session:
        publish_gb12(session, now)
        raise RuntimeError("power cut")
    with transaction(committed_database) as session:
        publish_gb12(session, now)
    dead = Session(committed_database)
    publish_documents(dead, [retitled(RULES, "Never")], known=now + MINUTE)
    backend = dead.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with transaction(committed_database) as session:
        session.execute(text("SELECT pg_terminate_backend(:backend)"), {"backend": backend})
    with pytest.raises(DBAPIError):
        dead.execute(text("SELECT 1"))
    dead.invalidate()
    with transaction(committed_database) as session:
        assert len(rows(session)) == 16
        assert rows(session, "NOT upper_inf(recorded)") == []
        assert list(verify(session)) == []


def test_two_who_publish_at_once_take_turns(committed_database, now):
    with transaction(committed_database) as session:
        publish_gb12(session, now)
    outcomes = []

    first = Session(committed_database)
    publish_documents(first, [retitled(RULES, "A")], known=now + MINUTE)
    waiting = threading.Thread(
        target=lambda: _published_later(committed_database, now + 2 * MINUTE, outcomes)
    )
    waiting.start()
    waiting.join(timeout=0.3)
    assert waiting.is_alive()
    first.commit()
    first.close()
    waiting.join(timeout=10)
    assert outcomes == [True]
    with transaction(committed_database) as session:
        assert rules_at(session, "gb12", MARCH, now + 3 * MINUTE).market_rules.title == "B"
        assert rules_at(session, "gb12", MARCH, now + MINUTE).market_rules.title == "A"
        assert list(verify(session)) == []


def _published_later(engine, known, outcomes):
    with transaction(engine) as session:
        (published,) = publish_documents(session, [retitled(RULES, "B")], known=known)
    outcomes.append(published.appended)
