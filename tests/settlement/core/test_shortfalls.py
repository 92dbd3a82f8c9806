"""What is lacking of a promise where its month ends, and who is compensated for it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from settlement.core.contracts import Contracts
from settlement.core.fair_play_amounts import shortfalls_w
from settlement.core.tightness import PPM
from tests.settlement.core.examples import remembered

PROMISES = st.integers(0, PPM)


def two_of_one_group(promise_ppm: int) -> Contracts:
    return Contracts(
        nodes=("N0",),
        groups=(("N0", "P1"),),
        node=np.array([0]),
        promise_ppm=np.array([promise_ppm]),
        tier_ppm=np.array([PPM]),
        window=np.array([0]),
        indivisible=np.array([False]),
        point_group=np.array([0, 0]),
        least_fulfilment_ppm=100_000,
    )


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=2), st.integers(0, 10**9), PROMISES)
def test_who_stays_is_compensated_for_its_own_alone_though_others_left(missed, gone, promise):
    """A group of two of whom a third left in mid-month, with what it had missed."""
    contracts = two_of_one_group(promise)
    whole = sum(missed) + gone
    memory = remembered(contracts, (2 * whole,), (whole,))
    found = shortfalls_w(contracts, memory, np.array(missed)).tolist()
    lacking = max(0, -(-memory.deficits()[0] // PPM))
    assert lacking <= whole
    for own, part in zip(missed, found, strict=True):
        assert abs(part * whole - lacking * own) < max(whole, 1)
        assert part <= own
    if not gone and any(missed):
        assert sum(found) == lacking


def test_shortfalls_of_the_docstring():
    contracts = two_of_one_group(990_000)
    memory = remembered(contracts, (2_000,), (1_600,))
    assert shortfalls_w(contracts, memory, np.array([100, 300])).tolist() == [95, 285]
    assert shortfalls_w(contracts, memory, np.array([100, 0])).tolist() == [95, 0]
    assert shortfalls_w(contracts, memory, np.array([0, 0])).tolist() == [0, 0]
