"""The catalogue of line kinds, held to the measures that the core returns, both ways."""

import doctest

import pytest

from ledger.journal import CHARGED, ENERGY
from settlement.billing import lines
from settlement.billing.lines import (
    CATALOGUE,
    KIND_OF_MEASURE,
    LINE_KINDS,
    MONEY_SUFFIX,
    LineKind,
    account_title,
    is_line,
    line_kind,
)
from settlement.billing.posting import EQUALISATION_MEASURE, STATED_MEASURES, settled_day
from settlement.core.booked import DECLINED, DELIVERED, LATE, REFUSED
from settlement.core.energy_accounts import DEMAND, GENERATION
from settlement.core.engine import MEASURES
from settlement.meters.register import MEASURES as METERED
from settlement.rules.register import Register
from tests.settlement.test_posting import DAY, DIGEST

QUANTITY = "quantity."


@pytest.mark.parametrize("measure", [name for name in MEASURES if name.endswith(MONEY_SUFFIX)])
def test_all_money_that_the_core_returns_is_a_line_or_the_equalisation(measure):
    assert (measure in KIND_OF_MEASURE) != (measure == EQUALISATION_MEASURE)


@pytest.mark.parametrize("measure", [name for name in MEASURES if is_line(name)])
def test_what_the_core_calls_a_charge_or_a_payment_is_money(measure):
    assert measure.endswith(MONEY_SUFFIX)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_a_line_sums_what_the_core_returns_and_rests_on_what_meters_read(kind: LineKind):
    assert kind.is_interest or kind.measure in MEASURES
    assert kind.rests_on is None or kind.rests_on in METERED
    if kind.quantity is not None:
        assert kind.quantity.measure in {*MEASURES, *METERED}
        assert kind.quantity.commodity in {ENERGY, CHARGED[kind.quantity.unit]}


def test_quantities_and_energy_of_the_core_are_counted_by_a_line_or_an_account():
    """Metered energy of areas sums what the meters' accounts state already.

    What contracts let a supply point take is what the account of its demand states; what came of
    a booking is told beside what was booked, which its account states.
    """
    counted = {kind.quantity.measure for kind in CATALOGUE if kind.quantity is not None}
    counted |= {*STATED_MEASURES, GENERATION, DEMAND, "taken_wh"}
    counted |= {DELIVERED, REFUSED, LATE, DECLINED}
    assert {
        name for name in MEASURES if name.startswith(QUANTITY) or name.endswith("_wh")
    } <= counted


def test_the_examples_of_the_catalogue_hold():
    assert doctest.testmod(lines).failed == 0


def test_a_kind_stands_once_and_has_words_for_people():
    assert len(LINE_KINDS) == len(CATALOGUE) == len({kind.code for kind in CATALOGUE})
    for kind in CATALOGUE:
        assert kind.title[0].isupper()
        assert "_" not in kind.title + kind.sentence
        own_words = kind.is_interest or (kind.is_pass_through and not kind.is_paid_on)
        assert bool(kind.sentence) != own_words


def test_every_account_has_a_title_for_people():
    titled = {account_title("GBP", kind.code) for kind in CATALOGUE}
    assert len(titled) == len(CATALOGUE)
    counted = [kind.quantity for kind in CATALOGUE if kind.quantity is not None]
    titled |= {account_title(each.commodity, each.account) for each in counted}
    titled.add(account_title("GBP", "interest"))
    assert not [title for title in titled if "_" in title or not title[0].isupper()]


def test_a_kind_without_a_row_is_refused_and_its_money_is_not_posted():
    with pytest.raises(LookupError, match=r"charge\.unheard"):
        line_kind("charge.unheard")
    sums = {("charge.unheard_micro", "B-home"): 1}
    with pytest.raises(LookupError, match=r"charge\.unheard_micro"):
        settled_day("tiny", "GBP", Register({}, {}), sums, DAY, DIGEST)
