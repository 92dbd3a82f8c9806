"""Charts: exact figures beside a drawing within its frame, the same bytes, nothing that runs."""

import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
import typst
from pypdf import PdfReader

from portal.charts.areas import Area, areas_chart
from portal.charts.bars import MOST_BARS, bar_chart, cell_bar
from portal.charts.chart import Chart, Table
from portal.charts.drawing import letters_wide
from portal.charts.frame import Axis, steps
from portal.charts.grids import grid_chart
from portal.charts.heat import HeatRow, heat_chart
from portal.charts.lines import Line, line_chart, lorenz_chart
from portal.charts.nesting import Part, nesting_chart
from portal.charts.network import Link, Mark, Network, Place, network_chart
from portal.charts.panels import Panel, panels_chart
from portal.charts.promises import Promise, promise_chart
from portal.charts.scales import Scale
from portal.charts.shades import shades_of
from portal.charts.times import Series, duration_chart, time_chart
from portal.charts.units import Unit
from rulebook.printed_text import font_families
from tests.conftest import ROOT

PRICE, MONEY = Unit("micro per MWh", "GBP"), Unit("micro", "GBP")
TIGHTNESS = ("Tightness", Unit("ppm"))
EVIL = "</title><script>alert('\"&</script>"
SVG = "{http://www.w3.org/2000/svg}"
TAGS = {"svg", "title", "text", "line", "path", "rect"}
ATTRIBUTES = {
    "viewBox", "role", "aria-labelledby", "id", "x", "y", "x1", "x2", "y1", "y2", "d", "width",
    "height", "fill", "stroke", "stroke-width", "stroke-linejoin", "stroke-dasharray",
    "text-anchor", "font-size", "font-family",
}  # fmt: skip


def days(count: int, intervals: int = 48) -> list[tuple[dt.date, int]]:
    return [(dt.date(2024, 1, 1) + dt.timedelta(at), intervals) for at in range(count)]


def prices(count: int, step: int) -> tuple[int, ...]:
    return tuple((number * step) % 6_000_000_007 - 500_000_000 for number in range(count))


def every_kind(name: str = "Draft A") -> list[Chart]:
    series = [Series("Law in force", prices(1440, 7_919)), Series(name, prices(1440, 104_729))]
    law = Line("Law in force", ((0, 0), (1_000_000, 90_000_000), (1_500_000, 6_000_000_000)))
    draft = Line(name, ((0, 0), (900_000, 80_000_000), (1_500_000, 3_000_000_000)))
    tenths = [tenth * tenth * 10_000 for tenth in range(1, 11)]
    months = [Panel(f"{month}", tuple(series)) for month in (name, *range(2, 13))]
    rows = [(name, -5_000_000), *((f"p{at}", at * 1_000_000) for at in range(-20, 21))]
    return [
        line_chart("curves", name, TIGHTNESS, [law, draft], PRICE, 1_650_000),
        time_chart("days", name, days(30), series, PRICE),
        time_chart("day", name, days(1), [Series(name, prices(48, 77))], PRICE),
        duration_chart("duration", name, series, PRICE),
        lorenz_chart("lorenz", name, "households", [("Law in force", tenths), (name, tenths)]),
        bar_chart("bars", name, "Participant", rows, MONEY),
        panels_chart("months", name, "Month", months, PRICE, "Half-hours"),
        areas_chart("areas", name, areas(name), time_axes(), "It is said.", Table(("A",), ())),
        nesting_chart("nesting", name, ("system", "node"), parts(name), "It is said.", NO_ROWS),
        grid_chart(
            "grid",
            name,
            ("x", name),
            ("1", name),
            [("1", (0, 1)), (name, (2, 0))],
            ("settled", "bounded", name),
            "It is said.",
            NO_ROWS,
        ),
        network_chart("network", name, network(name), "It is said.", Table(("Line",), (("A",),))),
        heat_of(name, 31, 48),
        heat_of(name, 12, 31),
        promise_chart("promises", name, "Product", promises(name)),
        nesting_chart(
            "shaded", name, ("system", "node"), shaded(name), "It is said.", NO_ROWS, SHADES
        ),
    ]


ENERGY = Unit("Wh")
SHADES = shades_of([0, 9_000_000], ENERGY)


