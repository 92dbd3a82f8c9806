"""What a participant has in the results of a day; what others have, by roots alone."""

from dataclasses import dataclass, field
from typing import Any

from verifier.archive import Files
from verifier.encoding import encode_row, pack_integers, parse_layout
from verifier.law import Law
from verifier.merkle_tree import leaf_hash
from verifier.partial_tree import root_of_rows
from verifier.report import Report
from verifier.results import Day
from verifier.rows import read_csv_rows
from verifier.values import Row, parse_hex, parse_vector, to_text

WH_PER_MWH = PPM = 1_000_000
OWN_RESULT = parse_layout("depth:I measure:T? entity:T? values:V? digest:B")
NODE_PRICE, NODE_SELL_PRICE = "node_price_micro_per_mwh", "node_sell_price_micro_per_mwh"
CHARGED_PRICE = "charged_price_micro_per_mwh"
CHARGED_SELL_PRICE = "charged_sell_price_micro_per_mwh"
"""Where published prices are charged, what is, at each node."""
PRICES_AT_NODES = (NODE_PRICE, NODE_SELL_PRICE, CHARGED_PRICE, CHARGED_SELL_PRICE)


@dataclass
class OwnDay:
    """A day of a participant.

    Attributes:
        settled: totals and vectors of the results that are theirs, and the digest of the day.
        registration, policy, rules: their registration, the allocation policy and the market
            rules of the day.
    """

    run_id: str
    settled: Day
    participant: str
    registration: Row = field(default_factory=dict)
    policy: Row = field(default_factory=dict)
    rules: Row = field(default_factory=dict)

    def list_registered(self, kind: str, name: str) -> dict[str, Row]:
        """Return the units, or the supply points, of the registration by their names."""
        return {row[name]: row for row in self.registration.get(kind, ())}

    @property
    def units(self) -> dict[str, Row]:
        """The participant's units."""
        return self.list_registered("units", "unit")

    def dynamic_ppm(self, product: str) -> int:
        """Return the part of a product's energy that pays the price of its node."""
        for rule in self.policy.get("charging", ()):
            if rule["product"] == product:
                modes = {"subscription": 0, "dynamic": PPM}
                return int(modes.get(rule["mode"], rule.get("dynamic_ppm")))
        raise KeyError(product)

    def is_served_later(self, product: str) -> bool:
        """Return whether what is refused of a product is owed, and served inside its window."""
        if self.policy.get("fair_play") is None:
            return False
        return any(
            each["product"] == product
            and each.get("timing") == "flexible"
            and (each.get("window_minutes") or 0) >= self.rules["interval_minutes"]
            for each in self.rules["products"]
        )

    @property
    def points(self) -> dict[str, Row]:
        """The participant's supply points."""
        return self.list_registered("supply_points", "supply_point")


def read_own_day(
    files: Files, name: str, run: Row, day: str, law: Law, participant: str, report: Report
) -> OwnDay:
    """Hash the results of a day that are told, and find the digest of the day."""
    settled = Day(b"")
    rows: list[tuple[int, bytes]] = []
    last: tuple[str, str] = ("", "")
    for line, row in read_csv_rows(files, name, OWN_RESULT, (), report):
        with report.reading(name, line):
            rows.append((row["depth"], parse_hex(row["digest"])))
            if is_untold(row, ("measure", "entity", "values"), name, line, report):
                continue
            measure, entity = key = (to_text(row["measure"]), to_text(row["entity"]))
            if key <= last:
                report.add(name, line, "results in order, each once", "another order")
            last = key
            values = parse_vector(row["values"])
            fields = [("D", day), ("T", measure), ("T", entity), ("B", pack_integers(values))]
            found = leaf_hash(encode_row("tallystick.result.1", fields)).hex()
            report.equal(name, line, "the row to have digest", row["digest"], found)
            settled.totals[key] = sum(values)
            settled.vectors[day, measure, entity] = values
            report.count("results of the participant")
    with report.reading(name):
        settled.digest = root_of_rows(rows)
    own = OwnDay(run["id"], settled, participant)
    for pin in run["pins"]:
        if pin["first_day"] <= day <= pin["last_day"]:
            body = law.bodies.get((pin["instrument"], pin["digest"]), {})
            if pin["instrument"] == f"{run['market']}/registration/{participant}":
                own.registration = body
            elif pin["instrument"] == f"{run['market']}/allocation-policy":
                own.policy = body
            elif pin["instrument"] == f"{run['market']}/market-rules":
                own.rules = body
    return own


def is_untold(row: Row, columns: tuple[str, ...], name: str, line: str, report: Report) -> bool:
    """Return whether a row stands for leaves of others; then it tells nothing of them."""
    values: list[Any] = [row[column] for column in columns]
    if all(value is None for value in values):
        report.count("roots over what others have")
        return True
    if None in values:
        report.add(name, line, "a leaf with all its values, or a root with none", "another row")
    return False
