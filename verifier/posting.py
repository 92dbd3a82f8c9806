"""What the run's journals must have moved, by its results and its law."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.encoding import encode_row
from verifier.law import Law
from verifier.ledger import JOURNALS, Ledger
from verifier.merkle_tree import leaf_hash
from verifier.readings import DEMAND, GENERATION, Energy
from verifier.report import Report
from verifier.results import TAKEN, Day
from verifier.runs import is_study_pin
from verifier.values import Row, list_days, to_text

AREA_ACCOUNTS = {"area_losses_wh": "losses", "area_imbalance_wh": "imbalance"}
QUANTITIES = {"tariff": ("Wh", "CHARGED-WH"), "subscription": ("days", "CHARGED-DAYS"),
              "fee": ("pieces", "CHARGED-PIECES")}  # fmt: skip
BY_RULE = 10
ESTIMATED_BY_OPERATOR = (1, 4)


@dataclass
class Register:
    """Who answers for units, supply points and charges under the rules of a day."""

    market: str
    currency: str = ""
    units: dict[str, str] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    charges: dict[tuple[str, str], str] = field(default_factory=dict)
    recipients: dict[tuple[str, str], str] = field(default_factory=dict)

    def account(self, commodity: str, owner: str | None, kind: str, subject: str) -> str:
        """Return the code of an account; None owns those of the market."""
        return f"{self.market}:{commodity}:{owner or '-'}:{kind}:{subject}"


def build_register(run: Row, day: str, law: Law) -> Register:
    """Return who answers for what on a day, by the documents that the run is pinned to."""
    register = Register(run["market"])
    listed: defaultdict[tuple[str, str], dict[str, str | None]] = defaultdict(dict)
    for pin in run["pins"]:
        if is_study_pin(pin) or not pin["first_day"] <= day <= pin["last_day"]:
            continue
        body = law.bodies[pin["instrument"], pin["digest"]]
        match body["kind"]:
            case "market-rules":
                register.currency = body["currency"]
            case "registration":
                owner = body["participant"]
                register.units |= {unit["unit"]: owner for unit in body["units"]}
                register.points |= {point["supply_point"]: owner for point in body["supply_points"]}
            case "charge-list":
                for kind in QUANTITIES:
                    for charge in body[f"{kind}s"]:
                        listed[kind, charge["code"]][body["owner"]] = charge.get("paid_on_to")
    for (kind, code), owners in listed.items():
        # Of several owners with a charge of the kind and code, each has the owner in its name.
        names = {f"{owner}/{code}" if len(owners) > 1 else code: owner for owner in owners}
        register.charges |= {(kind, name): owner for name, owner in names.items()}
        register.recipients |= {
            (kind, name): recipient
            for name, owner in names.items()
            if (recipient := owners[owner]) is not None
        }
    return register


def sum_used_wh(day: str, settled: Day, metered: Energy) -> dict[tuple[str, str], int]:
    """Return the day's energy by measure and entity: as metered, or as it was estimated."""
    return {key: sum(used) for key, used in list_used_wh(day, settled, metered).items()}


def list_used_wh(day: str, settled: Day, metered: Energy) -> dict[tuple[str, str], list[int]]:
    """Return the energy of each interval of a day, as `sum_used_wh` sums it.

    Of a supply point whose contract is served, what it takes of what was metered as its wish.
    """
    used: dict[tuple[str, str], list[int]] = {}
    keys = {key[1:] for key in metered if key[0] == day}
    estimated = {
        (measure.removeprefix("estimated."), entity)
        for _, measure, entity in settled.vectors
        if measure.startswith("estimated.")
    }
    for measure, entity in keys | {key for key in estimated if key[0] in (GENERATION, DEMAND)}:
        estimates = settled.vectors.get((day, f"estimated.{measure}", entity), [])
        codes = settled.vectors.get((day, f"quality.{measure}", entity), [])
        values = metered.get((day, measure, entity)) or [0] * len(estimates)
        used[measure, entity] = [
            estimates[number]
            if number < len(codes)
            and (codes[number] > BY_RULE or codes[number] in ESTIMATED_BY_OPERATOR)
            else value
            for number, value in enumerate(values)
        ]
    for _, measure, entity in settled.vectors:
        if measure == TAKEN and (DEMAND, entity) in used:
            used[DEMAND, entity] = settled.vectors[day, TAKEN, entity]
    return used


def is_passed_through(measure: str) -> bool:
    """Return whether a result is money or quantity of a charge whose price others set."""
    side, _, rest = measure.partition(".")
    return side in ("charge", "payment", "quantity") and rest.partition("_")[0] in QUANTITIES


def passed_movements(
    register: Register, measure: str, entity: str, total: int
) -> list[tuple[str, int]]:
    """Return what a result of a pass-through charge moves, by the code of the account."""
    side, _, rest = measure.partition(".")
    kind = rest.partition("_")[0]
    component = rest.removesuffix("_micro")
    if side == "payment":
        # What a collector pays on is paid to whose charge it is.
        owners = register.charges if component == kind else register.recipients
        account = f"payment.{component}"
        return [
            (register.account(register.currency, owners[kind, entity], account, entity), -total)
        ]
    # From the end: of several owners with one code, the name of a charge holds a slash itself.
    name, _, supplier = entity.rpartition("/")
    if side == "charge":
        return [(register.account(register.currency, supplier, f"charge.{component}", name), total)]
    owner, commodity = register.charges[kind, name], QUANTITIES[kind][1]
    return [
        (register.account(commodity, supplier, f"charge.{kind}", name), total),
        (register.account(commodity, owner, f"payment.{kind}", name), -total),
    ]


