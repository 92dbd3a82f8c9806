"""A sweep on one straight curve, whose loop is known by hand, and on the law of gb12."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from portal.management.commands.sweep import HIGHEST_PERCENT
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH
from settlement.core.tightness import Curve
from settlement.studies.sweep import (
    INTERVALS,
    MOST_CELLS,
    Mark,
    StandingHour,
    _run,
    slope_at,
    sweep,
)
from tests.settlement.test_price_response import MODEL, WINDOW

POUND = 1_000_000
STRAIGHT = Curve(np.array([0, 2_000_000]), np.array([0, 2_000 * POUND]))
"""1,000 micro for each ppm of tightness."""
ONE = dataclasses.replace(MODEL, curves=(STRAIGHT,) * 3, layers_in_use=(True, False, False))
"""The tiny market with its system alone: one holon, and so one price."""
HOUR = StandingHour(
    available_w=np.array([30_000_000, 40_000_000, 0, 20_000_000]),
    demand_wh=np.array([6_000_000, 8_000_000, 6_000_000, 8_000_000]),
    answers=np.array([False, True, False, True]),
    window=WINDOW,
    floor_micro_per_mwh=0,
    cap_micro_per_mwh=6_000 * POUND,
)
"""56 of 90 MW are wanted, and 32 of them are flexible: by hand 1,000 x r x 32 / 90 is the gain."""
PPM = 1_000_000
FIVE_PERCENT = 1_050_000


def swept(responses, slopes=(PPM,), hour=HOUR, model=ONE, shock=FIVE_PERCENT):
    return sweep(model, hour, responses, slopes, shock)


def test_the_gain_by_hand_and_the_price_that_stands():
    found = swept([2_250, 4_500], [PPM, 500_000])
    assert [cell.standing_gain_ppm for cell in found.cells] == [
        800_000,
        1_600_000,
        400_000,
        800_000,
    ]
    assert [cell.steepest_gain_ppm for cell in found.cells] == [
        800_000,
        1_600_000,
        400_000,
        800_000,
    ]
    # 56 over 90 MW is 622,222 ppm, at 1,000 micro each.
    assert set(found.price_micro_per_mwh.tolist()) == {622_222_000}
    # Five percent more is 58.8 MW: 653,333 ppm, so 31.111 pounds more.
    assert {cell.first_micro_per_mwh for cell in swept([2_250]).cells} == {31_111_000}


@pytest.mark.parametrize("gain_ppm", [400_000, 800_000])
def test_a_shock_comes_back_every_other_interval_by_the_gain(gain_ppm):
    """x_t = max(0, g (x_{t-2} - x_{t-1})): the price is above the standing one by g, g^2, ..."""
    response = gain_ppm * 9 // 3_200
    prices = _run(
        ONE, HOUR, np.full((4, 1), 622_222_000), np.array([response]), np.array([PPM]), FIVE_PERCENT
    )
    away = (prices[:, 0, 0] - 622_222_000).tolist()
    shock = away[0]
    for turn in range(4):
        # What waits in one interval is missing from it, and comes back in the next.
        expected = shock * gain_ppm ** (turn + 1) // PPM ** (turn + 1)
        assert abs(away[2 * turn + 1] + expected) < shock // 50
        assert abs(away[2 * turn + 2] - expected) < shock // 50


def test_what_is_taken_outside_counts_where_imports_are_all_that_is_left_there():
    """South takes 28 MW, and has 20; the line brings 30 of the 42 that the north has to spare.

    So its gain is of the 16 MW inside that are flexible over 50: 0.32. With 20 MW less the north
    has 22 to spare, so S is 42 and tightness 666,666 ppm: (16 + 0.666666 x 16) / 42.
    """
    south = dataclasses.replace(ONE, layers_in_use=(False, True, False))
    ample = swept([1_000], model=south).cells[0]
    assert ample.standing_gain_ppm == 320_000
    less = dataclasses.replace(HOUR, available_w=np.array([20_000_000, 30_000_000, 0, 20_000_000]))
    tight = swept([1_000], hour=less, model=south).cells[0]
    by_hand = Fraction(16 * PPM + 16 * 666_666, 42 * PPM) * 1_000 * 1_000
    assert abs(tight.standing_gain_ppm - by_hand) < 1_000


def test_below_a_gain_of_one_the_loop_settles_and_above_it_oscillates():
    responses = [1_000, 2_000, 2_700, 2_900, 4_000, 8_000]
    found = swept(responses)
    gains = [cell.standing_gain_ppm for cell in found.cells]
    assert [gain < PPM for gain in gains] == [True, True, True, False, False, False]
    assert [cell.mark for cell in found.cells] == [Mark.SETTLED] * 3 + [Mark.OSCILLATING] * 3
    # Half the slope takes twice the response: the product alone counts.
    half = swept([2 * each for each in responses], [500_000])
    assert [cell.mark for cell in half.cells] == [cell.mark for cell in found.cells]


def test_prices_are_bounded_whatever_the_loop_does():
    for floor, cap in ((0, 6_000 * POUND), (600 * POUND, 640 * POUND)):
        hour = dataclasses.replace(HOUR, floor_micro_per_mwh=floor, cap_micro_per_mwh=cap)
        many = np.array([1, 2_900, 100_000, 1_000_000])
        slopes = np.array([PPM, PPM, 20 * PPM, 100 * PPM])
        prices = _run(ONE, hour, np.full((4, 1), 622_222_000), many, slopes, 2 * PPM)
        assert prices.shape[0] == INTERVALS
        assert floor <= prices.min() <= prices.max() <= cap


def test_nobody_who_answers_or_no_shock_is_settled():
    nobody = dataclasses.replace(HOUR, answers=np.zeros(4, dtype=np.bool_))
    (cell,) = swept([100_000], hour=nobody).cells
    assert (cell.mark, cell.standing_gain_ppm, cell.last_micro_per_mwh) == (Mark.SETTLED, 0, 0)
    (cell,) = swept([100_000], shock=PPM).cells
    assert (cell.mark, cell.first_micro_per_mwh) == (Mark.SETTLED, 0)


def test_a_cell_is_the_same_alone_and_among_others():
    responses, slopes = [1_000, 2_900, 8_000], [PPM, 3 * PPM]
    alone = [swept([r], [s]).cells[0] for s in slopes for r in responses]
    assert list(swept(responses, slopes).cells) == alone


def test_the_slope_of_a_curve_from_a_tightness_on():
    bent = Curve(np.array([100, 200, 300]), np.array([0, 50, 250]))
    slopes = [slope_at(bent, each) for each in (0, 100, 199, 200, 300)]
    assert slopes == [0, Fraction(1, 2), Fraction(1, 2), 2, 0]


def test_the_highest_price_and_slope_that_may_be_asked_are_exact():
    cap = HIGHEST_PRICE_MICRO_PER_MWH
    wild = dataclasses.replace(HOUR, floor_micro_per_mwh=-cap, cap_micro_per_mwh=cap)
    (cell,) = swept([10**6], [HIGHEST_PERCENT * 10_000], hour=wild, shock=10 * PPM).cells
    assert 0 < cell.last_micro_per_mwh <= 2 * cap


def test_more_cells_than_a_sweep_has_are_an_error():
    with pytest.raises(ValueError, match="cells"):
        swept(range(1, MOST_CELLS + 2))