def heat_of(name: str, rows: int, columns: int) -> Chart:
    """A map with a cell that is not there, and a row in which nothing was."""
    cells = [
        tuple(
            None if (row, column) == (1, columns - 1) else row * (column * 7_919 % 11) * 100_000
            for column in range(columns)
        )
        for row in range(rows)
    ]
    named = [HeatRow(f"{row + 1} {name}"[:12], values) for row, values in enumerate(cells)]
    heads = [(at, f"{at:02}:00") for at in range(0, columns, 6)]
    return heat_chart(f"heat-{rows}", name, named, heads, ENERGY, "It is said.", NO_ROWS)


def promises(name: str = "Draft A") -> list[Promise]:
    return [
        Promise(name, 995_000, 999_996), Promise("P4", 999_000, 993_600),
        Promise("P2", 980_000, None), Promise("P3", 999_500, 999_500),
    ]  # fmt: skip


def shaded(name: str) -> list[Part]:
    nodes = (Part(name, (), Mark.SAME, 9_000_000), Part("n", (), Mark.SAME, 0), Part("x"))
    return [Part("Great Britain", nodes, Mark.SAME, 9_000_000)]


def areas(name: str = "Draft A") -> list[Area]:
    """A text, and another that takes its middle once it is known."""
    return [
        Area("A", 0, None, 0, 60), Area("A", 0, 30, 60, None), Area(name, 30, 50, 60, None),
        Area("A", 50, None, 60, None),
    ]  # fmt: skip


def time_axes() -> tuple[Axis, Axis]:
    days = Axis(0, 100, tuple((at, f"{at} Jan 2024") for at in (0, 30, 31, 50)), "Applies on")
    return days, Axis(0, 90, ((0, "1 Jan 2024"), (1, "2 Jan 2024"), (60, "3 Jan 2024")), "Known on")


NO_ROWS = Table(("A",), ())


def parts(name: str = "Draft A") -> list[Part]:
    return [
        Part("Great Britain", (Part("n"), Part(name, (), Mark.NEW), Part("x", (), Mark.CHANGED))),
        Part("Ireland", (), Mark.LEFT_OUT),
    ]  # fmt: skip


def network(name: str = "Draft A") -> Network:
    """A ring of two groups, with what changed in each way, and a link past a row of others."""
    places = [Place(f"p{at}", f"Place {at}", "ab"[at // 5]) for at in range(9)]
    places.append(Place(name, "", "b", Mark.NEW))
    links = [Link(f"p{at}", f"p{at + 1}", f"{at} MW") for at in range(8)]
    links += [Link("p8", name, "9 MW", Mark.NEW), Link("p0", name, "1 MW", Mark.CHANGED)]
    links.append(Link("p0", "p4", "7 MW", Mark.LEFT_OUT))
    return Network(tuple(places), tuple(links), (("a", "North"), ("b", name)))


KINDS = [each.key for each in every_kind()]


@pytest.fixture(params=KINDS)
def key(request) -> str:
    return request.param


def of_kind(key: str, name: str = "Draft A") -> Chart:
    return next(each for each in every_kind(name) if each.key == key)


def written(chart: Chart) -> list[str]:
    return [chart.svg, chart.narrow_svg, chart.file_svg]


def digest() -> str:
    whole = "".join(
        text for chart in every_kind() for text in (*written(chart), json.dumps(chart.printed))
    )
    return hashlib.sha256(whole.encode()).hexdigest()


def test_a_chart_is_the_same_bytes_in_other_threads_and_processes():
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: digest(), range(4))) == {digest()}
    said = "from tests.charts.test_charts import digest; print(digest())"
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", said],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C", "TZ": "Asia/Tokyo"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert other.stdout.strip() == digest()


def test_a_drawing_has_shapes_and_words_alone_whatever_its_names_are(key: str):
    for text in written(of_kind(key, EVIL)):
        root = ET.fromstring(text)
        assert {each.tag.removeprefix(SVG) for each in root.iter()} <= TAGS
        assert {name for each in root.iter() for name in each.attrib} <= ATTRIBUTES
        assert EVIL in root.find(f"{SVG}title").text
        assert "url(" not in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_drawing_is_named_by_its_sentence_and_by_an_id_of_its_own(key: str):
    chart = of_kind(key)
    roots = [ET.fromstring(text) for text in written(chart)[:2]]
    titles = [root.find(f"{SVG}title") for root in roots]
    assert [root.get("role") for root in roots] == ["img", "img"]
    named = [title.get("id") for title in titles]
    assert named == [root.get("aria-labelledby") for root in roots]
    assert named == [f"{key}-title", f"{key}-narrow-title"]
    assert {title.text for title in titles} == {chart.alternative}


def test_only_a_page_asks_its_stylesheet_for_colours(key: str):
    page, narrow, paper = written(of_kind(key))
    assert "var(--chart-" in page and "var(--chart-" in narrow
    assert "var(" not in paper
    # A name that looks like a colour stays a name.
    assert "var(--chart-1, #fff)" in of_kind(key, "var(--chart-1, #fff)").file_svg


def test_everything_drawn_is_within_its_drawing(key: str):
    for text in written(of_kind(key)):
        root = ET.fromstring(text)
        _, _, width, height = map(float, root.get("viewBox").split())
        for each in root.iter():
            for name, most in (("x", width), ("x1", width), ("x2", width)):
                assert 0 <= float(each.get(name, 0)) <= most
            for name in ("y", "y1", "y2"):
                assert 0 <= float(each.get(name, 0)) <= height


def test_words_have_room_beside_and_above_each_other(key: str):
    """By the width that letters are taken to have: a tick does not run into the next."""
    for drawing in (of_kind(key).wide, of_kind(key).narrow):
        spans: dict[int, list[tuple[int, int]]] = {}
        for each in drawing.elements:
            if each.tag == "text":
                at = dict(each.attributes)
                size = letters_wide(each.text) * 70
                start = at["x"] - {"start": 0, "middle": size // 2, "end": size}[at["text-anchor"]]
                spans.setdefault(at["y"], []).append((start, start + size))
        for row in spans.values():
            row.sort()
            assert row[0][0] >= 0 and row[-1][1] <= drawing.width
            assert all(end <= start for (_, end), (start, _) in pairwise(row))


@pytest.fixture(scope="module")
def shipped_fonts() -> typst.Fonts:
    """The fonts that documents have, and none of the machine or of the page setter."""
    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(ROOT / "settlement/documents/fonts")],
    )


