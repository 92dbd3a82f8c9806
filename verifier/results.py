"""The results of the run, day by day."""

from dataclasses import dataclass, field

from verifier.archive import Files
from verifier.encoding import encode_row, pack_integers, parse_layout
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.readings import Energy
from verifier.report import Report
from verifier.rows import read_csv_rows
from verifier.runs import RUN
from verifier.values import Row, list_days, parse_hex, parse_vector, to_text

RESULT = parse_layout("measure:T entity:T values:V digest:B")
STUDY_MADE = (
    "study.delivered_wh", "study.flat_delivered_wh", "study.flat_generation_wh",
    "study.generation_wh", "study.nodal_delivered_wh", "study.nodal_generation_wh",
    "study.nodal_price_micro_per_mwh", "study.uniform_delivered_wh",
    "study.uniform_generation_wh", "study.uniform_price_micro_per_mwh",
    "study.uniform_scheduled_wh",
)  # fmt: skip
"""Results of float solvers, which are among the inputs of a study."""


TAKEN = "taken_wh"
"""What a supply point takes, where its contract is served."""


@dataclass
class Day:
    """What the results of a day come to: its digest, and totals by measure and entity."""

    digest: bytes
    totals: dict[tuple[str, str], int] = field(default_factory=dict)
    vectors: Energy = field(default_factory=dict)
    made: list[bytes] = field(default_factory=list)


def check_results(files: Files, run: Row, report: Report) -> dict[str, Day]:
    """Hash every result again, and hold them to the digest of the run."""
    days: dict[str, Day] = {}
    with report.reading(RUN):
        expected = list_days(run["first_day"], run["last_day"])
        for day in expected:
            days[day] = check_results_of_day(files, day, report)
        found = merkle_root([days[day].digest for day in expected]).hex()
        report.equal(RUN, "result_digest", "of all results, result_digest", run["result_digest"],
                     found)  # fmt: skip
        known = {f"results/{day}.csv" for day in expected}
        for name in files.names():
            if name.startswith("results/") and name not in known:
                report.add(name, "", "results of the run's days", "another file")
    return days


def check_results_of_day(files: Files, day: str, report: Report) -> Day:
    """Hash the results of a day, and keep what the journals must come to."""
    name = f"results/{day}.csv"
    digests: list[bytes] = []
    kept = Day(b"")
    # Digests alone would pass a run made over one measure and entity twice, with two values.
    for line, row in read_csv_rows(files, name, RESULT, ("measure", "entity"), report):
        with report.reading(name, line):
            place = f"{line}, {row['measure']} {row['entity']}"
            digests.append(parse_hex(row["digest"]))
            measure, entity = key = (to_text(row["measure"]), to_text(row["entity"]))
            values = parse_vector(row["values"])
            fields = [("D", day), ("T", measure), ("T", entity), ("B", pack_integers(values))]
            found = leaf_hash(encode_row("tallystick.result.1", fields))
            report.equal(name, place, "the row to have digest", row["digest"], found.hex())
            kept.totals[key] = sum(values)
            if measure == TAKEN or measure.partition(".")[0] in ("quality", "estimated"):
                kept.vectors[day, measure, entity] = values
            if measure in STUDY_MADE:
                kept.made.append(digests[-1])
            report.count("results")
    kept.digest = merkle_root(digests)
    return kept
