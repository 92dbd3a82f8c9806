"""Publication, resolution and their guarantees on a real PostgreSQL."""

import datetime as dt
from pathlib import Path

from rulebook.service import publish, rules_at, verify

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "gb12"


def test_a_scenario_is_published_and_resolved(session, now):
    published = publish(
        session,
        [SCENARIO],
        valid_from=dt.date(2024, 1, 1),
        known=now,
        author="a",
        approver="b",
        reason="first",
    )
    rules = rules_at(session, "gb12", dt.date(2024, 1, 15), now)
    assert len(rules.versions) == 13 == len(published)
    assert list(verify(session)) == []
