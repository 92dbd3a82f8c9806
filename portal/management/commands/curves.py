"""`manage.py curves`: the price curves in force on a day, and how fast they let a price move."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from database.session import transaction
from portal.curve_view import CurveFigure, curve_figures, layer_names
from portal.management.arguments import DAY, JSON, KNOWN_AT, MARKET
from portal.management.base import BaseCommand, Options, table_row
from rulebook.documents.market_rules import Knot, LayerRule, MarketRules
from rulebook.law import rules_at
from rulebook.outlook import Outlook, outlook_of
from rulebook.printing import ahead_line, change_as_dict
from rulebook.standing import Ahead
from settlement.rules.compile import curve_of

COLUMN = 16


class CurvesOfDay(NamedTuple):
    """The rules that hold the curves, and what is scheduled after the law of the day."""

    rules: MarketRules
    outlook: Outlook

    @property
    def change(self) -> Ahead | None:
        """The next change of the rules."""
        return self.outlook.ahead.get(self.rules.instrument)


class Command(BaseCommand[CurvesOfDay]):
    help = (
        "Print the price curves of a market's layers on a day, the steepest slope of each, and "
        "when the rules that hold them change."
    )
    takes = (MARKET, DAY, KNOWN_AT, JSON)

    def run(self, options: Options) -> CurvesOfDay:
        with transaction() as session:
            rules = rules_at(session, options.market, options.day, options.known_at)
            return CurvesOfDay(rules.market_rules, outlook_of(session, rules, options.known_at))

    def as_json(self, outcome: CurvesOfDay, options: Options) -> Any:
        rules, outlook = outcome
        return {
            "market": rules.market,
            "date": options.day,
            "deliverability": rules.deliverability,
            "layers": [_layer_as_json(layer) for layer in rules.layers],
            "changes": change_as_dict(outcome.change, outlook) if outcome.change else None,
        }

    def lines(self, outcome: CurvesOfDay, options: Options) -> Iterator[str]:
        for figure in curve_figures(outcome.rules):
            yield from _figure_lines(figure)
        if outcome.change:
            yield ahead_line(outcome.rules.instrument, outcome.change, outcome.outlook)


def _figure_lines(figure: CurveFigure) -> Iterator[str]:
    yield layer_names(figure.layers)
    titles = ("tightness", "energy taken", "net export")[: len(figure.chart.table.columns)]
    for row in (titles, *figure.chart.table.rows):
        yield table_row("  ", row, 2, COLUMN).rstrip()
    yield f"  a percentage point moves the price by at most {figure.buy_slope}"
    if figure.sell_slope:
        yield f"  and that of net export by at most {figure.sell_slope}"


def _layer_as_json(layer: LayerRule) -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "in_use": layer.in_use,
        "curve": _curve_as_json(layer.curve),
        "sell_curve": _curve_as_json(layer.sell_curve) if layer.sell_curve else None,
    }


def _curve_as_json(knots: tuple[Knot, ...]) -> dict[str, Any]:
    steepest = curve_of(knots).steepest_micro_per_mwh_per_ppm
    return {
        "knots": [knot.model_dump() for knot in knots],
        "steepest_micro_per_mwh_per_ppm": {
            "numerator": steepest.numerator,
            "denominator": steepest.denominator,
        },
    }
