"""How the figures of a fairness report are written for people; files hold them exactly."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.currencies import NO_BREAK_SPACE
from common.quantities import MINUS, ppm, scaled
from portal.study_figures import energy, money, tonnes
from portal.study_tables import DESIGNS
from settlement.fairness.definitions import Figure

Report = Mapping[str, Any]

NONE = "–"
MARKET = "settled"
INDICES = frozenset({"jain_of_nodes_ppm", "gini_of_households_ppm"})
"""Numbers from 0 to 1, and no parts of anything."""
NEAR_THE_WHOLE = frozenset({"promises_kept_ppm", "lowest_margin_ppm", "lowest_access_ppm"})
"""Of which the last part per million says whether a promise was kept."""
SMALL_PPM = 100
"""Of which two decimals of a percentage show nothing."""
MOST_NAMES = 3
UNIT_WORDS = {
    "ppm": "percent",
    "Wh": "MWh",
    "micro": "the currency",
    "micro per MWh": "the currency per MWh",
    "g": "tonnes",
}


def design_title(design: str) -> str:
    """Return what people call a design; the settled market is the market.

    >>> design_title("settled"), design_title("flat")
    ('This market', 'Flat tariff')
    """
    return "This market" if design == MARKET else DESIGNS[design]


def written(figure: Figure, value: int | None, currency: str) -> str:
    """Return a figure for people; a dash where it does not apply.

    >>> from settlement.fairness.definitions import FIGURE_OF
    >>> written(FIGURE_OF["refused_wh"], 12_345_000_000, "GBP")
    '12,345\\xa0MWh'
    >>> written(FIGURE_OF["cost_micro_per_mwh"], 90_500_000, "GBP")
    '£90.50 per MWh'
    >>> written(FIGURE_OF["promises_kept_ppm"], 999_996, "GBP"), written(
    ...     FIGURE_OF["jain_of_nodes_ppm"], 999_100, "GBP")
    ('99.9996\\xa0%', '0.9991')
    """
    if value is None:
        return NONE
    write = {
        "Wh": energy(value),
        "micro": money(value, currency),
        "micro per MWh": f"{money(value, currency)} per MWh",
        "g": f"{tonnes(value)}{NO_BREAK_SPACE}t",
        "ppm": _part(figure.code, value),
    }
    return write.get(figure.unit, scaled(value, 0))


def _part(code: str, value: int) -> str:
    if code in INDICES:
        return evenness(value)
    return ppm(value) if code in NEAR_THE_WHOLE else share(value)


def evenness(value: int | None) -> str:
    """Return a number from 0 to 1 to its last part per million; a dash where there is none.

    Where all but a little is served, places differ beyond the first three decimals only.

    >>> evenness(123_400), evenness(999_991), evenness(1_000_000), evenness(None)
    ('0.1234', '0.999991', '1.000', '–')
    """
    return NONE if value is None else scaled(value, 6, at_least=3)


def share(value: int | None) -> str:
    """Return a part of a whole with two decimals, or all four where it is less than them.

    >>> share(123_456), share(19), share(0), share(None)
    ('12.35\xa0%', '0.0019\xa0%', '0.00\xa0%', '–')
    """
    if value is None:
        return NONE
    size = (abs(value) + SMALL_PPM // 2) // SMALL_PPM
    if value and not size:
        return ppm(value)
    sign = MINUS if value < 0 else ""
    return f"{sign}{scaled(size, 2, at_least=2)}{NO_BREAK_SPACE}%"


def exact_part(value: int | None) -> str:
    """Return a part to its last part per million; a dash where there is none."""
    return NONE if value is None else ppm(value)


def amount(micro: int | None, currency: str) -> str:
    """Return money; a dash where there is none."""
    return NONE if micro is None else money(micro, currency)


def price(micro_per_mwh: int | None, currency: str) -> str:
    """Return money per MWh; a dash where there is none."""
    return NONE if micro_per_mwh is None else money(micro_per_mwh, currency)


def years(milliyears: int | None) -> str:
    """Return years with one decimal; a dash where there is no payback.

    >>> years(12_345), years(None)
    ('12.3\\xa0years', '–')
    """
    if milliyears is None:
        return NONE
    tenths = (milliyears + 50) // 100
    return f"{scaled(tenths, 1)}{NO_BREAK_SPACE}years"


def with_sign(words: str, value: int) -> str:
    """Return what is written of a value with a plus where it is above nothing."""
    return f"+{words}" if value > 0 and not words.startswith(MINUS) else words


def some(names: Sequence[str]) -> str:
    """Return the first of many names, and how many more there are: a row has no room for all.

    >>> some(["N0", "N1"]), some([f"N{number}" for number in range(8)])
    ('N0, N1', 'N0, N1, N2 and 5 more')
    """
    first = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{first} and {more} more" if more > 0 else first
