"""Fair delivery (F2): what was delivered of what was due, beside promises, and who was short. Pure.

Energy matures when it is served, or when it was due and was not; of what matured in a calendar
month, a promise says how much is delivered: that of each day of what matured on it. Rows tell it by
product, by product and node in each month, by product and part of the grid, by node, and by day.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from settlement.fairness.designs import is_whole
from settlement.fairness.inequality import PPM
from settlement.fairness.sums import DayLine, Service, Sums, whole_wh

MOST_WORST = 20
"""So many intervals are named, those in which most was missed."""


def service_fields(service: Service) -> dict[str, int | None]:
    """Return a service as a report states it, in Wh, and the part that was delivered."""
    return {
        "delivered_ppm": service.delivered * PPM // service.matured if service.matured else None,
        "desired_wh": whole_wh(service.desired),
        "matured_wh": whole_wh(service.matured),
        "delivered_wh": whole_wh(service.delivered),
        "missed_wh": whole_wh(service.missed),
        "deferred_wh": whole_wh(service.late),
        "declined_wh": whole_wh(service.declined),
        "shortfall_wh": service.shortfall_wh,
    }


def product_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return what each product was promised and delivered of what matured."""
    services: dict[str, Service] = defaultdict(Service)
    owed: dict[str, int] = defaultdict(int)
    households: dict[str, int] = defaultdict(int)
    for (_, _, product), service in sums.groups.items():
        services[product].add(service)
    for point in sums.points.values():
        owed[point.product] += point.owed
    for at in sums.latest.values():
        households[sums.points[at].product] += sums.points[at].household_count
    law = sums.last_law
    products = sorted({point.product for point in sums.points.values()} | services.keys())
    rows = []
    for product in products:
        counts = [_is_kept(sums, key) for key in sums.groups if key[2] == product]
        judged = [kept for kept in counts if kept is not None]
        rows.append(
            {
                "product": product,
                "title": law.titles.get(product, product),
                "household_count": households[product],
                "promised_ppm": services[product].promised_ppm(law.promises.get(product)),
                **known(service_fields(services[product]), sums.knows_service),
                "owed_wh": whole_wh(owed[product]) if sums.knows_service else None,
                "promises": len(judged),
                "promises_kept": sum(judged),
            }
        )
    return rows


def known(fields: Mapping[str, int | None], is_known: bool) -> dict[str, int | None]:
    """Return fields of service; every one empty where no law of the period knows service."""
    return dict(fields) if is_known else dict.fromkeys(fields)


def group_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return what each product at each node was promised and delivered, month by month."""
    return [
        {
            "month": month,
            "node": node,
            "product": product,
            "promised_ppm": service.promised_ppm(sums.promises[month, product]),
            **service_fields(service),
            "is_kept": _is_kept(sums, (month, node, product)),
        }
        for (month, node, product), service in sorted(sums.groups.items())
    ]


def convergence_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return each product at a node that was behind its promise where a day of its month ended.

    With those days in order, and how far it was behind on each: whoever was is owed first, so that
    it falls until the month ends (`settlement.core.order_of_service`).
    """
    return [
        {
            "month": month,
            "node": node,
            "product": product,
            "days": [
                {"day": day.isoformat(), "shortfall_ppm": shortfall_ppm}
                for day, shortfall_ppm in sorted(days.items())
            ],
        }
        for (month, node, product), days in sorted(sums.behind.items())
    ]


def month_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return what each product was promised and delivered, month by month."""
    services: dict[tuple[str, str], Service] = defaultdict(Service)
    for (month, _, product), service in sums.groups.items():
        services[month, product].add(service)
    return [
        {
            "month": month,
            "product": product,
            "promised_ppm": service.promised_ppm(sums.promises[month, product]),
            **service_fields(service),
        }
        for (month, product), service in sorted(services.items())
    ]


def place_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return service in every part of the grid by product, and of all products (`product` None).

    Layers are in their order, outermost first; a node that no layer holds is in no row.
    """
    law = sums.last_law
    services: dict[tuple[str, str, str | None], Service] = defaultdict(Service)
    for (_, node, product), service in sums.groups.items():
        for layer, holon_of in law.places.items():
            if node in holon_of:
                services[layer, holon_of[node], product].add(service)
                services[layer, holon_of[node], None].add(service)
    order = list(law.places)
    keys = sorted(services, key=lambda key: (order.index(key[0]), key[1], key[2] or ""))
    return [
        {"layer": key[0], "holon": key[1], "product": key[2], **service_fields(services[key])}
        for key in keys
    ]