def in_pdf(chart: Chart, fonts: typst.Fonts, file_format: str) -> bytes:
    source = (
        b'#import "portal/charts/chart.typ": chart\n#set page(width: 700pt, height: 1400pt)\n'
        b"#chart(json(bytes(sys.inputs.drawing)), json(bytes(sys.inputs.fonts)))"
    )
    inputs = {"drawing": json.dumps(chart.printed), "fonts": json.dumps(font_families())}
    standards = ["a-3b"] if file_format == "pdf" else []
    return typst.compile(
        source,
        root=str(ROOT),
        format=file_format,
        font_paths=fonts,
        sys_inputs=inputs,
        pdf_standards=standards,
        timestamp=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
    )


@pytest.mark.parametrize("key", sorted({*KINDS} - {"day"}), ids=str)
def test_a_pdf_shows_names_of_any_script_in_the_shipped_fonts(key, shipped_fonts):
    """A letter that no font had would be the same box for each; one line alone has no legend."""
    one, other = (in_pdf(of_kind(key, name), shipped_fonts, "png") for name in ("東京", "京都"))
    assert one != other


def test_a_pdf_holds_the_words_of_a_chart_as_text_and_is_the_same_bytes_twice(key, shipped_fonts):
    made = [in_pdf(of_kind(key), shipped_fonts, "pdf") for _ in range(2)]
    assert made[0] == made[1]
    text = PdfReader(io.BytesIO(made[0])).pages[0].extract_text().replace("\xa0", " ")
    for each in of_kind(key).wide.elements:
        assert each.text.replace("\xa0", " ") in text


def test_the_table_has_every_point_of_every_line():
    chart = of_kind("curves")
    assert chart.table.columns == (
        "Tightness",
        "Law in force, per\xa0MWh",
        "Draft A, per\xa0MWh",
    )
    assert [tuple(cell.replace("\xa0", " ") for cell in row) for row in chart.table.rows] == [
        ("0 %", "£0.00", "£0.00"),
        ("90 %", "–", "£80.00"),
        ("100 %", "£90.00", "–"),
        ("150 %", "£6,000.00", "£3,000.00"),
    ]
    assert chart.alternative.replace("\xa0", " ").endswith(
        "Draft A: from £0.00 per MWh at 0 % to £3,000.00 per MWh at 150 %."
    )


