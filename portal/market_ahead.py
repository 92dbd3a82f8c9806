"""The next hours of quotes: what a small flexible purchase, or sale, would be quoted, by interval.

Of a node the price is the highest of the parts in use that hold it, as a quote's is; of a part, its
own. A purchase so small that it moves no price is quoted at that price where there is room, and a
larger one at no less.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from common.quantities import energy
from portal.amounts import local_time, money_parts
from portal.charts.chart import Chart, Table
from portal.charts.times import Series, time_chart
from portal.charts.units import Unit
from portal.market_view import WHOLE_PPM, Holarchy, percent
from portal.queries.market_bookings import Ahead, PartAhead, parts_ahead, runs_in_real_time
from portal.queries.market_now import OnlineLaw

NODE = "node"
CHEAPEST_OF = 12
"""One interval in so many is marked as cheapest, and those at the same price."""
MOST_SPANS = 4
CHEAPEST, NO_ROOM = "cheapest", "no room"


@dataclass(frozen=True)
class Choice:
    """What quotes may be shown of.

    Attributes:
        key: in the address: its layer, or `node`, and its name.
        group: what it stands under.
        indices: of the parts whose prices count; of a node, the innermost last.
    """

    key: str
    group: str
    title: str
    used: tuple[int, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Waits:
    """Requests of a product that wait."""

    title: str
    requests: int
    energy: str
    due: str


@dataclass(frozen=True)
class ShownAhead:
    """The next hours of quotes of one part of a grid, as the page shows them.

    Attributes:
        groups: what else may be chosen, by what it stands under.
        cheapest: spans of the intervals that are marked, and their prices.
        is_flat: whether as good as every interval has the same price.
        short: how many intervals have no room.
    """

    chosen: Choice
    groups: tuple[tuple[str, tuple[Choice, ...]], ...]
    hours: int
    made_at: dt.datetime
    chart: Chart
    cheapest: tuple[str, ...]
    is_flat: bool
    short: int
    count: int
    waiting: tuple[Waits, ...]


def choices(law: OnlineLaw) -> list[Choice]:
    """Return what quotes may be shown of: the parts of each layer, and the nodes."""
    holarchy = Holarchy(law)
    titles = {each.holon: each.title for each in law.grid.holons}
    titles |= {each.node: each.title for each in law.grid.nodes}
    place = {part: index for index, part in enumerate(holarchy.names)}
    innermost = law.grid.layers[-1]
    found = [
        Choice(f"{layer}:{name}", layer, titles[name], (index,), (index,))
        for index, (layer, name) in enumerate(holarchy.names)
        if layer != innermost
    ]
    for node, around in holarchy.around.items():
        held = tuple(place[layer, around[layer]] for layer in law.grid.layers)
        key = f"{NODE}:{node}"
        found.append(Choice(key, NODE, titles[node], holarchy.of_nodes[node], held))
    return found


def shown_ahead(
    session: Session,
    market: str,
    law: OnlineLaw,
    asked: str,
    own_node: str | None,
    now: dt.datetime,
) -> ShownAhead | None:
    """Return the quotes of what was asked for; None where none are kept of this law.

    Of a market that runs in real time, those of intervals that have not begun since they were kept.

    Args:
        asked: the key of a choice; what is none stands for the reader's node, or all of the grid.
        own_node: of a point of the reader's.
        now: by the wall.
    """
    all_choices = choices(law)
    keys = {each.key: each for each in all_choices}
    chosen = keys.get(asked) or keys.get(f"{NODE}:{own_node}") or all_choices[0]
    found = parts_ahead(session, market, chosen.indices)
    if found is None or found[0].law != law.digest:
        return None
    ahead, parts = found
    if runs_in_real_time(law.rules) and (begun := ahead.begun(now)):
        if begun == ahead.count:
            return None
        ahead, parts = ahead.without(begun), [each.without(begun) for each in parts]
    groups = groupby(all_choices, key=lambda each: each.group)
    return _shown(law, ahead, chosen, parts, tuple((name, tuple(of)) for name, of in groups))


def _shown(
    law: OnlineLaw,
    ahead: Ahead,
    chosen: Choice,
    parts: Sequence[PartAhead],
    groups: tuple[tuple[str, tuple[Choice, ...]], ...],
) -> ShownAhead:
    used = [part for part, at in zip(parts, chosen.indices, strict=True) if at in chosen.used]
    tightness = [max(of) for of in zip(*(each.tightness_ppm for each in parts), strict=True)]
    buy = [max(of) for of in zip(*(each.price_micro for each in used), strict=True)]
    sell = [max(of) for of in zip(*(each.sell_micro for each in used), strict=True)]
    with_room = [at for at in range(ahead.count) if tightness[at] < WHOLE_PPM]
    marked = _cheapest(buy, with_room)
    is_flat = len(marked) * 2 > ahead.count
    marked = frozenset() if is_flat else marked  # a mark on most would say nothing
    products = {each.product: each.title for each in law.rules.products}
    return ShownAhead(
        chosen,
        groups,
        ahead.count * ahead.minutes // 60,
        ahead.at,
        _chart(law, ahead, chosen, (tightness, buy, sell), marked),
        tuple(_spans(law, ahead, buy, marked)),
        is_flat,
        ahead.count - len(with_room),
        ahead.count,
        tuple(
            Waits(
                products.get(each.product, each.product),
                each.requests,
                energy(each.energy_wh),
                local_time(_moment(each.due_minute), law.zone),
            )
            for each in ahead.waiting
        ),
    )


def _cheapest(buy: Sequence[int], with_room: Sequence[int]) -> frozenset[int]:
    if not with_room:
        return frozenset()
    ranked = sorted(buy[at] for at in with_room)
    most = ranked[max(len(ranked) // CHEAPEST_OF - 1, 0)]
    return frozenset(at for at in with_room if buy[at] <= most)


def _spans(law: OnlineLaw, ahead: Ahead, buy: Sequence[int], marked: frozenset[int]) -> list[str]:
    """Return the first spans of marked intervals, in words."""
    starts, step = ahead.starts(), dt.timedelta(minutes=ahead.minutes)
    runs: list[list[int]] = []
    for at in sorted(marked):
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    words = []
    for run in runs[:MOST_SPANS]:
        ends = starts[run[-1]] + step
        low, high = (
            money_parts(of(buy[at] for at in run), law.rules.currency)[0] for of in (min, max)
        )
        price = low if low == high else f"{low} to {high}"
        words.append(f"{_short(law, starts[run[0]])} to {_short(law, ends)} at {price} per MWh")
    return words


def _chart(
    law: OnlineLaw,
    ahead: Ahead,
    chosen: Choice,
    values: tuple[Sequence[int], Sequence[int], Sequence[int]],
    marked: frozenset[int],
) -> Chart:
    tightness, buy, sell = values
    unit = Unit("micro per MWh", law.rules.currency)
    zone, starts = ZoneInfo(law.zone), ahead.starts()
    days = [
        (day, len(list(of))) for day, of in groupby(at.astimezone(zone).date() for at in starts)
    ]
    series = [Series("To buy", tuple(buy)), Series("To give", tuple(sell))]
    hours = ahead.count * ahead.minutes // 60
    title = f"Quotes of the next {hours} hours, {chosen.title}"
    made = time_chart("quotes-ahead", title, days, series, unit, marked)
    mark = [
        CHEAPEST if at in marked else NO_ROOM if tightness[at] >= WHOLE_PPM else ""
        for at in range(ahead.count)
    ]
    table = Table(
        ("From", unit.title("To buy"), unit.title("To give"), "Tightness", "Mark"),
        tuple(
            (_short(law, starts[at]), unit.cell(buy[at]), unit.cell(sell[at]),
             percent(tightness[at]), mark[at])
            for at in range(ahead.count)
        ),
        f"Each lasts {ahead.minutes} minutes."
        + (" Bars along the axis mark the cheapest." if marked else ""),
        frozenset({"Mark"}),
    )  # fmt: skip
    lowest, highest = (of(range(ahead.count), key=buy.__getitem__) for of in (min, max))
    alternative = (
        f"{title}. To buy: lowest {unit.exact(buy[lowest])} from {_short(law, starts[lowest])}, "
        f"highest {unit.exact(buy[highest])} from {_short(law, starts[highest])}."
    )
    return replace(made, table=table, alternative=alternative)


def _moment(minute: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=minute)


def _short(law: OnlineLaw, moment: dt.datetime) -> str:
    """Return a moment by the local clock, without its year: all are within days."""
    local = moment.astimezone(ZoneInfo(law.zone))
    return f"{local.day} {local:%b, %H:%M}"