def node_rows(sums: Sums) -> list[dict[str, Any]]:
    """Return service at every node, with the parts of the grid that it lies in."""
    law = sums.last_law
    services: dict[str, Service] = defaultdict(Service)
    for (_, node, _), service in sums.groups.items():
        services[node].add(service)
    return [
        {
            "node": node,
            "places": {layer: holon_of.get(node) for layer, holon_of in law.places.items()},
            **known(service_fields(services[node]), sums.knows_service),
        }
        for node in law.nodes
    ]


def calendar_of(sums: Sums) -> list[dict[str, Any]]:
    """Return the days in order: what matured, was missed and served late, and at which nodes.

    Where the sums have intervals, a day on which anybody was short has its shortness by interval.
    """
    return [_day_row(line, with_intervals=sums.with_intervals) for line in sums.calendar]


def worst_intervals(sums: Sums) -> list[dict[str, Any]]:
    """Return the intervals in which most was missed, then most served late; the most first."""
    found = []
    for line in sums.calendar:
        missed, late = line.missed.sum(axis=0).tolist(), line.late.sum(axis=0).tolist()
        found += [
            (-missed[interval], -late[interval], line.day, interval, line)
            for interval in range(len(missed))
            if missed[interval] or late[interval]
        ]
    found.sort(key=lambda entry: entry[:4])
    return [_interval_row(line, interval) for *_, interval, line in found[:MOST_WORST]]


def _interval_row(line: DayLine, interval: int) -> dict[str, Any]:
    columns = [rows[:, interval].tolist() for rows in (line.matured, line.missed, line.late)]
    return {
        "day": line.day.isoformat(),
        "interval": interval,
        "run": line.run,
        **_shortness(*map(sum, columns)),
        "nodes": _short_nodes(line.nodes, *columns),
    }


def _day_row(line: DayLine, *, with_intervals: bool) -> dict[str, Any]:
    columns = [rows.sum(axis=1).tolist() for rows in (line.matured, line.missed, line.late)]
    row: dict[str, Any] = {
        "day": line.day.isoformat(),
        "run": line.run,
        **_shortness(*map(sum, columns)),
        "short_intervals": int((line.missed + line.late).any(axis=0).sum()),
        "nodes": _short_nodes(line.nodes, *columns),
    }
    if with_intervals and line.is_short:
        rows = [values.sum(axis=0).tolist() for values in (line.matured, line.missed, line.late)]
        intervals = [_shortness(*each) for each in zip(*rows, strict=True)]
        row |= {f"interval_{name}": [each[name] for each in intervals] for name in intervals[0]}
    return row


def _short_nodes(
    nodes: Iterable[str], matured: list[int], missed: list[int], late: list[int]
) -> list[dict[str, Any]]:
    """Return the nodes at which something was missed or served late."""
    return [
        {"node": node, **_shortness(*of_node)}
        for node, *of_node in zip(nodes, matured, missed, late, strict=True)
        if of_node[1] or of_node[2]
    ]


def _shortness(matured: int, missed: int, late: int) -> dict[str, int | None]:
    """Return what was short, in Wh and beside what matured.

    `short_ppm` is what was missed of what matured, and `late_ppm` what was served late of it; both
    rounded down.
    """
    return {
        "short_ppm": missed * PPM // matured if matured else None,
        "late_ppm": late * PPM // matured if matured else None,
        "missed_wh": whole_wh(missed),
        "deferred_wh": whole_wh(late),
    }


def _is_kept(sums: Sums, key: tuple[str, str, str]) -> bool | None:
    """Return whether a promise was kept; None where its month was not met whole."""
    month = key[0]
    if not is_whole(month, sums.days_of_month[month]):
        return None
    return sums.groups[key].lacking <= 0
