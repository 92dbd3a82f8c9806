"""A market now, part by part: how tight each is, what it costs, what binds at each node and why."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from common.currencies import currency
from portal.amounts import local_time, money_parts
from portal.charts.chart import Chart
from portal.charts.nesting import MOST_PARTS
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from portal.queries.market_now import OnlineLaw, Published

PPM_OF_TENTH = 1_000
WHOLE_PPM = 1_000_000
LEVELS = ((600_000, "ample"), (900_000, "moderate"), (WHOLE_PPM, "tight"))
"""Up to which tightness a part is called what; above the last it is short."""
SHORT = "short"
MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Part:
    """A part of the grid, as it is now.

    Attributes:
        index: in the order of publications.
        span: rows of the map that it is high: one for each part of the last layer in it.
    """

    index: int
    layer: str
    name: str
    title: str
    tightness_ppm: int
    price_micro: int
    sell_micro: int
    currency: str
    span: int = 1

    @property
    def level(self) -> str:
        """How tight it is, in a word that is the class of its colour, too."""
        return level_of(self.tightness_ppm)

    @property
    def tightness(self) -> str:
        """For people, cut off at tenths of a percent."""
        return percent(self.tightness_ppm)

    @property
    def price(self) -> str:
        """Per MWh, cut off at the minor unit."""
        return money_parts(self.price_micro, self.currency)[0]

    @property
    def sell_price(self) -> str:
        """Per MWh, for energy that is given, cut off at the minor unit."""
        return money_parts(self.sell_micro, self.currency)[0]


@dataclass(frozen=True)
class LayerNow:
    """A layer: its tightest part, and at how many nodes one of its parts sets the price."""

    name: str
    is_used: bool
    tightest: Part
    sets_at: int


@dataclass(frozen=True)
class Binding:
    """A part that sets the price of nodes, and of which."""

    part: Part
    nodes: tuple[str, ...]


def level_of(tightness_ppm: int) -> str:
    """Return how tight a part is, in a word.

    >>> [level_of(at) for at in (0, 600_000, 1_000_000, 1_000_001)]
    ['ample', 'ample', 'tight', 'short']
    """
    return next((word for most, word in LEVELS if tightness_ppm <= most), SHORT)


def percent(ppm: int) -> str:
    """Return parts per million as percent, cut off at tenths.

    >>> percent(962_999)
    '96.2\\xa0%'
    """
    whole, tenth = divmod(ppm // PPM_OF_TENTH, 10)
    return f"{whole:,}.{tenth}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True)
class Holarchy:
    """The parts of a grid in the order in which publications name them by index."""

    law: OnlineLaw

    @cached_property
    def around(self) -> Mapping[str, Mapping[str, str]]:
        """Of each node, the part that holds it in each layer."""
        parent = {holon.holon: holon.parent for holon in self.law.grid.holons}
        layer = {holon.holon: holon.layer for holon in self.law.grid.holons}
        found: dict[str, dict[str, str]] = {}
        for node in sorted(each.node for each in self.law.grid.nodes):
            at: str | None = node
            while at is not None:
                found.setdefault(node, {})[layer[at]] = at
                at = parent[at]
        return found

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Layer and name of each part, layer by layer, outermost first, by name in each."""
        return tuple(
            (layer, name)
            for layer in self.law.grid.layers
            for name in sorted({parts[layer] for parts in self.around.values()})
        )

    @cached_property
    def used(self) -> frozenset[str]:
        """Layers whose prices count."""
        return frozenset(rule.layer for rule in self.law.rules.layers if rule.in_use)

    @cached_property
    def of_nodes(self) -> Mapping[str, tuple[int, ...]]:
        """Of each node, the indices of the parts in use that hold it, outermost first."""
        place = {part: index for index, part in enumerate(self.names)}
        return {
            node: tuple(
                place[layer, parts[layer]] for layer in self.law.grid.layers if layer in self.used
            )
            for node, parts in self.around.items()
        }