def test_a_day_is_told_by_interval_days_by_day_and_a_year_by_month():
    one = time_chart("a", "A", days(1, 50), [Series("Law", tuple(range(50)))], MONEY)
    assert len(one.table.rows) == 50 and one.table.rows[-1] == ("50", "£0.000049")
    values = tuple(range(-48, 31 * 48 - 48))
    month = time_chart("a", "A", days(31), [Series("Law", values)], Unit("Wh"))
    assert [row[0] for row in month.table.rows][:2] == ["1 Jan 2024", "2 Jan 2024"]
    assert month.table.rows[1][1:] == ("0\xa0kWh", "0.047\xa0kWh")
    year = time_chart("a", "A", days(366), [Series("Law", tuple(range(17_568)))], Unit(""))
    assert len(year.table.rows) == 12
    assert year.table.rows[0] == ("January 2024", "0", "1,487")
    assert year.table.rows[1] == ("February 2024", "1,488", "2,879")
    assert "lowest 0 (1 Jan 2024, interval 1), highest 17,567 (31 Dec 2024, interval 48)" in (
        year.alternative
    )


def test_days_of_a_changed_clock_are_drawn_by_their_intervals():
    spring = [(dt.date(2024, 3, 30), 48), (dt.date(2024, 3, 31), 46)]
    chart = time_chart("a", "A", spring, [Series("Law", tuple(range(94)))], Unit(""))
    assert chart.table.rows == (("30 Mar 2024", "0", "47"), ("31 Mar 2024", "48", "93"))
    with pytest.raises(ValueError, match="96 values for 94 intervals"):
        time_chart("a", "A", spring, [Series("Law", (0,) * 96)], Unit(""))


def test_a_year_keeps_its_highest_and_lowest_though_intervals_share_a_unit_of_the_width():
    values = [0] * 17_568
    values[9_001], values[9_002] = 6_000_000_000, -500_000_000
    x, y = Scale(0, len(values), 500, 6_500), Scale(-500_000_000, 6_000_000_000, 3_000, 0)
    path = steps(values, x, y)
    assert "V0V300" in path or "V300V0" in path
    assert len(path) < 100
    full = steps(prices(17_568, 7_919_333), x, y)
    assert len(full) < 20_000 and full.endswith("H650")


@pytest.mark.parametrize(
    ("percent", "told"), [(0, 199), (1, 198), (2, 196), (50, 100), (99, 2), (100, 0)]
)
def test_a_duration_curve_tells_what_is_reached_in_a_share_of_the_intervals(percent, told):
    """Held to its meaning: the greatest value that so many of the 200 intervals reach."""
    values = tuple((number * 77) % 200 for number in range(200))
    chart = duration_chart("a", "A", [Series("Law", values)], Unit(""))
    (row,) = (row for row in chart.table.rows if row[0] == f"{percent}\xa0%")
    assert row[1] == str(told)
    needed = max(1, percent * 2)
    assert told == max(v for v in values if sum(each >= v for each in values) >= needed)


def test_a_lorenz_curve_tells_the_parts_of_the_whole():
    chart = of_kind("lorenz")
    assert chart.table.rows[4] == ("50\xa0%", "25\xa0%", "25\xa0%")
    assert "What the lowest 50\xa0% of households bear" in chart.alternative
    with pytest.raises(ValueError, match="up to the whole: Law"):
        lorenz_chart("a", "A", "households", [("Law", [500_000, 999_999])])
    with pytest.raises(ValueError, match="of 2 parts"):
        lorenz_chart("a", "A", "homes", [("Law", [0, 1_000_000]), ("Draft", [1_000_000])])


def test_bars_stand_from_the_greatest_loss_to_the_greatest_gain():
    rows = [("b", 3), ("a", 3), ("c", -7_000_000), ("none", 0)]
    chart = bar_chart("a", "A", "Participant", rows, MONEY)
    assert chart.table.rows == (
        ("c", "−£7.00"),
        ("none", "£0.00"),
        ("a", "+£0.000003"),
        ("b", "+£0.000003"),
    )
    bars = [dict(each.attributes) for each in chart.wide.elements if each.tag == "rect"]
    assert [bar["fill"] == "none" for bar in bars] == [True, False, False]
    assert bars[0]["x"] + bars[0]["width"] == bars[1]["x"]
    assert "1 lose, 2 gain, of 4; most is lost by c, −£7.00; most is gained by b" in (
        chart.alternative
    )


def test_bars_that_are_compared_have_one_scale():
    rows = [[("a", 1_000_000), ("b", -1_000_000)], [("a", 1_000_000), ("a longer name", 9_000_000)]]
    every = [row for of_chart in rows for row in of_chart]
    alone = [bar_chart("a", "A", "Participant", each, MONEY) for each in rows]
    beside = [bar_chart("a", "A", "Participant", each, MONEY, every) for each in rows]

    def widths(chart):
        return [
            dict(each.attributes)["width"] for each in chart.wide.elements if each.tag == "rect"
        ]

    assert widths(alone[0])[1] != widths(alone[1])[0]
    assert widths(beside[0])[1] == widths(beside[1])[0] > 0


