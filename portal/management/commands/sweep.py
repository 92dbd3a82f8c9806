"""`manage.py sweep MARKET DAY --time 17:30 --product P2`: when a price loop settles."""

import re
from argparse import ArgumentTypeError
from collections.abc import Iterator
from typing import Any

from common.quantities import ppm
from database.session import transaction
from portal.management.arguments import (
    DAY,
    FORCE,
    JSON,
    KNOWN_AT,
    MARKET,
    OUT,
    argument,
    at_least,
)
from portal.management.base import BaseCommand, Options, table_row
from portal.management.output import write_file
from portal.study_figures import money
from portal.sweep_view import LETTERS, SweepGrid, sentences, sweep_chart
from settlement.studies.sweep import INTERVALS, SETTLED_PART, TAIL, TURNS_PPM
from settlement.studies.sweeping import SweepOutcome, SweepQuestion, sweep_market

PPM_PER_PERCENT = 10_000
PPM_PER_HUNDREDTH = 100
HIGHEST_HUNDREDTHS, HIGHEST_PERCENT = 10_000, 4_000
"""All of the demand for one unit; and what the highest price of any law, times it, fits 64 bits."""
NAME, COLUMN = 12, 9


def span(highest: int) -> Any:
    """Return a parser of `LOW..HIGH`, or one number; argparse shows its error."""

    def parsed(text: str) -> tuple[int, int]:
        found = re.fullmatch(r"([0-9]{1,9})(?:\.\.([0-9]{1,9}))?", text)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= low <= high <= highest:
            raise ArgumentTypeError(
                f"{text[:60]!r} is not LOW..HIGH, whole numbers from 1 to {highest:,}"
            )
        return low, high

    return parsed


class Command(BaseCommand[SweepOutcome]):
    help = (
        "Hold an interval of a real day still, shock its demand once, let flexible demand answer "
        "the price of the interval before, and mark where that settles, oscillates or stays "
        "bounded, by how much demand answers and how steep the curves are. Nothing is stored."
    )
    takes = (
        MARKET,
        DAY,
        argument("--time", required=True, metavar="HH:MM", help="start of the interval, local"),
        argument(
            "--product",
            dest="products",
            action="append",
            required=True,
            metavar="PRODUCT",
            help="flexible product that answers; may be repeated",
        ),
        argument(
            "--response",
            type=span(HIGHEST_HUNDREDTHS),
            default=(2, 40),
            metavar="LOW..HIGH",
            help="hundredths of a percent of demand that wait for each currency unit by which a "
            "MWh is dearer; default: 2..40",
        ),
        argument(
            "--slope",
            type=span(HIGHEST_PERCENT),
            default=(50, 500),
            metavar="LOW..HIGH",
            help="percent of the slope of the law's curves; default: 50..500",
        ),
        argument(
            "--shock",
            type=span(1_000),
            default=(105, 105),
            metavar="PERCENT",
            help="demand of the first interval, percent of the standing; default: 105",
        ),
        argument(
            "--steps",
            type=at_least(1),
            default=10,
            metavar="COUNT",
            help="of response and of slope; default: %(default)s",
        ),
        KNOWN_AT,
        OUT.with_settings(help="file for the picture, as SVG"),
        FORCE,
        JSON,
    )

    def run(self, options: Options) -> SweepOutcome:
        question = SweepQuestion(
            options.day,
            options.time,
            tuple(dict.fromkeys(options.products)),
            tuple(each * PPM_PER_HUNDREDTH for each in steps(options.response, options.steps)),
            tuple(each * PPM_PER_PERCENT for each in steps(options.slope, options.steps)),
            options.shock[0] * PPM_PER_PERCENT,
        )
        with transaction() as session:
            outcome = sweep_market(
                session, options.market, question, known_at=options.known_at, now=options.now
            )
        if options.out:
            title = f"Where the loop settles, {outcome.market}"
            picture = sweep_chart(title, _grid(outcome)).file_svg
            write_file(options.out, picture.encode(), force=options.force)
        return outcome

    def as_json(self, outcome: SweepOutcome, options: Options) -> Any:
        question, found = outcome.question, outcome.found
        return {
            "market": outcome.market,
            "start": outcome.start,
            "known_at": outcome.known_at,
            "products": question.products,
            "shock_ppm": question.shock_ppm,
            "criteria": {
                "intervals": INTERVALS,
                "last_intervals": TAIL,
                "settled_part_of_first": SETTLED_PART,
                "oscillating_turns_ppm": TURNS_PPM,
            },
            "standing_price_micro_per_mwh": dict(
                zip(outcome.supply_points, found.price_micro_per_mwh.tolist(), strict=True)
            ),
            "cells": [cell.as_json() for cell in found.cells],
        }

    def lines(self, outcome: SweepOutcome, options: Options) -> Iterator[str]:
        question, found = outcome.question, outcome.found
        yield f"{outcome.market}, {outcome.start:%Y-%m-%d %H:%M %Z}, {', '.join(question.products)}"
        prices = found.price_micro_per_mwh
        low, high = (money(int(each), outcome.currency) for each in (prices.min(), prices.max()))
        yield f"The price that stands is {low if low == high else f'{low} to {high}'} a MWh."
        yield table_row("slope", map(ppm, question.responses_ppm_per_unit), NAME, COLUMN)
        grid = _grid(outcome)
        for slope, cells in grid.rows:
            yield table_row(
                ppm(slope),
                (LETTERS[cell.mark] for cell in cells),
                NAME,
                COLUMN,
            )
        yield ", ".join(f"{letter} {mark.value}" for mark, letter in LETTERS.items())
        yield from sentences(grid)


def _grid(outcome: SweepOutcome) -> SweepGrid:
    question = outcome.question
    return SweepGrid(question.responses_ppm_per_unit, question.slopes_ppm, outcome.found.cells)


def steps(ends: tuple[int, int], count: int) -> tuple[int, ...]:
    """Return whole numbers from one end to the other in equal steps, rounded down, each once.

    >>> steps((100, 200), 3), steps((5, 5), 9)
    ((100, 150, 200), (5,))
    """
    (low, high), parts = ends, max(count - 1, 1)
    return tuple(dict.fromkeys(low + (high - low) * at // parts for at in range(count)))
