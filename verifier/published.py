"""The prices that a market published while the days of the run were lived through.

What a market knew when each day of its log began, its opening, what it published, and what became
of bookings are one chain of digests. A booking is chained by the digest of its content, so the
chain is whole where the content is not here; where it is, it is held to that digest. The file has
the chain from the last opening before the first day, or from its first row, up to the end of the
last stretch that is sealed; or of the first stretch that is sealed after no reading of the days
could move a price any more. Each stretch is a leaf of the log and names the digest that the chain
has there: nothing is forged, left out or reordered.

That prices follow from the events, which are not here, `manage.py verify` of the product says.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from verifier.archive import Files
from verifier.encoding import (
    encode_moment,
    encode_row,
    pack_integers,
    parse_layout,
    select_fields,
)
from verifier.law import Law
from verifier.leaves import Told
from verifier.ledger import DIGEST, GENESIS
from verifier.merkle_tree import leaf_hash, sha256
from verifier.report import Report
from verifier.rows import read_json_lines
from verifier.runs import RUN, is_study_pin
from verifier.values import Row, parse_day, parse_hex, to_integer, to_text

OF_MARKET = "market/"
SEALED_STRETCHES = "market/sealed.jsonl"
STRETCH_SOURCE = "market.sealed"
STRETCH = parse_layout(
    "market:T first_sequence:I last_sequence:I event_digest:B publication_digest:B"
)
LINK = parse_layout(
    "sequence:I turn:I part:I day:D? law:T? at:M? cause:T? holons:LI? tightness_ppm:LI? "
    "price_micro_per_mwh:LI? sell_price_micro_per_mwh:LI? state:T? previous_digest:B? "
    "content_digest:B? participant:T? record:T? digest:B"
)
"""A row of the chain. Its turn says of which sort it is, as they stand within a batch; an opening
is part 0, and names the digest of the row before it."""
OPENING, PUBLICATION, BOOKING = range(3)
LINK_VECTORS = ("holons", "tightness_ppm", "price_micro_per_mwh", "sell_price_micro_per_mwh")
COLUMNS_OF = {
    OPENING: ("day", "state", "previous_digest"),
    PUBLICATION: ("day", "law", "at", "cause", *LINK_VECTORS),
    BOOKING: ("content_digest",),
}
"""What a row of each sort has beside its place and its digest; a booking may have its content."""
CONTENT = ("participant", "record")
OF_ALL = ("sequence", "turn", "part", "digest")
LINK_PREFIX = b"\x02"


@dataclass
class Published:
    """The chain as it was read.

    Attributes:
        before: the digest of the last row.
        openings: day, sequence and the digest before each, in their order.
        sequences: that of each row.
        digests: that of each row.
    """

    before: bytes | None = None
    openings: list[tuple[str, int, bytes]] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def published_path(day: str) -> str:
    """Return where the chain stands from the opening of a day up to the next."""
    return f"{OF_MARKET}published/{day}.jsonl"


def find_last_word(run: Row, law: Law) -> str | None:
    """Return the day from which on no reading moves a price of the run's days any more.

    None where nothing was published of them: a study's days are not lived through, and law without
    the part `online` lets no market be priced while its intervals run.
    """
    if run["kind"] == "study":
        return None
    found: list[dt.date] = []
    for pin in run["pins"]:
        body = law.bodies.get((to_text(pin["instrument"]), to_text(pin["digest"])))
        if is_study_pin(pin) or body is None or body["kind"] != "market-rules":
            continue
        if body.get("online") is not None:
            late = to_integer(body["meter_data"]["late_after_days"])
            found.append(parse_day(pin["last_day"]) + dt.timedelta(days=1 + late))
    return max(found).isoformat() if found else None


def check_published(files: Files, run: Row, law: Law, report: Report) -> Told:
    """Hold what was published of the run's days to what is sealed; return the sealed stretches."""
    digests: dict[str, str] = {}
    told = Told(STRETCH_SOURCE, SEALED_STRETCHES, digests, lambda key: False)
    if not run:
        return told  # which is a finding already
    there = sorted(name for name in files.names() if name.startswith(OF_MARKET))
    last_word = None
    with report.reading(RUN):
        last_word = find_last_word(run, law)
    if last_word is None:
        why = ("a study's days are not lived through" if run["kind"] == "study" else
               "no market rules of its days have the part `online`")  # fmt: skip
        for name in there:
            report.add(name, "", f"no file of published prices, as {why},", "one")
        report.notes.append(f"Prices published while its days ran: none, as {why}")
        return told
    if SEALED_STRETCHES not in there:
        why = "the file, as market rules of the run have the part `online`"
        report.add(SEALED_STRETCHES, "", why, None)
    stretches = read_stretches(files, run, digests, report)
    chain = Published()
    for name in there:
        if name != SEALED_STRETCHES:
            read_links(files, name, run, chain, report)
    check_beginning(run, chain, report)
    check_sealed_ends(chain, stretches, last_word, report)
    market = to_text(run["market"])
    return told._replace(is_told=lambda key: key.rpartition("/")[0] == market)


