"""Why over-take is what it is: metered power over an entitlement, or over the contract's."""

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
    POINTS,
    ingest_month_end,
    publish_with,
    settle_days,
)
from tests.worlds.settled import SETTLED


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
