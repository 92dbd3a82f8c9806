"""The readings of a participant's meters among the inputs of a run; of others', roots alone."""

from verifier.archive import Files
from verifier.encoding import parse_layout
from verifier.merkle_tree import leaf_hash
from verifier.own_days import is_untold
from verifier.partial_tree import root_of_rows
from verifier.readings import DEMAND, GENERATION, Energy, reading_digest
from verifier.report import Report
from verifier.rows import read_csv_rows
from verifier.runs import encode_pin
from verifier.values import Row, parse_hex, parse_vector, to_text

OWN_READING = parse_layout(
    "depth:I settlement_day:D? measure:T? entity:T? revision:I? values:V? quality:T? "
    "received_at:M? file_id:U? digest:B"
)
TOLD = ("settlement_day", "measure", "entity", "revision", "values", "quality", "received_at",
        "file_id")  # fmt: skip


def read_own_readings(files: Files, name: str, run: Row, report: Report) -> Energy:
    """Hash the readings that are told, hold all to the run's inputs; return what was metered."""
    metered: Energy = {}
    rows: list[tuple[int, bytes]] = []
    for line, row in read_csv_rows(files, name, OWN_READING, (), report):
        with report.reading(name, line):
            rows.append((row["depth"], parse_hex(row["digest"])))
            if is_untold(row, TOLD, name, line, report):
                continue
            values = parse_vector(row["values"])
            found = reading_digest(row | {"market": run["market"]}, values).hex()
            report.equal(name, line, "the row to have digest", row["digest"], found)
            if row["measure"] in (GENERATION, DEMAND):
                metered[row["settlement_day"], row["measure"], row["entity"]] = [
                    0 if letter == "X" else value
                    for letter, value in zip(to_text(row["quality"]), values, strict=True)
                ]
            report.count("readings of the participant's meters")
    with report.reading(name):
        pins = sorted(
            run["pins"],
            key=lambda pin: (pin["first_day"], pin["last_day"], pin["instrument"], pin["digest"]),
        )
        first = [leaf_hash(encode_pin(pin)) for pin in pins]
        if [digest for _, digest in rows[: len(first)]] != first:
            report.add(name, "", "the pins of the run as its first rows", "other rows")
        found = root_of_rows(rows).hex()
        report.equal(name, "", "input_digest of the run", run["input_digest"], found)
    return metered