def read_stretches(files: Files, run: Row, digests: dict[str, str], report: Report) -> list[Row]:
    """Hash every sealed stretch again; each begins where the one before it ended.

    Args:
        digests: takes that of each, by its key.
    """
    stretches: list[Row] = []
    columns, end = {**STRETCH, **DIGEST}, 0
    for line, row in read_json_lines(files, SEALED_STRETCHES, columns, ("last_sequence",), report):
        with report.reading(SEALED_STRETCHES, line):
            place = f"{line}, up to {row['last_sequence']}"
            digests[f"{row['market']}/{row['last_sequence']}"] = to_text(row["digest"])
            fields = select_fields(STRETCH, row)
            found = leaf_hash(encode_row("tallystick.market-sealed.1", fields)).hex()
            report.equal(SEALED_STRETCHES, place, "the row to have digest", row["digest"], found)
            report.equal(SEALED_STRETCHES, place, "the run's market", run["market"], row["market"])
            report.equal(SEALED_STRETCHES, place, "after the stretch before it, first_sequence",
                         end + 1, to_integer(row["first_sequence"]))  # fmt: skip
            end = to_integer(row["last_sequence"])
            stretches.append(row)
            report.count("sealed stretches of the market's log")
    return stretches


def read_links(files: Files, name: str, run: Row, chain: Published, report: Report) -> None:
    """Hash the rows of a day of the market's log again, each after the one before it."""
    is_first = True
    for line, row in read_json_lines(files, name, LINK, ("sequence", "turn", "part"), report):
        with report.reading(name, line):
            sequence, turn = to_integer(row["sequence"]), to_integer(row["turn"])
            place = f"{line}, {sequence}.{row['part']}"
            if (turn == OPENING) != is_first:
                what = "the opening of the day, as the first row alone,"
                report.add(name, place, what, f"turn {turn}")
            is_first = False
            if not check_sort(name, place, row, report):
                continue
            if turn == OPENING:
                check_opening(name, place, row, chain, report)
            if turn == BOOKING:
                check_content(name, place, row, report)
            found = hash_link(chain.before or GENESIS, to_text(run["market"]), row).hex()
            what = "after the row before it, digest"
            report.equal(name, place, what, row["digest"], found)
            chain.before = parse_hex(row["digest"])
            chain.sequences.append(sequence)
            chain.digests.append(to_text(row["digest"]))
            is_of_run = turn == PUBLICATION and run["first_day"] <= row["day"] <= run["last_day"]
            report.count("publications of the run's days", int(is_of_run))


def check_sort(name: str, place: str, row: Row, report: Report) -> bool:
    """Hold a row to have the columns of its sort and no others; return whether there is that sort.

    A row without a value that its sort has, or of no sort, has no digest.
    """
    turn = to_integer(row["turn"])
    if turn not in COLUMNS_OF:
        sorts = "0 of an opening, 1 of a publication or 2 of a booking, as turn,"
        report.add(name, place, sorts, turn)
        return False
    wanted = COLUMNS_OF[turn]
    missing = [column for column in wanted if row[column] is None]
    for column in missing:
        report.add(name, f"{place}, {column}", "a value, in a row of its sort,", None)
    if (turn == OPENING) != (to_integer(row["part"]) == 0):
        report.add(name, f"{place}, part", "0 of an opening alone", row["part"])
    for column in LINK:
        is_content = turn == BOOKING and column in CONTENT
        if column not in wanted and column not in OF_ALL and not is_content:
            what = "no value, in a row of its sort,"
            report.equal(name, f"{place}, {column}", what, None, row[column])
    return not missing