def point_of(entity: str) -> str:
    """Return the supply point of a result: a booking is called by its number and point.

    >>> point_of("7/N33-P2"), point_of("N33-P2")
    ('N33-P2', 'N33-P2')
    """
    return entity.rpartition("/")[2]


def expected_movements(
    register: Register, settled: Day, energy_wh: Mapping[tuple[str, str], int]
) -> dict[str, int]:
    """Return what each account must have moved for a day, by the code of the account."""
    moved: defaultdict[str, int] = defaultdict(int)
    account, money = register.account, register.currency
    for (measure, entity), total in settled.totals.items():
        kind = measure.removesuffix("_micro")
        if is_passed_through(measure):
            for code, amount in passed_movements(register, measure, entity, total):
                moved[code] += amount
        elif measure in ("over_take_wh", "shortfall_wh", "excess_wh", "booked_wh"):
            stated, supplier = measure.removesuffix("_wh"), register.points[point_of(entity)]
            moved[account("WH", supplier, stated, entity)] += total
            moved[account("WH", None, stated, "market")] -= total
        elif measure in AREA_ACCOUNTS:
            moved[account("WH", None, AREA_ACCOUNTS[measure], entity)] += total
        elif kind == measure:
            continue
        elif kind.startswith("charge."):
            moved[account(money, register.points[point_of(entity)], kind, entity)] += total
        elif kind.startswith("payment."):
            moved[account(money, register.units[entity], kind, entity)] -= total
        elif kind == "equalisation":
            moved[account(money, None, kind, entity)] -= total
    by_area = any(measure in AREA_ACCOUNTS for measure, _ in settled.totals)
    imbalance = account("WH", None, "imbalance", "market")
    for (measure, entity), total in energy_wh.items():
        if measure == GENERATION and entity in register.units:
            moved[account("WH", register.units[entity], "generation", entity)] -= total
            moved[imbalance] += 0 if by_area else total
        elif measure == DEMAND and entity in register.points:
            moved[account("WH", register.points[entity], "demand", entity)] += total
            moved[imbalance] -= 0 if by_area else total
    return moved


def check_posted(
    run: Row,
    law: Law,
    days: Mapping[str, Day],
    metered: Energy,
    book: Ledger,
    report: Report,
) -> None:
    """Hold the journals of each day to the results: what all of them moved is what they say."""
    if not run:
        return  # which is a finding already
    checked: list[str] = []
    for number, row in book.journals.items():
        if row["run_id"] == run["id"]:
            with report.reading(JOURNALS, f"journal {number}"):
                day = to_text(row["settlement_day"])
                settled = days[day]
                check_posted_day(run, row, settled, report)
                energy_wh = sum_used_wh(day, settled, metered)
                expected = expected_movements(build_register(run, day, law), settled, energy_wh)
                check_moved(run, row, expected, book, report)
                checked.append(day)
    if not checked and not any(row["run_id"] == run["id"] for row in book.journals.values()):
        report.notes.append("No journal of the log is of this run: it is not posted")
        return
    with report.reading(JOURNALS):
        report.equal(JOURNALS, "", f"a journal of run {run['id']} and its sums for each day,",
                     list_days(run["first_day"], run["last_day"]), sorted(checked))  # fmt: skip


def check_posted_day(run: Row, row: Row, settled: Day, report: Report) -> None:
    """Hold what a journal states of its run to the run and to the results of its day."""
    place, day = f"journal {row['number']}", row["settlement_day"]
    fields = [("U", run["id"]), ("D", day), ("B", settled.digest)]
    found = leaf_hash(encode_row("tallystick.day-posting.1", fields)).hex()
    what = f"of the results of {day}, input_digest"
    report.equal(JOURNALS, place, what, row["input_digest"], found)
    what = f"the digest of run {run['id']}, as cause_digest"
    report.equal(JOURNALS, place, what, run["digest"], row["cause_digest"])
    report.equal(JOURNALS, place, "the run's market", run["market"], row["market"])
    report.equal(JOURNALS, place, "the run's kind", run["kind"], row["run_kind"])


def check_moved(
    run: Row, row: Row, expected: Mapping[str, int], book: Ledger, report: Report
) -> None:
    """Hold what all journals of a day moved, up to one of them, to what they must have moved."""
    number, day = row["number"], row["settlement_day"]
    posted: defaultdict[str, int] = defaultdict(int)
    for earlier, other in book.journals.items():
        is_of_day = (other["market"], other["settlement_day"]) == (run["market"], day)
        # Up to this journal only: a later run of the day may have posted since.
        if is_of_day and other["run_id"] is not None and earlier <= number:
            for account, amount in book.postings.get(earlier, []):
                posted[account] += amount
    for account in sorted(expected.keys() | posted.keys()):
        what = f"account {account} to have moved, up to this journal of {day},"
        report.equal(JOURNALS, f"journal {number}", what, expected.get(account, 0), posted[account])
    report.count("sums of accounts that are what the results say", len(expected))
