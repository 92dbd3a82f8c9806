"""Why over-take is what it is, and since when what another contract refused is owed."""

import datetime as dt
import re
from fractions import Fraction

import pytest

from settlement.explanations.explain import day_facts
from settlement.explanations.fair_play import FairPlayCharges
from tests.worlds.fair_play import (
    FAIR_PLAY,
    FIRST,
    KNOWN,
    LIMIT_WH,
    MIDDLE,
    POINTS,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    vectors,
    with_products,
)
from tests.worlds.law import publish
from tests.worlds.settled import PUBLISHED, SETTLED


@pytest.mark.parametrize("desiring", [KNOWN, ()])
def test_over_take_is_explained_by_the_two_powers_that_it_parts(session, desiring):
    publish_with(session, FAIR_PLAY)
    ingest_month_end(session, FIRST, FIRST, desiring=desiring)
    facts = day_facts(session, settle_days(session, FIRST, FIRST, now=SETTLED), FIRST)
    taken = dict.fromkeys(POINTS, 0)
    for point in POINTS:
        for interval in range(48):
            over_wh = facts.result("over_take_wh", point, interval)
            tree = FairPlayCharges(facts, interval).charge_of("over_take", point)
            over_take, _ = tree.children
            assert over_take.value == over_wh
            if point not in desiring and point not in LIMIT_WH:
                assert over_take.formula.startswith("none: its contract sets no limit")
                assert over_wh == 0
                continue
            metered, most = (
                Fraction(mw) for mw in re.findall(r"([\d.]+)\xa0MW", over_take.formula)
            )
            assert abs(max(metered - most, 0) * 500_000 - over_wh) <= 1
            taken[point] += over_wh
            if point in LIMIT_WH:
                entitlement = over_take.children[1]
                bounded = [c for c in entitlement.children if c.label.startswith("Power that")]
                metered_wh = facts.readings["metered_demand_wh", point].values[interval]
                if point not in desiring:
                    assert bool(bounded) == (metered_wh >= LIMIT_WH[point])
    assert all(taken[point] for point in {*desiring, *LIMIT_WH})


def test_what_a_point_was_refused_under_another_product_is_owed_since_before_it(session):
    """B-office is a home from the 30th, and served at once: no window of a home was ever open."""
    publish_with(session, FAIR_PLAY)
    changed = with_products(law_with(FAIR_PLAY), "doric", {"B-office": "home"})
    known = PUBLISHED + dt.timedelta(minutes=1)
    publish(session, [changed], valid_from=MIDDLE, known=known, reason="B-office is a home")
    ingest_month_end(session, FIRST, MIDDLE, desiring=())
    run = settle_days(session, FIRST, MIDDLE, now=SETTLED)
    owed = vectors(session, run, FIRST)["owed_w", "B-office"][-1]
    tree = FairPlayCharges(day_facts(session, run, MIDDLE), 0).entitlement("B-office")
    found = [node for node in tree.children if node.label.startswith("Owed since")]
    assert sum(node.value for node in found) == owed > 0
    assert {node.label for node in found} == {"Owed since before 00:00 GMT"}
    assert all("under law of before" in node.formula for node in found)
