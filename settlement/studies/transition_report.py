"""The report on a period beside the market in force, and what of it everybody may be told. Pure.

``parties``
    a row for each participant with a product or a technology: energy, money under both, what it
    gains by the law of today, and a MWh of both, rounded down; null where there is no energy.
    ``law_of_days_micro`` is by the law of today, of intervals without a price too.
``totals``
    all charges and payments under both, sums of the parties.
``left_out``
    by day the starts of intervals without a price, and what the law moved in them.
``public``
    totals, and sums by product and technology, each null where it would tell of one participant,
    by `settlement.fairness.suppression`; so is one whose difference from the same sum of an earlier
    report would, or from that of all intervals, which a fairness report tells. Energy is not told:
    with the price it would tell money.
``beside``
    the earlier reports of the market that have days of this one and were held to it, by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from settlement.billing.lines import Side
from settlement.core.rounding import WH_PER_MWH
from settlement.fairness.suppression import (
    LARGEST_PPM,
    LEAST_PARTICIPANTS,
    LEAST_REST_PPM,
    Parts,
    is_small_sum,
    told_sums,
)
from settlement.studies.transition_sums import LeftOut, Party, PartySum, Transition

FORMAT = "tallystick-transition/1"
_ABOUT = ("format", "market", "run", "first_day", "last_day", "currency", "prices", "intervals")


def transition_report(
    outcome: Transition, earlier: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the report as it is stored: plain JSON, parties by side, participant and product.

    Args:
        earlier: by id, reports that are kept of the same market and have days of this one.
    """
    order = list(Side)
    parties = sorted(
        outcome.parties.items(), key=lambda row: (order.index(row[0][0]), row[0][1], row[0][2])
    )
    report = {
        "format": FORMAT,
        "market": outcome.run.market,
        "run": str(outcome.run.id),
        "first_day": outcome.first_day.isoformat(),
        "last_day": outcome.last_day.isoformat(),
        "currency": outcome.currency,
        "prices": {
            "file": outcome.prices.file,
            "column": outcome.prices.column,
            "sha256": outcome.prices.digest.hex(),
        },
        "intervals": outcome.intervals,
        "intervals_without_price": sum(len(left.starts) for left in outcome.left_out.values()),
        "left_out": [
            {"day": day.isoformat(), **_left_out(left)} for day, left in outcome.left_out.items()
        ],
        "findings": [str(finding) for finding in outcome.findings],
        "totals": {
            name: {f"{side.value}s_micro": outcome.total_micro(side)[number] for side in Side}
            for number, name in enumerate(("law", "in_force"))
        },
        "parties": [_party(party, sums) for party, sums in parties],
    }
    public = public_part(report, list(earlier.values()))
    return report | {"beside": sorted(earlier), "public": public}


def public_part(
    report: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return what everybody may be told of a report, who know what earlier ones tell.

    Every two reports are held to each other. What three of them tell together is not looked for.
    """
    parties = report["parties"]
    names = ("law_micro", "in_force_micro", "law_of_days_micro")
    parts = Parts((party["participant"], [party[name] for name in names]) for party in parties)
    totals: dict[tuple[str, str], list[int]] = {(side.value, ""): [] for side in Side}
    products: dict[tuple[str, str], list[int]] = {}
    for place, party in enumerate(parties):
        totals[party["side"], ""].append(place)
        products.setdefault((party["side"], party["product"]), []).append(place)
    sums = {" ".join(key): places for key, places in (totals | products).items()}
    given_away = {name for other in earlier for name in _given_away(report, other)}
    told = told_sums(parts, sums, [" ".join(key) for key in totals], withheld=given_away)

    def row(key: tuple[str, str], places: list[int]) -> dict[str, Any]:
        names = ("law_micro", "in_force_micro", "gain_micro")
        amounts = {name: sum(parties[place][name] for place in places) for name in names}
        is_told = " ".join(key) in told
        return {name: amount if is_told else None for name, amount in amounts.items()}

    return {
        **{name: report[name] for name in _ABOUT},
        "intervals_without_price": report["intervals_without_price"],
        "left_out": [
            {"day": left["day"], "intervals": len(left["interval_starts"])}
            for left in report["left_out"]
        ],
        "least_participants": LEAST_PARTICIPANTS,
        "largest_ppm": LARGEST_PPM,
        "least_rest_ppm": LEAST_REST_PPM,
        "totals": [{"side": key[0], **row(key, places)} for key, places in totals.items()],
        "products": [
            {"side": key[0], "product": key[1], **row(key, places)}
            for key, places in products.items()
        ],
    }


def _given_away(report: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sums that another report tells, and whose difference from it tells of one."""
    owned: dict[str, dict[str, list[int]]] = {}
    for sign, each in ((1, report), (-1, other)):
        for party in each["parties"]:
            for name in (f"{party['side']} ", f"{party['side']} {party['product']}"):
                more = owned.setdefault(name, {}).setdefault(party["participant"], [0, 0, 0])
                for at, of in enumerate(("law_micro", "in_force_micro", "gain_micro")):
                    more[at] += sign * party[of]
    public = other["public"]
    rows = (*public["totals"], *public["products"])
    told = [row for row in rows if row["law_micro"] is not None]
    for name in (f"{row['side']} {row.get('product', '')}" for row in told):
        differences = zip(*owned.get(name, {}).values(), strict=True)
        if any(map(is_small_sum, differences)):
            yield name


def _left_out(left: LeftOut) -> dict[str, Any]:
    return {
        "interval_starts": [start.isoformat() for start in left.starts],
        "law_charges_micro": left.law_charges_micro,
        "law_payments_micro": left.law_payments_micro,
    }


def _party(party: Party, sums: PartySum) -> dict[str, Any]:
    side, participant, product = party
    return {
        "side": side.value,
        "participant": participant,
        "product": product,
        "law_wh": sums.law_wh,
        "law_micro": sums.law_micro,
        "law_of_days_micro": sums.law_of_days_micro,
        "law_micro_per_mwh": _per_mwh(sums.law_micro, sums.law_wh),
        "in_force_wh": sums.in_force_wh,
        "in_force_micro": sums.in_force_micro,
        "in_force_micro_per_mwh": _per_mwh(sums.in_force_micro, sums.in_force_wh),
        "gain_micro": sums.gain_micro(side),
    }


def _per_mwh(micro: int, energy_wh: int) -> int | None:
    """Return micro per MWh, rounded down; None where nothing was taken or generated."""
    return micro * WH_PER_MWH // energy_wh if energy_wh > 0 else None
