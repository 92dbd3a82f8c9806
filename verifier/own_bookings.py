"""The bookings that a participant's documents name, opened, and held to the log of the market.

Of each, what it says as it was left last, and the chain from there to the end of the stretch that
is sealed, whose digest is a leaf of the log. What others booked stands in it by digests alone. Of
a stretch that goes on past the opening of a day nothing is here, as that tells what all booked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifier.archive import Files, parse_json
from verifier.encoding import encode_row, select_fields
from verifier.ledger import DIGEST
from verifier.merkle_tree import leaf_hash
from verifier.published import (
    BOOKING,
    LINK,
    OPENING,
    SEALED_STRETCHES,
    STRETCH,
    check_content,
    check_sort,
    hash_link,
)
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.values import Row, parse_hex, to_integer, to_text

OWN_BOOKINGS = "market/bookings.jsonl"


@dataclass
class OwnBookings:
    """What was read of a participant's bookings.

    Attributes:
        stretches: those that seal them, by their key in the log.
        records: what each says, by its number.
    """

    stretches: dict[str, Row] = field(default_factory=dict)
    records: dict[int, Row] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[tuple[str, str], str]:
        """The digest of each stretch, which the log must hold."""
        return {("market.sealed", key): to_text(row["digest"])
                for key, row in self.stretches.items()}  # fmt: skip


def read_own_bookings(files: Files, market: str, participant: str, report: Report) -> OwnBookings:
    """Hash the stretches again and walk the chain of each from the first booking to its end."""
    own = OwnBookings()
    for line, row in read_json_lines(
        files, SEALED_STRETCHES, {**STRETCH, **DIGEST}, ("last_sequence",), report
    ):
        with report.reading(SEALED_STRETCHES, line):
            fields = select_fields(STRETCH, row)
            found = leaf_hash(encode_row("tallystick.market-sealed.1", fields)).hex()
            report.equal(SEALED_STRETCHES, line, "the row to have digest", row["digest"], found)
            report.equal(SEALED_STRETCHES, line, "the market", market, row["market"])
            own.stretches[f"{market}/{row['last_sequence']}"] = row
    ends: dict[str, str] = {}
    for line, row in read_json_lines(
        files, OWN_BOOKINGS, LINK, ("sequence", "turn", "part"), report
    ):
        with report.reading(OWN_BOOKINGS, line):
            key = find_stretch(own.stretches, to_integer(row["sequence"]))
            if key is None:
                report.add(OWN_BOOKINGS, line, "a row of a stretch that is here", "another")
                continue
            # The first names what was before it, which the end of the stretch commits to.
            stated, row["previous_digest"] = row["previous_digest"], None
            if (stated is None) != (key in ends):
                report.add(OWN_BOOKINGS, line, "a previous_digest at the first of a stretch alone",
                           stated)  # fmt: skip
            if row["turn"] == OPENING or not check_sort(OWN_BOOKINGS, line, row, report):
                report.add(OWN_BOOKINGS, line, "a publication or a booking", "another row")
                continue
            found = hash_link(parse_hex(ends.get(key, stated)), market, row).hex()
            report.equal(OWN_BOOKINGS, line, "after the row before, digest", row["digest"], found)
            ends[key] = found
            if row["turn"] == BOOKING:
                check_content(OWN_BOOKINGS, line, row, report)
                keep_record(own, row, line, participant, report)
    for key, stretch in own.stretches.items():
        what = "publication_digest, where its rows end,"
        report.equal(SEALED_STRETCHES, key, what, stretch["publication_digest"], ends.get(key))
    return own


def find_stretch(stretches: Mapping[str, Row], sequence: int) -> str | None:
    """Return the key of the stretch in which a sequence lies."""
    for key, row in stretches.items():
        if to_integer(row["first_sequence"]) <= sequence <= to_integer(row["last_sequence"]):
            return key
    return None


def keep_record(own: OwnBookings, row: Row, line: str, participant: str, report: Report) -> None:
    """Keep what a booking says, where it is the participant's; that of another is not here."""
    if row["record"] is None:
        return
    report.equal(OWN_BOOKINGS, line, "the participant", participant, row["participant"])
    record: Row = parse_json(to_text(row["record"]))
    own.records[to_integer(record["number"])] = record
