"""Fairness reports: their digests, the results that they name, and what was delivered.

Of every report that is a leaf of the log the row is here, for a leaf says neither market nor run.
The runs that a report rests on stand in its row, and decide which must be here whole: those of
the run alone. So whoever leaves one out is found, be it with all others or with the file.

A report says more than is computed again here: reward, access and cost follow from the same
results by `manage.py verify` of the product, and what other designs come to follows from nothing.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from verifier.archive import Files, parse_json
from verifier.encoding import encode_row, parse_layout, select_fields
from verifier.law import Law
from verifier.merkle_tree import leaf_hash, sha256
from verifier.report import Report
from verifier.results import Day
from verifier.rows import read_json_lines
from verifier.runs import is_study_pin
from verifier.values import Row, list_days, to_integer, to_text

FAIRNESS = "fairness.jsonl"
FAIRNESS_LAYOUT = parse_layout(
    "id:U market:T first_day:D last_day:D runs:LU content_digest:B input_digest:B created_at:M"
)
FAIRNESS_COLUMNS = {**FAIRNESS_LAYOUT, **parse_layout("digest:B content:T?")}
"""Of a row; its content is what it names of days and results, and says of them."""
ALL_PPM = 1_000_000
MINUTES_PER_HOUR = 60
DELIVERED, MISSED = "delivered_w", "missed_w"


def check_fairness(
    files: Files, run: Row, law: Law, days: Mapping[str, Day], report: Report
) -> dict[str, str]:
    """Hash every fairness report again, and hold it to the results; return the digests by id."""
    digests: dict[str, str] = {}
    for line, row in read_json_lines(files, FAIRNESS, FAIRNESS_COLUMNS, ("id",), report):
        with report.reading(FAIRNESS, line):
            place = f"{line}, report {row['id']}"
            digests[to_text(row["id"])] = to_text(row["digest"])
            fields = select_fields(FAIRNESS_LAYOUT, row)
            found = leaf_hash(encode_row("tallystick.fairness-report.2", fields)).hex()
            report.equal(FAIRNESS, place, "the row to have digest", row["digest"], found)
            if row["runs"] == [run["id"]]:
                check_fairness_content(run, row, law, days, place, report)
            elif row["content"] is not None:
                report.add(FAIRNESS, place, "no content, as it is of other runs", "some")
    if FAIRNESS in files.names() and not digests:
        report.add(FAIRNESS, "", "a row, as evidence without reports has no such file", None)
    return digests


def check_fairness_content(
    run: Row, row: Row, law: Law, days: Mapping[str, Day], place: str, report: Report
) -> None:
    """Hold what a report of the run says to its digest and to the results; it must be there."""
    if row["content"] is None:
        report.add(FAIRNESS, place, "the content, as it is of the run", None)
        return
    text = to_text(row["content"])
    found = sha256(text.encode()).hex()
    report.equal(FAIRNESS, place, "content with digest", row["content_digest"], found)
    report.equal(FAIRNESS, f"{place}, market", "the run's", run["market"], row["market"])
    content = parse_json(text)
    if json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False) != text:
        report.add(FAIRNESS, place, "content in the one writing of it", "another")
    check_days(run, row, content["pins"], days, place, report)
    check_delivery(run, row, content["report"], law, days, place, report)
    report.count("fairness reports")


def check_days(
    run: Row, row: Row, pins: list[Row], days: Mapping[str, Day], place: str, report: Report
) -> None:
    """Hold a report to name each of its days with the run and the digest of its results."""
    expected = [
        {
            "day": day,
            "run": run["id"],
            "digest": days[day].digest.hex() if day in days else None,
        }
        for day in list_days(row["first_day"], row["last_day"])
    ]
    if pins != expected:
        wrong = next((pin for pin in pins if pin not in expected), None)
        what = f"{place}, pins"
        report.add(FAIRNESS, what, "each day once, with the run and its results", wrong)


def check_delivery(
    run: Row,
    row: Row,
    stated: Row,
    law: Law,
    days: Mapping[str, Day],
    place: str,
    report: Report,
) -> None:
    """Hold what a report says was delivered and refused to the results of its days."""
    delivered: dict[str, int] = defaultdict(int)
    missed: dict[str, int] = defaultdict(int)
    is_known = False
    for day in list_days(row["first_day"], row["last_day"]):
        minutes, products = read_law_of_day(run, day, law)
        for (measure, point), total in days[day].totals.items():
            if measure in (DELIVERED, MISSED):
                is_known = True
                sums = delivered if measure == DELIVERED else missed
                sums[products[point]] += total * minutes
    for product in stated["products"]:
        name = to_text(product["product"])
        due = delivered[name] + missed[name]
        what = f"{place}, {name}"
        ratio = delivered[name] * ALL_PPM // due if due else None
        report.equal(FAIRNESS, what, "of the results, delivered_ppm", ratio,
                     product["delivered_ppm"])  # fmt: skip
        refused = missed[name] // MINUTES_PER_HOUR if is_known else None
        report.equal(FAIRNESS, what, "of the results, missed_wh", refused, product["missed_wh"])
    every = sum(missed.values()) // MINUTES_PER_HOUR if is_known else None
    report.equal(FAIRNESS, place, "of the results, refused_wh", every, stated["refused_wh"])
    named = sorted(to_text(product["product"]) for product in stated["products"])
    for name in sorted((delivered.keys() | missed.keys()) - set(named)):
        report.add(FAIRNESS, place, f"the product {name}", None)


def read_law_of_day(run: Row, day: str, law: Law) -> tuple[int, Mapping[str, str]]:
    """Return the minutes of an interval of a day, and the product of each supply point."""
    minutes, products = 0, {}
    for pin in run["pins"]:
        if is_study_pin(pin) or not pin["first_day"] <= day <= pin["last_day"]:
            continue
        body: Any = law.bodies[to_text(pin["instrument"]), to_text(pin["digest"])]
        if body["kind"] == "market-rules":
            minutes = to_integer(body["interval_minutes"])
        if body["kind"] == "registration":
            for point in body["supply_points"]:
                products[to_text(point["supply_point"])] = to_text(point["product"])
    return minutes, products
