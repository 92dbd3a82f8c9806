"""`manage.py curves`: the price curves in force on a day, and how fast they let a price move."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from database.session import transaction
from portal.curve_view import CurveFigure, curve_figures
from portal.management.console import (
    parse_day,
    parse_instant,
    print_json,
    refusals_as_errors,
    utc_now,
)
from rulebook.documents.market_rules import Knot, LayerRule
from rulebook.service import rules_at
from settlement.rules.compile import curve_of


class Command(BaseCommand):
    help = "Print the price curves of a market's layers on a day, and the steepest slope of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("market", metavar="MARKET", help="such as gb12")
        parser.add_argument("date", type=parse_day, metavar="DATE", help="day, YYYY-MM-DD")
        parser.add_argument(
            "--known",
            type=parse_instant,
            metavar="INSTANT",
            help="as it was known then, such as 2024-03-01T09:00Z (default: now)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        known = options["known"] or utc_now()
        with refusals_as_errors(as_json=options["json"]), transaction() as session:
            rules = rules_at(session, options["market"], options["date"], known).market_rules
        if options["json"]:
            print_json(
                {
                    "market": rules.market,
                    "date": options["date"],
                    "deliverability": rules.deliverability,
                    "layers": [_as_dict(layer) for layer in rules.layers],
                }
            )
            return
        for figure in curve_figures(rules):
            self.stdout.write("\n".join(_lines(figure)))


def _lines(figure: CurveFigure) -> list[str]:
    names = [name if in_use else f"{name} (not in use)" for name, in_use in figure.layers]
    titles = ["tightness", "energy taken", "net export" if figure.sell else ""]
    table = [titles, *map(list, figure.rows)]
    lines = [", ".join(names)]
    lines += ["  " + "".join(f"{cell:>16}" for cell in row).rstrip() for row in table]
    lines.append(f"  a percentage point moves the price by at most {figure.buy_slope.per_point}")
    if figure.sell_slope:
        lines.append(f"  and that of net export by at most {figure.sell_slope.per_point}")
    return lines


def _as_dict(layer: LayerRule) -> dict[str, Any]:
    return {
        "layer": layer.layer,
        "in_use": layer.in_use,
        "curve": _curve_as_dict(layer.curve),
        "sell_curve": _curve_as_dict(layer.sell_curve) if layer.sell_curve else None,
    }


def _curve_as_dict(knots: tuple[Knot, ...]) -> dict[str, Any]:
    steepest = curve_of(knots).steepest_micro_per_mwh_per_ppm
    return {
        "knots": [knot.model_dump() for knot in knots],
        "steepest_micro_per_mwh_per_ppm": {
            "numerator": steepest.numerator,
            "denominator": steepest.denominator,
        },
    }