def test_of_more_participants_those_who_change_most_are_drawn_and_all_are_told():
    rows = [(f"p{at:03}", (at - 100) * 1_000_000) for at in range(200)]
    chart = bar_chart("a", "A", "Participant", rows, MONEY)
    drawn = [each.text for each in chart.wide.elements if each.text.startswith("p")]
    assert len(drawn) == MOST_BARS
    assert drawn[0] == "p000" and drawn[-1] == "p199" and "p100" not in drawn
    assert len(chart.table.rows) == 200
    assert "the 60 of 200 that change most" in chart.table.note
    assert "the 60 of 200 that change most" in chart.alternative


def test_a_bar_in_a_table_is_in_proportion():
    assert 'rect width="250" height="10" fill="var(--chart-1' in cell_bar(25, 100)
    assert 'rect width="1000" height="10" fill="var(--chart-3' in cell_bar(-100, 100)
    assert 'rect width="0"' in cell_bar(0, 0)


def test_a_heat_map_shades_what_there_was_by_classes_that_its_legend_states():
    rows = [HeatRow("1", (0, 1_000_000, None)), HeatRow("2", (4_000_000, 3_500_000, 7_000_000))]
    chart = heat_chart("a", "A", rows, [(0, "00:00")], ENERGY, "It is said.", NO_ROWS)
    words = [each.text for each in chart.wide.elements if each.tag == "text"]
    assert words == ["up to 2 MWh", "to 4", "to 6", "to 8", "00:00", "1", "2"]
    drawn = [dict(each.attributes) for each in chart.wide.elements if each.tag == "path"]
    after_legend = {each["fill"].key: each["d"].count("M") for each in drawn[-3:]}
    # 7 MWh is of the last class, 4 and 3.5 of the second, 1 of the first; nothing has no square.
    assert after_legend == {"shade1": 1, "shade2": 2, "shade4": 1}
    framed = [dict(each.attributes)["width"] for each in chart.wide.elements if each.tag == "rect"]
    assert framed[-2] * 3 == framed[-1] * 2  # the cell that is not there has no frame


def test_a_month_in_which_nothing_was_short_has_no_square():
    rows = [HeatRow(f"{day}", (0,) * 48) for day in range(1, 32)]
    chart = heat_chart("a", "A", rows, [(0, "00:00")], ENERGY, "It is said.", NO_ROWS)
    paths = [each for each in chart.wide.elements if each.tag == "path"]
    assert paths == []
    assert sum(each.tag == "rect" for each in chart.wide.elements) == 31
    assert not any("up to" in each.text for each in chart.wide.elements)


def test_a_heat_map_of_a_month_in_which_all_was_short_stays_small():
    chart = heat_of("Draft A", 31, 48)
    assert len(chart.svg) < 60_000


def test_promises_are_kept_or_broken_by_the_last_part_per_million():
    chart = promise_chart("a", "A", "Product", promises())
    assert [tuple(cell.replace("\xa0", " ") for cell in row) for row in chart.table.rows] == [
        ("Draft A", "99.5 %", "99.9996 %", "yes"),
        ("P4", "99.9 %", "99.36 %", "no"),
        ("P2", "98 %", "–", "nothing was due"),
        ("P3", "99.95 %", "99.95 %", "yes"),
    ]
    said = chart.alternative.replace("\xa0", " ")
    assert said == "A. 3 of 4 are kept; broken: P4, 99.36 % of 99.9 % promised."
    kept = promise_chart("a", "A", "Product", [Promise("P1", 995_000, 995_000)])
    assert kept.alternative == "A. 1 of 1 are kept."
    dots = [dict(each.attributes) for each in chart.wide.elements if each.tag == "rect"]
    hollow = [dot["stroke"].key for dot in dots if dot["fill"] != dot["stroke"]]
    assert hollow == ["loss", "loss"]  # in the legend, and of the one that is broken


def test_the_axis_of_promises_shows_the_last_two_percent_or_more_where_less_was_delivered():
    def axis(rows):
        texts = [each.text for each in promise_chart("a", "A", "Who", rows).wide.elements]
        return [text.replace("\xa0", " ") for text in texts if text.endswith("%")]

    assert axis(promises()) == ["98 %", "98.5 %", "99 %", "99.5 %", "100 %"]
    assert axis([Promise("P1", 995_000, 612_345)])[0] == "70 %"
    assert axis([Promise("P1", 995_000, 0)])[0] == "0 %"


