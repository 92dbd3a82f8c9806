"""Price curves as pages and commands show them: exact figures, a drawing within its frame."""

import datetime as dt
import html
import json
from contextlib import nullcontext
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.charts.palette import Ink
from portal.curve_view import curve_figures
from portal.management import base
from portal.management.commands import curves
from rulebook.documents import MarketRules
from tests.rulebook.law import publish_documents
from tests.worlds.tiny_market import documents, market_rules

PUBLISHED = dt.datetime(2023, 12, 2, tzinfo=dt.UTC)

SELL = [
    {"tightness_ppm": 100_000, "price_micro_per_mwh": 0},
    {"tightness_ppm": 1_000_000, "price_micro_per_mwh": 70_000_001},
    {"tightness_ppm": 2_000_000, "price_micro_per_mwh": 5_000_000_000},
]


def with_sell_curve(*layers: str) -> MarketRules:
    body = market_rules().model_dump()
    for layer in body["layers"]:
        if layer["layer"] in layers:
            layer["sell_curve"] = SELL
    return MarketRules.model_validate(body)


def points(line: str) -> list[tuple[float, float]]:
    return [tuple(map(float, point.split())) for point in line.removeprefix("M").split("L")]


def test_layers_with_the_same_curves_share_a_figure():
    figures = curve_figures(with_sell_curve("zone"))
    assert [[name for name, _ in figure.layers] for figure in figures] == [
        ["system", "node"],
        ["zone"],
    ]
    assert [figure.sell_slope is not None for figure in figures] == [False, True]
    assert [figure.chart.key for figure in figures] == ["price-curves-1", "price-curves-2"]
    assert figures[0].chart.title == "Layers system, node"


def test_the_table_has_both_prices_at_every_point_of_either_curve():
    (figure,) = curve_figures(with_sell_curve("system", "zone", "node"))
    rows = [tuple(cell.replace("\xa0", " ") for cell in row) for row in figure.chart.table.rows]
    assert rows == [
        ("0 %", "£0.00", "£0.00"),
        ("10 %", "£10.00", "£0.00"),
        ("90 %", "£90.00", "£62.222223"),
        ("100 %", "£1,075.00", "£70.000001"),
        ("150 %", "£6,000.00", "£2,535.00"),
        ("200 %", "£6,000.00", "£5,000.00"),
    ]


def test_the_steepest_segment_is_for_a_percentage_point_and_rounded_up():
    (figure,) = curve_figures(with_sell_curve("system", "zone", "node"))
    assert figure.buy_slope.replace("\xa0", " ") == "£98.50 per MWh"
    assert figure.sell_slope.replace("\xa0", " ") == "£49.30 per MWh"


def test_curves_are_drawn_within_the_frame_to_the_right_and_never_down():
    (figure,) = curve_figures(with_sell_curve("system", "zone", "node"))
    drawing = figure.chart.wide
    curves = [dict(each.attributes) for each in drawing.elements if each.tag == "path"][2:]
    assert len(curves) == 2, "after the two of the legend"
    for curve in curves:
        across, down = zip(*points(curve["d"]), strict=True)
        assert list(across) == sorted(across)
        assert list(down) == sorted(down, reverse=True)
        assert across[0] > 0 and across[-1] * 10 < drawing.width
        assert min(down) > 0 and max(down) * 10 < drawing.height
    said = [each.text.replace("\xa0", " ") for each in drawing.elements if each.text]
    assert [label for label in said if label.endswith(" %")] == [
        "0 %", "50 %", "100 %", "150 %", "200 %",
    ]  # fmt: skip
    assert [label for label in said if label.startswith("£")] == [
        "£ per MWh", "£0", "£2,000", "£4,000", "£6,000",
    ]  # fmt: skip


def test_a_flat_curve_of_no_price_is_drawn_too():
    body = market_rules().model_dump()
    for layer in body["layers"]:
        layer["curve"] = [{"tightness_ppm": at, "price_micro_per_mwh": 0} for at in (0, 1)]
    (figure,) = curve_figures(MarketRules.model_validate(body))
    elements = [dict(each.attributes) for each in figure.chart.wide.elements]
    (curve,) = (each["d"] for each in elements if "d" in each)
    (axis,) = (each["y1"] for each in elements if each.get("stroke") is Ink.EDGE)
    assert {round(down * 10) for _, down in points(curve)} == {axis}


@pytest.mark.django_db
def test_the_page_of_the_rules_shows_the_curves(client: Client):
    page = html.unescape(client.get("/rules/gb12/market-rules/?on=2024-03-30").content.decode())
    page = page.replace("\xa0", " ")
    assert page.count('<figure class="chart" id="price-curves-') == 5
    assert page.count("</svg>") == 10  # for a page, and for a phone
    assert "style=" not in page and "<style" not in page
    assert "Layer system" in page and "Layer node" in page
    assert "at most £114.00 per MWh" in page and "at most £110.00 per MWh" in page
    assert "at most £115.00 per MWh" in page  # of net export
    assert "Net export is paid the price of energy taken" not in page
    grid = client.get("/rules/gb12/grid-model/?on=2024-03-30").content.decode()
    assert "Price curves" not in grid


def test_the_command_prints_curves_and_their_steepest_slope(session, monkeypatch):
    _, *others = documents()
    publish_documents(session, [with_sell_curve("zone"), *others], known=PUBLISHED)
    for command in (base, curves):
        monkeypatch.setattr(command, "transaction", lambda: nullcontext(session))
    out = StringIO()
    call_command("curves", "tiny", "2024-01-15", stdout=out)
    printed = out.getvalue().replace("\xa0", " ")
    assert "system, node\n" in printed and "zone\n" in printed
    assert "moves the price by at most £98.50 per MWh" in printed
    assert "net export by at most £49.30 per MWh" in printed


def test_the_command_prints_exact_ratios_as_json(session, monkeypatch, capsys):
    _, *others = documents()
    publish_documents(session, [with_sell_curve("zone"), *others], known=PUBLISHED)
    for command in (base, curves):
        monkeypatch.setattr(command, "transaction", lambda: nullcontext(session))
    call_command("curves", "tiny", "2024-01-15", "--json")
    system, zone, _ = json.loads(capsys.readouterr().out)["layers"]
    assert system["sell_curve"] is None
    assert zone["sell_curve"]["steepest_micro_per_mwh_per_ppm"] == {
        "numerator": 4_929_999_999,
        "denominator": 1_000_000,
    }
    assert zone["sell_curve"]["knots"] == SELL


def test_a_market_without_law_is_refused(session, monkeypatch):
    for command in (base, curves):
        monkeypatch.setattr(command, "transaction", lambda: nullcontext(session))
    with pytest.raises(CommandError, match="unknown-market"):
        call_command("curves", "tiny", "2024-01-15", stdout=StringIO())