class MarketNow:
    """What a market's page shows of now.

    Args:
        law: in force.
        since: what was published of every part, and what moved since, in its order; not empty.
    """

    def __init__(self, law: OnlineLaw, since: Sequence[Published]) -> None:
        self.law = law
        self.last = since[-1]
        self.holarchy = Holarchy(law)
        self.parts = _parts(self.holarchy, since)

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """Which parts set the price of which nodes, of most nodes first.

        The price of a node is the highest of those of the parts that hold it; of equal ones the
        outermost binds.
        """
        found: dict[int, list[str]] = {}
        titles = {each.node: each.title for each in self.law.grid.nodes}
        for node, indices in self.holarchy.of_nodes.items():
            binds = max(indices, key=lambda index: (self.parts[index].price_micro, -index))
            found.setdefault(binds, []).append(titles[node])
        most = sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))
        return tuple(Binding(self.parts[index], tuple(nodes)) for index, nodes in most)

    @cached_property
    def layers(self) -> tuple[LayerNow, ...]:
        """Each layer, outermost first."""
        sets = dict.fromkeys(self.law.grid.layers, 0)
        for binding in self.bindings:
            sets[binding.part.layer] += len(binding.nodes)
        return tuple(
            LayerNow(
                name,
                name in self.holarchy.used,
                max(parts, key=lambda part: (part.tightness_ppm, -part.index)),
                sets[name],
            )
            for name, parts in _by_layer(self.parts)
        )

    @cached_property
    def short(self) -> tuple[Part, ...]:
        """Parts that want more than can be delivered to them, the shortest first."""
        found = [part for part in self.parts if part.level == SHORT]
        return tuple(sorted(found, key=lambda part: (-part.tightness_ppm, part.index)))

    @property
    def node_count(self) -> int:
        """How many nodes the grid has."""
        return len(self.law.grid.nodes)

    @cached_property
    def shown_layers(self) -> tuple[str, ...]:
        """From the outermost layer to the innermost for which the map has room."""
        return tuple(
            name for name, parts in _by_layer(self.parts) if len(tuple(parts)) <= MOST_PARTS
        )

    @cached_property
    def rows(self) -> tuple[tuple[Part, ...], ...]:
        """Rows of the map: the parts that begin in each, outermost first."""
        if not self.shown_layers:
            return ()
        place = {(part.layer, part.name): part for part in self.parts}
        paths = sorted(
            {
                tuple(parts[layer] for layer in self.shown_layers)
                for parts in self.holarchy.around.values()
            }
        )
        rows: list[list[Part]] = [[] for _ in paths]
        for depth, layer in enumerate(self.shown_layers):
            for name, run in groupby(range(len(paths)), key=lambda row: paths[row][depth]):
                spanned = list(run)
                part = place[layer, name]
                rows[spanned[0]].append(replace(part, span=len(spanned)))
        return tuple(map(tuple, rows))

    @property
    def data(self) -> dict[str, object]:
        """What the script of the page needs to go on from here."""
        money = currency(self.law.rules.currency)
        return {
            "law": self.law.digest,
            "zone": self.law.zone,
            "sign": money.sign,
            "minorDigits": money.minor_digits,
            "parts": [
                [part.tightness_ppm, part.price_micro, part.sell_micro] for part in self.parts
            ],
            "levels": [[most, word] for most, word in LEVELS],
            "short": SHORT,
        }


def _by_layer(parts: Sequence[Part]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    for layer, of_layer in groupby(parts, key=lambda part: part.layer):
        yield layer, tuple(of_layer)


def titles_of(law: OnlineLaw) -> dict[str, str]:
    """Return what each part of a grid is called, by its name."""
    titles = {holon.holon: holon.title for holon in law.grid.holons}
    return titles | {node.node: node.title for node in law.grid.nodes}


def _parts(holarchy: Holarchy, since: Sequence[Published]) -> tuple[Part, ...]:
    law, titles = holarchy.law, titles_of(holarchy.law)
    figures: dict[int, tuple[int, int, int]] = {}
    for each in since:
        told = zip(
            each.tightness_ppm,
            each.price_micro_per_mwh,
            each.sell_price_micro_per_mwh,
            strict=True,
        )
        figures.update(zip(each.holons, told, strict=True))
    return tuple(
        Part(index, layer, name, titles[name], *figures[index], law.rules.currency)
        for index, (layer, name) in enumerate(holarchy.names)
    )


def lines_chart(
    law: OnlineLaw,
    ends: Sequence[Published],
    laws: Mapping[str, OnlineLaw],
    key: str = "prices",
) -> Chart | None:
    """Return the prices of yesterday and today so far, at the ends of intervals; None without any.

    Those of the dearest node and of the cheapest. An interval whose end was not published has the
    prices of the one before it, as nothing happened in between.

    Args:
        law: in force.
        ends: in their order, of one or two local days.
        laws: by which they were made, by digest; of law that is none of these nothing is drawn, nor
            of one in another currency.
        key: of the chart on its page.
    """
    holarchies = {
        digest: Holarchy(each)
        for digest, each in laws.items()
        if each.rules.currency == law.rules.currency
    }
    figures = {
        each.at: _node_prices(holarchies[each.law], each) for each in ends if each.law in holarchies
    }
    if not figures:
        return None
    first, last = min(figures), max(figures)
    step = law.rules.interval_minutes * MINUTE
    moments = [first + number * step for number in range((last - first) // step + 1)]
    filled: list[tuple[int, int]] = []
    for at in moments:
        filled.append(figures.get(at) or filled[-1])
    zone = ZoneInfo(law.zone)
    days = [
        (day, len(list(of_day)))
        # An interval is of the day in which it began.
        for day, of_day in groupby(moments, key=lambda at: (at - step).astimezone(zone).date())
    ]
    series = [
        Series(name, tuple(each[number] for each in filled))
        for number, name in enumerate(("Dearest node", "Cheapest node"))
    ]
    unit = Unit("micro per MWh", law.rules.currency)
    made = time_chart(key, "Prices published at the ends of intervals", days, series, unit)
    # A day that was not online from its midnight on is counted from where it was.
    note = f"The first of these intervals ended on {local_time(first, law.zone)}."
    return replace(made, table=replace(made.table, note=note))


def _node_prices(holarchy: Holarchy, ended: Published) -> tuple[int, int]:
    """Return the highest and the lowest price of a node."""
    prices = ended.price_micro_per_mwh
    of_nodes = [max(prices[index] for index in held) for held in holarchy.of_nodes.values()]
    return max(of_nodes), min(of_nodes)