def test_a_part_of_the_grid_is_shaded_by_what_it_has():
    chart = of_kind("shaded")
    paths = [dict(each.attributes) for each in chart.wide.elements if each.tag == "path"]
    assert [path["fill"].key for path in paths[-2:]] == ["shade2", "shade2"]
    texts = [each.text for each in chart.wide.elements if each.tag == "text"]
    assert texts[0].startswith("up to")


def test_classes_are_round_and_cover_the_most_there_was():
    for largest in (0, 1, 4, 7, 999, 12_345_678):
        shades = shades_of([0, largest], ENERGY)
        assert shades.level(largest) == len(shades.labels)
        assert shades.level(0) == 0 and shades.level(largest) <= 4
    with pytest.raises(ValueError, match="below nothing"):
        shades_of([-1, 4], ENERGY)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: heat_chart("a", "A", [], [], ENERGY, "", NO_ROWS),
        lambda: heat_chart("a", "A", [HeatRow("1", ())], [], ENERGY, "", NO_ROWS),
        lambda: heat_chart(
            "a", "A", [HeatRow("1", (1,)), HeatRow("2", (1, 2))], [], ENERGY, "", NO_ROWS
        ),
        lambda: heat_chart("a", "A", [HeatRow("1", (-1,))], [], ENERGY, "", NO_ROWS),
        lambda: promise_chart("a", "A", "Product", []),
        lambda: promise_chart("a", "A", "Product", [Promise("P1", 1_000_001, 0)]),
        lambda: promise_chart("a", "A", "Product", [Promise("P1", 1, 0), Promise("P1", 2, 0)]),
        lambda: line_chart("a", "A", TIGHTNESS, [], PRICE, 1),
        lambda: line_chart("a", "A", TIGHTNESS, [Line("Law", ())], PRICE, 1),
        lambda: line_chart("A b", "A", TIGHTNESS, [Line("Law", ((0, 0),))], PRICE, 1),
        lambda: duration_chart("a", "A", [Series("Law", (1,)), Series("Law", (2,))], PRICE),
        lambda: duration_chart("a", "A", [Series(f"{at}", (1,)) for at in range(5)], PRICE),
        lambda: duration_chart("a", "A", [Series("Law", ())], PRICE),
        lambda: bar_chart("a", "A", "Participant", [], MONEY),
        lambda: bar_chart("a", "A", "Participant", [("p", 1), ("p", 2)], MONEY),
        lambda: panels_chart("a", "A", "Month", [], PRICE, "Half-hours"),
        lambda: panels_chart(
            "a",
            "A",
            "Month",
            [Panel("Jan", (Series("Law", (1,)),)), Panel("Feb", (Series("Draft", (1,)),))],
            PRICE,
            "Half-hours",
        ),
        lambda: network_chart("a", "A", Network((), (), ()), "", Table((), ())),
        lambda: network_chart(
            "a", "A", Network((Place("p", "", ""),) * 2, (), (("", ""),)), "", Table((), ())
        ),
        lambda: network_chart(
            "a",
            "A",
            Network((Place("p", "", ""),), (Link("p", "q", ""),), (("", ""),)),
            "",
            Table((), ()),
        ),
        lambda: network_chart(
            "a", "A", Network((Place("p", "", "x"),), (), (("", ""),)), "", Table((), ())
        ),
        lambda: nesting_chart("a", "A", ("system",), [], "", NO_ROWS),
        lambda: nesting_chart("a", "A", ("system",), parts(), "", NO_ROWS),
        lambda: areas_chart("a", "A", [], time_axes(), "", Table((), ())),
        lambda: areas_chart("a", "A", [Area("A", 3, 3, 0, 1)], time_axes(), "", Table((), ())),
        lambda: Unit("whole units of the currency per year", "GBP"),
    ],
)
def test_what_cannot_be_drawn_truly_is_no_chart(refused):
    with pytest.raises(ValueError, match=r"\w"):
        refused()


def test_charts_need_nothing_that_a_page_without_one_would_pay_for():
    said = (
        "import sys, portal.charts.bars, portal.charts.network, portal.charts.lines;"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    other = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(other.stdout.split())
    assert {"portal", "common"} <= loaded
    assert loaded & {"django", "lxml", "numba", "numpy", "pyarrow", "sqlalchemy", "typst"} == set()