def check_content(name: str, place: str, row: Row, report: Report) -> None:
    """Hold what a booking says, where it is here, to the digest by which it is chained."""
    report.count("bookings as batches left them")
    given = [row[column] for column in CONTENT]
    if given == [None, None]:
        return
    if None in given:
        what = "participant and record, or neither,"
        report.add(name, place, what, "one of them")
        return
    fields = [("T", row[column]) for column in CONTENT]
    found = leaf_hash(encode_row("tallystick.market-booking-content.1", fields)).hex()
    what = "of participant and record, content_digest"
    report.equal(name, place, what, row["content_digest"], found)
    report.count("of which with what they say")


def check_opening(name: str, place: str, row: Row, chain: Published, report: Report) -> None:
    """Hold an opening to its file, and to the row before it."""
    report.equal(name, place, "where it stands,", name, published_path(to_text(row["day"])))
    stated = parse_hex(row["previous_digest"])
    if chain.before is not None:
        what = "the digest of the row before it, as previous_digest,"
        report.equal(name, place, what, chain.before, stated)
    chain.before = stated
    chain.openings.append((to_text(row["day"]), to_integer(row["sequence"]), stated))


def hash_link(before: bytes, market: str, row: Row) -> bytes:
    """Return the digest of a row of the chain after that of the one before it."""
    if row["turn"] == OPENING:
        opened = [("T", market), ("D", row["day"]), ("I", row["sequence"]), ("T", row["state"])]
        return sha256(LINK_PREFIX + before + encode_row("tallystick.market-opening.1", opened))
    place = [("T", market), ("I", row["sequence"]), ("I", row["part"])]
    if row["turn"] == BOOKING:
        booked = [*place, ("B", row["content_digest"])]
        return sha256(LINK_PREFIX + before + encode_row("tallystick.market-booking.2", booked))
    fields = [
        *place,
        ("D", row["day"]),
        ("T", row["law"]),
        ("I", int.from_bytes(encode_moment(row["at"]), "big", signed=True)),
        ("T", row["cause"]),
        *(("B", pack_integers(row[name])) for name in LINK_VECTORS),
    ]
    return sha256(LINK_PREFIX + before + encode_row("tallystick.market-publication.2", fields))


def check_beginning(run: Row, chain: Published, report: Report) -> None:
    """Hold the chain to begin before the run's first day, or with its first row."""
    for place, (day, _, before) in enumerate(chain.openings):
        if place == 0 and day >= run["first_day"] and before != GENESIS:
            what = "an opening of a day before the run's first, or the first of all,"
            report.add(published_path(day), "", what, "another")
        if place > 0 and day < run["first_day"]:
            what = "one day before the run's first at most"
            report.add(published_path(day), "", what, "another")


def check_sealed_ends(
    chain: Published, stretches: Sequence[Row], last_word: str, report: Report
) -> None:
    """Hold the chain to the digest that each sealed stretch names, and to end with one of them."""
    ends = [to_integer(row["last_sequence"]) for row in stretches]
    through = find_through(chain.openings, ends, last_word)
    for row, end in zip(stretches, ends, strict=True):
        at = bisect_right(chain.sequences, end)
        if end > through or (at == 0 and chain.sequences):
            continue
        found = chain.digests[at - 1] if at else GENESIS.hex()
        what = "of what was published up to there, publication_digest"
        report.equal(SEALED_STRETCHES, f"up to {end}", what, row["publication_digest"], found)
    if chain.sequences and chain.sequences[-1] > through:
        name = published_path(chain.openings[-1][0]) if chain.openings else OF_MARKET
        report.add(name, "", f"rows up to {through}, where the file ends,", chain.sequences[-1])


def find_through(
    openings: Sequence[tuple[str, int, bytes]], ends: Sequence[int], last_word: str
) -> int:
    """Return up to where the chain is in the file: the end of a sealed stretch, 0 without any."""
    closing = next((sequence for day, sequence, _ in openings if day >= last_word), None)
    after = (end for end in ends if closing is not None and end >= closing)
    return next(after, ends[-1] if ends else 0)
