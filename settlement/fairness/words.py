"""A fairness report in words: values as people read them, and where the market does worse. Pure."""

from collections.abc import Mapping
from typing import Any

from settlement.fairness.definitions import FIGURE_OF

MICRO = 1_000_000
DESIGN_WORDS = {
    "nodal": "nodal pricing",
    "uniform": "a uniform price",
    "flat": "a flat tariff",
}


def value_words(value: int | None, unit: str, currency: str) -> str:
    """Return a value in people's units, rounded down; a dash where a figure does not apply.

    >>> value_words(997_512, "ppm", "GBP"), value_words(-250, "ppm", "GBP")
    ('99.7512 %', '-0.0250 %')
    >>> value_words(None, "Wh", "GBP"), value_words(28_843_638_120, "Wh", "GBP")
    ('-', '28,843 MWh')
    >>> value_words(67_419_780, "micro per MWh", "GBP"), value_words(12_345_678, "micro", "GBP")
    ('67.41 GBP per MWh', '12 GBP')
    >>> value_words(8_472_745_000_000, "g", "GBP"), value_words(19, "units", "GBP")
    ('8,472,745 t', '19')
    """
    if value is None:
        return "-"
    if unit == "ppm":
        sign, size = ("-", -value) if value < 0 else ("", value)
        return f"{sign}{size // 10_000}.{size % 10_000:04} %"
    if unit == "micro per MWh":
        hundredths = value * 100 // MICRO
        return f"{hundredths // 100:,}.{hundredths % 100:02} {currency} per MWh"
    whole_units = {"Wh": "MWh", "g": "t", "micro": currency}
    return f"{value // MICRO:,} {whole_units[unit]}" if unit in whole_units else f"{value:,}"


def finding_words(finding: Mapping[str, Any], currency: str) -> str:
    """Return in words where the market does worse than another design.

    >>> finding_words({"figure": "units_paid_back", "design": "nodal", "ours": 1, "theirs": 2}, "")
    'Worse than nodal pricing: Units that earn their capital in time, 1 here and 2 there.'
    """
    figure = FIGURE_OF[finding["figure"]]
    ours, theirs = (
        value_words(finding[side], figure.unit, currency) for side in ("ours", "theirs")
    )
    design = DESIGN_WORDS.get(finding["design"], finding["design"])
    return f"Worse than {design}: {figure.title}, {ours} here and {theirs} there."
