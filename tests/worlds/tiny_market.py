"""A market small enough to follow by hand: three nodes in a row, four units, four supply points.

    A --- B --- C        A: wind, gas    B: battery, homes and offices    C: gas, homes and offices

`documents` returns its law; `charges` what may be published beside it, a charge list and its owner;
`readings_csv` returns seeded readings in the ingest format.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from rulebook.documents import (
    AllocationPolicy,
    ChargeList,
    Document,
    GridModel,
    MarketRules,
    Registration,
    SettlementTerms,
)
from settlement.core.periods import interval_starts

MARKET = "tiny"
ZONE = "Europe/London"
PUBLISHED = dt.date(2023, 12, 1)
VALID_FROM = dt.date(2024, 1, 1)
LAYERS = ("system", "zone", "node")
UNITS = {
    "U1": ("wind", "A", 60_000_000, 0),
    "U2": ("gas", "A", 80_000_000, 90_000_000),
    "U3": ("battery", "B", 20_000_000, 70_000_000),
    "U4": ("gas", "C", 50_000_000, 95_000_000),
}
OWNERS = {"alder": ("U1", "U3"), "birch": ("U2", "U4")}
SUPPLIERS = {"cedar": ("B-home", "C-home"), "doric": ("B-office", "C-office")}
CURVE = [
    {"tightness_ppm": 0, "price_micro_per_mwh": 0},
    {"tightness_ppm": 900_000, "price_micro_per_mwh": 90_000_000},
    {"tightness_ppm": 1_500_000, "price_micro_per_mwh": 6_000_000_000},
]


AREAS = {
    "layer": "zone",
    "losses": [
        {"area": "north", "loss_ppm": 20_000, "of": "demand"},
        {"area": "south", "loss_ppm": 7_777, "of": "generation"},
    ],
}
"""Energy accounts that the grid model may have."""

LINES_OF_FIELD = {
    "layers.curve": ("charge.dynamic",),
    "regulated_technologies": ("charge.regulated", "payment.regulated"),
    "pots.weight_ppm": (
        "charge.adequacy",
        "charge.location",
        "payment.adequacy",
        "payment.location",
    ),
    "charging.mode": ("charge.fuel", "payment.fuel"),
    "fair_play": ("charge.over_take", "charge.compensation"),
    "late_payment": ("charge.interest", "payment.interest"),
}


def _head(kind: str, prefix: str, fields: Sequence[str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "market": MARKET,
        "title": f"Tiny {kind}",
        "publication_date": PUBLISHED,
        "clauses": [
            {
                "anchor": f"{prefix}-{number}",
                "text": f"What governs {field}.",
                "fields": [field],
                "lines": LINES_OF_FIELD.get(field, ()),
            }
            for number, field in enumerate(fields, start=1)
        ],
    }


def market_rules(
    layers_in_use: Sequence[str] = LAYERS,
    runs: Sequence[str] = ("II", "SF", "R1"),
    **meter_data: Any,
) -> MarketRules:
    """Return the market rules; `layers_in_use` set the price, the rest are rules of meter data."""
    fields = ("layers.curve", "price_cap_micro_per_mwh", "meter_data.accepted_quality")
    return MarketRules.model_validate(
        _head("market-rules", "MR", fields)
        | {
            "time_zone": ZONE,
            "interval_minutes": 30,
            "currency": "GBP",
            "price_floor_micro_per_mwh": 0,
            "price_cap_micro_per_mwh": 6_000_000_000,
            "deliverability": "boundary",
            "layers": [
                {"layer": layer, "in_use": layer in layers_in_use, "curve": CURVE}
                for layer in LAYERS
            ],
            "products": [
                {
                    "product": "home",
                    "title": "Home",
                    "magnitude_w": 3000,
                    "timing": "essential",
                    "reliability_ppm": 995_000,
                },
                {
                    "product": "office",
                    "title": "Office",
                    "timing": "flexible",
                    "window_minutes": 240,
                    "reliability_ppm": 950_000,
                },
            ],
            "meter_data": {"accepted_quality": ["measured", "estimated"], "late_after_days": 7}
            | meter_data,
            "settlement_calendar": [
                {"run": run, "title": f"Run {run}", "lag_days": 5 * number}
                for number, run in enumerate(runs, start=1)
            ],
            "tax": {"category": "AE", "rate_ppm": 0, "note": "Reverse charge applies."},
        }
    )


def grid_model(**changes: Any) -> GridModel:
    """Return the grid: A and B form the zone north, C the zone south."""
    holons = [
        {"holon": "whole", "layer": "system", "title": "Whole"},
        {"holon": "north", "layer": "zone", "parent": "whole", "title": "North"},
        {"holon": "south", "layer": "zone", "parent": "whole", "title": "South"},
        *(
            {"holon": node, "layer": "node", "parent": parent, "title": f"Node {node}"}
            for node, parent in (("A", "north"), ("B", "north"), ("C", "south"))
        ),
    ]
    lines = [("A-B", "A", "B", 50_000_000), ("B-C", "B", "C", 30_000_000)]
    return GridModel.model_validate(
        _head("grid-model", "GM", ("lines.rating_w",))
        | {
            "layers": LAYERS,
            "nodes": [{"node": node, "title": f"Node {node}"} for node in "ABC"],
            "lines": [
                {
                    "line": line,
                    "from_node": source,
                    "to_node": target,
                    "rating_w": rating_w,
                    "reverse_rating_w": rating_w,
                    "reactance_ppm": 500_000,
                    "voltage_kv": 275,
                    "length_m": 100_000,
                }
                for line, source, target, rating_w in lines
            ],
            "holons": holons,
        }
        | changes
    )


def with_areas(law: Sequence[Document], accounts: Mapping[str, Any] = AREAS) -> list[Document]:
    """Return the law with energy accounts in its grid model."""
    grid = grid_model(energy_accounts=dict(accounts))
    return [grid if isinstance(document, GridModel) else document for document in law]


def allocation_policy(**changes: Any) -> AllocationPolicy:
    """Return the policy: wind is regulated, homes subscribe, offices pay the price."""
    fields = (
        "regulated_technologies",
        "target.rule",
        "pots.weight_ppm",
        "pots.timing",
        "shapley.method",
        "charging.mode",
        "fair_play",
    )
    return AllocationPolicy.model_validate(
        _head("allocation-policy", "AP", fields)
        | {
            "regulated_technologies": ["wind"],
            "target": {"rule": "cost-recovery"},
            "pots": [
                {"pot": "adequacy", "weight_ppm": 600_000, "timing": "tightness"},
                {"pot": "location", "weight_ppm": 400_000, "timing": "served"},
            ],
            "shapley": {"method": "exact"},
            "charging": [
                {"product": "home", "mode": "subscription"},
                {"product": "office", "mode": "dynamic"},
            ],
        }
        | changes
    )


def registrations(
    offers: Mapping[str, int] | None = None,
    suppliers: Mapping[str, Sequence[str]] = MappingProxyType(SUPPLIERS),
) -> list[Registration]:
    """Return owners and suppliers; `offers` replaces offers by unit."""
    offers = offers or {}
    owners = [
        _registration(owner, "generator", units=[_unit(unit, offers) for unit in units])
        for owner, units in OWNERS.items()
    ]
    return owners + [
        _registration(supplier, "supplier", supply_points=[_supply_point(p) for p in points])
        for supplier, points in suppliers.items()
    ]


def _registration(
    participant: str, role: str, units: Sequence[Any] = (), supply_points: Sequence[Any] = ()
) -> Registration:
    return Registration.model_validate(
        _head("registration", "RG", ("units.offer_micro_per_mwh",))
        | {
            "title": f"Registration of {participant}",
            "participant": participant,
            "legal_name": f"{participant.title()} Limited",
            "roles": [role],
            "tax_identifier": "GB123456789",
            "address": {"lines": ["1 High Street"], "postcode": "AB1 2CD", "country": "GB"},
            "contacts": [{"name": "Desk", "email": f"desk@{participant}.example"}],
            "units": units,
            "supply_points": supply_points,
        }
    )


def charge_list(**changes: Any) -> ChargeList:
    """Return the charges of elder: two tariffs, a subscription of homes, and a fee on one day."""
    always = {"from_day": VALID_FROM}
    charges = [
        {"code": "grid", "title": "Use of the grid", "clause": "CL-1", "taxed": True},
        {"code": "levy", "title": "Levy on energy", "clause": "CL-2", "taxed": False},
        {"code": "meter", "title": "Metering of homes", "clause": "CL-3", "taxed": True},
        {"code": "connect", "title": "Connection", "clause": "CL-4", "taxed": True},
    ]
    by_hour = [
        always | {"to_hour": 7, "price_micro_per_kwh": 11_003},
        always | {"from_hour": 7, "to_hour": 19, "price_micro_per_kwh": 31_337},
        always | {"from_hour": 19, "price_micro_per_kwh": 17_017},
    ]
    points = [point for points in SUPPLIERS.values() for point in points]
    links = [
        *(always | {"charge": "grid", "supply_point": point} for point in points),
        *(always | {"charge": "levy", "supply_point": point} for point in points),
        *(
            always | {"charge": "meter", "supply_point": point, "quantity": 10_000}
            for point in ("B-home", "C-home")
        ),
        {
            "charge": "connect",
            "supply_point": "C-office",
            "from_day": dt.date(2024, 1, 2),
            "to_day": dt.date(2024, 1, 3),
            "quantity": 3,
        },
    ]
    fields = ("tariffs.prices", "tariffs.taxed", "subscriptions.prices", "fees.prices")
    return ChargeList.model_validate(
        _head("charge-list", "CL", fields)
        | {
            "owner": "elder",
            "tariffs": [
                charges[0] | {"resolution": "hour", "prices": by_hour},
                charges[1]
                | {"resolution": "day", "prices": [always | {"price_micro_per_kwh": 5_001}]},
            ],
            "subscriptions": [
                charges[2] | {"prices": [always | {"price_micro_per_month": 2_500_000}]}
            ],
            "fees": [charges[3] | {"prices": [always | {"price_micro_per_piece": 175_000_001}]}],
            "links": links,
        }
        | changes
    )


def charges(**changes: Any) -> list[Document]:
    """Return the charge list and the registration of its owner."""
    return [_registration("elder", "charge-owner"), charge_list(**changes)]


def settlement_terms(**changes: Any) -> SettlementTerms:
    """Return who bills, when money is due, and how a bill is disputed and closed."""
    fields = (
        "payment_term_days",
        "late_payment",
        "credit",
        "disputes",
        "sealed_after_days",
        "payee_change_delay_days",
    )
    return SettlementTerms.model_validate(
        _head("settlement-terms", "ST", ("operator", *fields))
        | {
            "operator": {
                "legal_name": "Tiny Market Operator Limited",
                "tax_identifier": "GB987654321",
                "address": {"lines": ["2 Scale Lane"], "postcode": "AB2 3CD", "country": "GB"},
                "contact": {"name": "Settlement desk", "email": "desk@operator.example"},
                "iban": "GB82WEST12345698765432",
            },
            "payment_term_days": 14,
            "late_payment": {"annual_rate_ppm": 80_000, "days_in_year": 365, "grace_days": 3},
            "credit": {
                "exposure": ["unpaid", "unbilled"],
                "levels": [
                    {"level": "notice", "title": "Three quarters used", "from_ppm": 750_000},
                    {"level": "breach", "title": "Used up", "from_ppm": 1_000_000},
                ],
            },
            "disputes": {
                "raise_within_days": 90,
                "answer_within_days": 15,
                "escalate_within_days": 20,
                "decide_within_days": 30,
            },
            "sealed_after_days": 60,
            "payee_change_delay_days": 1,
        }
        | changes
    )


def _unit(name: str, offers: Mapping[str, int]) -> dict[str, Any]:
    technology, node, capacity_w, offer = UNITS[name]
    stores = technology == "battery"
    return {
        "unit": name,
        "title": f"Unit {name}",
        "technology": technology,
        "node": node,
        "capacity_w": capacity_w,
        "minimum_w": 0,
        "ramp_w_per_h": capacity_w,
        "can_reserve": stores,
        "offer_micro_per_mwh": offers.get(name, offer),
        "storage_wh": 40_000_000 if stores else None,
        "round_trip_efficiency_ppm": 850_000 if stores else None,
        "annual_capital_micro": 3_000_000_000_000 + capacity_w,
        "annual_fixed_micro": 1_000_000_000_007,
        "expected_payback_years": 20,
    }


def _supply_point(name: str) -> dict[str, Any]:
    node, product = name.split("-")
    return {
        "supply_point": name,
        "title": f"{product.title()} at {node}",
        "node": node,
        "product": product,
        "household_count": 10_000 if product == "home" else 0,
    }


def documents(
    layers_in_use: Sequence[str] = LAYERS,
    offers: Mapping[str, int] | None = None,
    **policy_changes: Any,
) -> list[Document]:
    """Return every document of the market."""
    return [
        market_rules(layers_in_use),
        grid_model(),
        allocation_policy(**policy_changes),
        *registrations(offers),
        settlement_terms(),
    ]


def readings_csv(
    first_day: dt.date,
    last_day: dt.date,
    seed: int = 1,
    only: Sequence[str] = (),
    desiring: Sequence[str] = (),
    available_percent: int = 100,
    taken_percent: int = 100,
) -> bytes:
    """Return complete readings of some days as CSV; of the entities in `only` where given.

    Of the supply points in `desiring` it is known what they desired, beside what was metered; they
    take so much of what others would. Units have so much of what they otherwise have available.
    """
    random = np.random.default_rng(seed)
    rows = ["interval_start,entity,measure,value,quality"]
    for offset in range((last_day - first_day).days + 1):
        starts = interval_starts(first_day + dt.timedelta(days=offset), ZONE, 30)
        for unit, (_, _, capacity_w, _) in UNITS.items():
            available_w = random.integers(capacity_w // 2, capacity_w, len(starts))
            available_w = available_w * available_percent // 100
            generation_wh = available_w // 2 * random.integers(2, 9, len(starts)) // 10
            rows += _rows(starts, unit, "available_w", available_w)
            rows += _rows(starts, unit, "metered_generation_wh", generation_wh)
        for point in (point for points in SUPPLIERS.values() for point in points):
            demand_wh = random.integers(4_000_000, 24_000_000, len(starts))
            part = taken_percent if point in desiring else 100
            rows += _rows(starts, point, "metered_demand_wh", demand_wh * part // 100)
            if point in desiring:
                # Up to a fifth less than would be metered in full, or up to a fifth more.
                desired_wh = demand_wh * random.integers(80, 121, len(starts)) // 100
                rows += _rows(starts, point, "desired_wh", desired_wh)
    if only:
        rows = [rows[0], *(row for row in rows[1:] if row.split(",")[1] in only)]
    return ("\n".join(rows) + "\n").encode()


def _rows(
    starts: Sequence[dt.datetime], entity: str, measure: str, values: np.ndarray
) -> list[str]:
    return [
        f"{start:%Y-%m-%dT%H:%M:%SZ},{entity},{measure},{value},measured"
        for start, value in zip(starts, values.tolist(), strict=True)
    ]
