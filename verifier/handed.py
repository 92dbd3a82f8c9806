"""What a market online handed over of the run's days, held to what was settled of bookings.

The text of each day is among the inputs of the run, where anything in it counts: so it is what it
knew. Every booking of a supply point that the law of the day knows has its results, and no
other has; how much was booked of it in the day is in both. A booking that is named alone, as
something of it may be served late, has results only where it is.
"""

from collections.abc import Mapping

from verifier.archive import Files, parse_json
from verifier.canonical_json import canonical_json
from verifier.encoding import encode_row
from verifier.law import Law
from verifier.merkle_tree import leaf_hash
from verifier.posting import build_register
from verifier.report import Report
from verifier.results import Day
from verifier.values import Row, list_days

HANDED_OVER = "online"
BOOKED_ENERGY = "booked_wh"


def handed_path(day: str) -> str:
    """Return where what was handed over of a day lies."""
    return f"{HANDED_OVER}/{day}.json"


def handed_leaves(files: Files, run: Row, report: Report) -> list[bytes]:
    """Return the leaves of what was handed over, among a run's inputs, by day.

    A file too many, or one that is missing, gives another input_digest than the run's.
    """
    # Of a run that cannot be read the days are not known, and that is found before.
    days = list_days(run["first_day"], run["last_day"]) if run else []
    known = {handed_path(day) for day in days}
    for name in sorted(files.names()):
        if name.startswith(f"{HANDED_OVER}/") and name not in known:
            report.add(name, "", "a day of the run", "another file")
    leaves = []
    for name in sorted(known & set(files.names())):
        content = files.read(name)
        if canonical_json(parse_json(content)).encode() != content:
            report.add(name, "", "JSON as RFC 8785 writes it", "another writing")
        leaves.append(leaf_hash(encode_row("tallystick.online-day.1", [("B", content)])))
    return leaves


def check_handed(files: Files, run: Row, law: Law, days: Mapping[str, Day], report: Report) -> None:
    """Hold the bookings of each day that are settled to those that were handed over."""
    for day, settled in days.items():
        name = handed_path(day)
        with report.reading(name if name in files.names() else f"results/{day}.csv"):
            booked: dict[str, int] = {}
            found = {
                entity: total
                for (measure, entity), total in settled.totals.items()
                if measure == BOOKED_ENERGY
            }
            if name in files.names():
                said = parse_json(files.read(name))
                report.equal(name, "", "market and day", [run["market"], day],
                             [said["market"], said["day"]])  # fmt: skip
                points = build_register(run, day, law).points
                booked = {
                    entity: energy_of_booking(each)
                    for each in said["bookings"]
                    if each["point"] in points
                    if (entity := f"{each['number']}/{each['point']}") in found
                    or says_anything(each)
                }
            for entity in sorted(booked.keys() | found.keys()):
                report.equal(f"results/{day}.csv", f"booking {entity}", "Wh as handed over,",
                             booked.get(entity), found.get(entity))  # fmt: skip
                report.count("bookings of days that are those handed over")


def says_anything(booking: Row) -> bool:
    """Return whether anything of a booking is of the day; else it is but named.

    >>> says_anything({"placed": []}), says_anything({"placed": [], "let_go": [["1", "2", "3"]]})
    (False, True)
    """
    return any(booking.get(name) for name in ("placed", "given_back", "let_go"))


def energy_of_booking(booking: Row) -> int:
    """Return the energy of a booking in a day, in Wh; negative where it is a sale.

    >>> energy_of_booking({"side": "sell", "placed": [["12", "30", "5"], ["13", "10", "5"]]})
    -40
    """
    energy = sum(int(place[1]) for place in booking["placed"])
    return -energy if booking["side"] == "sell" else energy
