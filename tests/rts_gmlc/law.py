"""Grid and registrations of `scenarios/rts-gmlc`, written from the published data.

`.venv/bin/python -m tests.rts_gmlc.law` writes them again. What the data does not know is invented
here, and marked so: who owns and supplies what, and the annual cost of a unit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rulebook.folders import file_name
from rulebook.reading import document_of
from rulebook.yaml_text import write_yaml
from tests.conftest import ROOT, SHARED

DATA = SHARED / "data" / "rts_gmlc"
MARKET = "rts-gmlc"
FOLDER = ROOT / "scenarios" / MARKET
MICRO = 1_000_000
W_PER_MW = 1_000_000
METRES_PER_MILE = 1609.344
MINUTES_PER_HOUR = 60
AREAS = {1: "ridge", 2: "canyon", 3: "mesa"}
LOAD = "LOAD"
HEAD = "head"

TECHNOLOGY = {
    "Gas CC": "gas-combined-cycle",
    "Gas CT": "gas-turbine",
    "Coal": "coal",
    "Oil CT": "oil-turbine",
    "Oil ST": "oil-steam",
    "Nuclear": "nuclear",
    "Hydro": "hydro",
    "Wind": "wind",
    "Solar PV": "solar",
    "Solar RTPV": "solar-rooftop",
    "CSP": "solar-thermal",
    "Storage": "battery",
}
ANNUAL_COST_PER_KW = {
    "gas-combined-cycle": (90, 15),
    "gas-turbine": (60, 12),
    "coal": (180, 40),
    "oil-turbine": (55, 10),
    "oil-steam": (70, 20),
    "nuclear": (400, 110),
    "hydro": (150, 30),
    "wind": (110, 40),
    "solar": (80, 15),
    "solar-rooftop": (120, 15),
    "solar-thermal": (350, 60),
    "battery": (100, 20),
}
"""Invented: capital and fixed cost in dollars a kW and year."""
PAYBACK_YEARS = 20


def rows(name: str) -> list[dict[str, Any]]:
    """Return a table of the data, a row each."""
    found: list[dict[str, Any]] = pq.read_table(DATA / f"{name}.parquet").to_pylist()
    return found


def generators() -> list[dict[str, Any]]:
    """Return the units that can feed in: three synchronous condensers cannot."""
    return [unit for unit in rows("generators") if unit["pmax_mw"] > 0]


def clause(anchor: str, text: str, fields: list[str], lines: list[str] | None = None) -> dict:
    """Return a clause as a document holds it."""
    return {"anchor": anchor, "text": text, "fields": fields, "lines": lines or []}


def head(kind: str, title: str, clauses: list[dict]) -> dict[str, Any]:
    """Return what every document of the market opens with."""
    return {
        "kind": kind,
        "market": MARKET,
        "title": title,
        "publication_date": "2019-10-01",
        "clauses": clauses,
    }


def grid_model() -> dict[str, Any]:
    """Return buses, branches, and the areas and zones that hold them."""
    buses = rows("buses")
    zone_of = {bus["bus_id"]: int(bus["zone"]) for bus in buses}
    zones = sorted({(bus["area"], int(bus["zone"])) for bus in buses})
    return {
        **head("grid-model", "Grid model of the RTS-GMLC market", GRID_CLAUSES),
        "layers": ["system", "area", "zone", "bus"],
        "nodes": [{"node": str(bus["bus_id"]), "title": bus["name"]} for bus in buses],
        "lines": [_line(branch) for branch in rows("branches")],
        "holons": [
            _holon("rts", "system", None, "Reliability Test System"),
            *(_holon(f"area-{area}", "area", "rts", f"Area {area}") for area in AREAS),
            *(
                _holon(f"zone-{zone}", "zone", f"area-{area}", f"Zone {zone}")
                for area, zone in zones
            ),
            *(
                _holon(str(bus["bus_id"]), "bus", f"zone-{zone_of[bus['bus_id']]}", bus["name"])
                for bus in buses
            ),
        ],
    }


def _holon(name: str, layer: str, parent: str | None, title: str) -> dict[str, Any]:
    return {"holon": name, "layer": layer, "parent": parent, "title": title}


def _line(branch: dict[str, Any]) -> dict[str, Any]:
    kv = {bus["bus_id"]: round(bus["base_kv"]) for bus in rows("buses")}
    rating_w = round(branch["rating_mw"] * W_PER_MW)
    return {
        "line": branch["branch_id"],
        "from_node": str(branch["from_bus"]),
        "to_node": str(branch["to_bus"]),
        "rating_w": rating_w,
        "reverse_rating_w": rating_w,
        # The line of direct current has none.
        "reactance_ppm": round(branch["x_pu"] * MICRO) if branch["x_pu"] else None,
        "voltage_kv": max(kv[branch["from_bus"]], kv[branch["to_bus"]]),
        "length_m": round((branch["length_mi"] or 0) * METRES_PER_MILE),
    }


def registrations() -> Iterator[dict[str, Any]]:
    """Yield one who generates and one who supplies in each area; they are invented."""
    area_of = {bus["bus_id"]: bus["area"] for bus in rows("buses")}
    title_of = {bus["bus_id"]: bus["name"] for bus in rows("buses")}
    loads = pq.read_table(DATA / "demand_bus_hourly_da.parquet").column_names
    for area, name in AREAS.items():
        units = [_unit(unit, title_of) for unit in generators() if area_of[unit["bus_id"]] == area]
        points = [
            _point(bus, title_of[bus])
            for bus in area_of
            if area_of[bus] == area and str(bus) in loads
        ]
        yield _registration(f"{name}-generation", "generator", area, units, [])
        yield _registration(f"{name}-supply", "supplier", area, [], points)


def _registration(
    participant: str, role: str, area: int, units: list[dict], points: list[dict]
) -> dict[str, Any]:
    legal_name = f"{participant.replace('-', ' ').title()} Inc."
    number = f"{area}{1 if role == 'generator' else 2}"
    cover_micro = 200_000_000 * MICRO
    cover = {"form": "guarantee", "reference": f"Guarantee {number}", "amount_micro": cover_micro}
    return {
        **head("registration", f"Registration of {legal_name}", CLAUSES_OF_ROLE[role]),
        "participant": participant,
        "legal_name": legal_name,
        "roles": [role],
        "tax_identifier": f"00-00000{number}",
        "address": {
            "lines": [f"{number} Test Road", "Phoenix"],
            "postcode": "85000",
            "country": "US",
        },
        "contacts": [{"name": "Settlement desk", "email": f"settlement@{participant}.example"}],
        "units": units,
        "supply_points": points,
        "national_account": {"sort_code": "000000073", "account_number": f"73000000{number}"},
        "credit_cover": [cover] if points else [],
    }


def _unit(unit: dict[str, Any], title_of: dict[int, str]) -> dict[str, Any]:
    technology = TECHNOLOGY[unit["category"]]
    capacity_w = round(unit["pmax_mw"] * W_PER_MW)
    capital, fixed = (cost * capacity_w // 1000 * MICRO for cost in ANNUAL_COST_PER_KW[technology])
    stored = {row["gen_uid"]: row for row in rows("storage") if row["position"] == HEAD}
    # Reservoirs of hydro and of the solar tower fill by themselves: the grid fills this one alone.
    stores = technology == "battery"
    return {
        "unit": unit["gen_id"],
        "title": f"{title_of[unit['bus_id']]}, {unit['category']} {unit['gen_id'].split('_')[-1]}",
        "technology": technology,
        "node": str(unit["bus_id"]),
        "capacity_w": capacity_w,
        "minimum_w": round(unit["pmin_mw"] * W_PER_MW),
        "ramp_w_per_h": round(unit["ramp_mw_per_min"] * W_PER_MW * MINUTES_PER_HOUR),
        "can_reserve": False,
        "offer_micro_per_mwh": round(unit["avg_cost_full_load_usd_mwh"] * MICRO),
        "storage_wh": round(stored[unit["gen_id"]]["max_volume_gwh"] * 10**9) if stores else None,
        "round_trip_efficiency_ppm": round(unit["storage_eff_pct"] * 10_000) if stores else None,
        "annual_capital_micro": capital,
        "annual_fixed_micro": fixed,
        "expected_payback_years": PAYBACK_YEARS,
    }


def _point(bus: int, title: str) -> dict[str, Any]:
    return {
        "supply_point": f"{bus}-{LOAD}",
        "title": f"{title}, load",
        "node": str(bus),
        "product": LOAD,
        "household_count": 0,
    }


GRID_CLAUSES = [
    clause(
        "GM-1.1",
        "Units and supply points connect at nodes, and energy moves between nodes only along the "
        "lines of this model, in either direction up to the rating for that direction.",
        ["nodes", "lines", "lines.rating_w", "lines.reverse_rating_w"],
    ),
    clause(
        "GM-1.2",
        "Reactance, voltage and length describe a line to the dispatch check; no settled amount "
        "depends on them.",
        ["lines.reactance_ppm", "lines.voltage_kv", "lines.length_m"],
    ),
    clause(
        "GM-2.1",
        "The grid is divided in layers, from the system through areas and zones to buses; every "
        "bus lies in exactly one part of each layer, and every part lies whole in one part of the "
        "next layer outward.",
        ["layers", "holons", "holons.holon", "holons.layer", "holons.parent"],
    ),
]
CLAUSES_OF_ROLE = {
    "generator": [
        clause(
            "RG-1.1",
            "The participant answers for the units listed here, each at the node and with the "
            "capability stated.",
            ["units", "units.unit", "units.technology", "units.node", "units.capacity_w"],
        ),
        clause(
            "RG-1.2",
            "Each unit offers its energy at the price stated and is paid that price for what it "
            "delivers.",
            ["units.offer_micro_per_mwh"],
            ["payment.fuel"],
        ),
        clause(
            "RG-1.3",
            "The annual capital and fixed costs stated for a unit are those that the allocation "
            "policy recovers; the expected payback is reported and moves no money.",
            [
                "units.annual_capital_micro",
                "units.annual_fixed_micro",
                "units.expected_payback_years",
            ],
            ["payment.regulated", "payment.adequacy", "payment.location"],
        ),
    ],
    "supplier": [
        clause(
            "RG-2.1",
            "The participant answers for the supply points listed here and pays what is charged "
            "to each of them.",
            ["supply_points", "supply_points.supply_point", "supply_points.node"],
        ),
    ],
}


def written_files() -> dict[Path, str]:
    """Return the text of each file that is written from the data."""
    texts = {}
    for body in (grid_model(), *registrations()):
        document, findings = document_of(body, body["title"])
        if document is None:
            raise ValueError(findings)
        texts[FOLDER / file_name(document)] = COMMENT + write_yaml(document)
    return texts


COMMENT = """\
# Written from the data of the Reliability Test System (RTS-GMLC) by tests/rts_gmlc/law.py, which
# says what of it is invented. The data is of DOE/NREL/ALLIANCE; its notice is the LICENSE.md of
# scenarios/rts-gmlc.

"""

if __name__ == "__main__":
    for path, text in written_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
