"""Ways to change an evidence file, each drawn by a seed: from a flipped bit to a forged chain.

A mutation is of the files, with a manifest made again that agrees, so that only what is deeper can
find it; or of the bytes of the zip. Whoever mutates has no key of the log.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from tests.settlement.evidence_cases import MANIFEST, Memory, changed, rows, written
from verifier.documents import INVOICE, INVOICE_LINE_TAG, INVOICE_TAG, LINE
from verifier.encoding import Layout, encode_row, pack_integers, select_fields
from verifier.ledger import ACCOUNT, JOURNAL, JOURNAL_TAG, POSTING
from verifier.log import EARLIER_CHECKPOINT, KEY
from verifier.manifest import write_manifest
from verifier.merkle_tree import leaf_hash, merkle_root
from verifier.readings import file_digest, reading_digest
from verifier.values import parse_vector

Row = dict[str, Any]
LEAVES = "log/leaves.csv"
JOURNALS, POSTINGS = "ledger/journals.jsonl", "ledger/postings.csv"
INVOICES, LINES = "ledger/invoices.jsonl", "ledger/invoice-lines.jsonl"


def of_fields(tag: str, layout: Layout, root: str = "") -> Callable[[Row], str]:
    """Return what hashes a row; `root` names the column of the root over what it holds."""

    def hash_row(row: Row) -> str:
        fields = select_fields(layout, row)
        return leaf_hash(encode_row(tag, [*fields, *([("B", row[root])] if root else [])])).hex()

    return hash_row


def hash_result(day: str) -> Callable[[Row], str]:
    def hash_row(row: Row) -> str:
        packed = pack_integers(parse_vector(row["values"]))
        fields = [("D", day), ("T", row["measure"]), ("T", row["entity"]), ("B", packed)]
        return leaf_hash(encode_row("tallystick.result.1", fields)).hex()

    return hash_row


def hasher_of(name: str) -> Callable[[Row], str] | None:
    """Return what gives the rows of a file their own digest."""
    if name.startswith("results/"):
        return hash_result(name.rpartition("/")[2].removesuffix(".csv"))
    if name == "readings/files.csv":
        return lambda row: file_digest(row).hex()
    if name.startswith("readings/"):
        # A participant's names no market: the run does.
        return lambda row: reading_digest(
            {"market": "tiny"} | row, parse_vector(row["values"])
        ).hex()
    return {
        "ledger/accounts.csv": of_fields("tallystick.account.1", ACCOUNT),
        POSTINGS: of_fields("tallystick.posting.1", POSTING),
        JOURNALS: of_fields(JOURNAL_TAG, JOURNAL, "postings_root"),
        INVOICES: of_fields(INVOICE_TAG, INVOICE, "lines_root"),
        LINES: of_fields(INVOICE_LINE_TAG, LINE),
        "log/keys.jsonl": of_fields("tallystick.log-key.1", KEY),
        "log/earlier-checkpoints.jsonl": of_fields("tallystick.checkpoint.1", EARLIER_CHECKPOINT),
    }.get(name)


def some_file(files: Memory, draw: Random, ends: tuple[str, ...] = ("",)) -> str:
    names = [name for name in files if name.endswith(ends) and name != MANIFEST and files[name]]
    return draw.choice(sorted(names))


def with_content(files: Memory, name: str, content: bytes) -> Memory:
    return Memory(files | {name: content}).with_manifest_made_again()


# Bytes and lines -------------------------------------------------------------------------------


def flip_a_bit(files: Memory, draw: Random) -> Memory:
    name = some_file(files, draw)
    content = bytearray(files[name])
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return with_content(files, name, bytes(content))


def edit_a_character(files: Memory, draw: Random) -> Memory:
    name = some_file(files, draw)
    text = files[name].decode()
    at = draw.randrange(len(text))
    other = draw.choice('0123456789abcdef-,:"\n ')
    return with_content(files, name, (text[:at] + other + text[at + 1 :]).encode())


def edit_a_digit(files: Memory, draw: Random) -> Memory:
    name = some_file(files, draw)
    text = files[name].decode()
    places = [at for at, sign in enumerate(text) if sign.isdigit()]
    at = draw.choice(places)
    return with_content(
        files, name, f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}".encode()
    )


def change_lines(change: Callable[[list[bytes], Random], object]) -> Callable:
    def mutate(files: Memory, draw: Random) -> Memory:
        name = some_file(files, draw, (".csv", ".jsonl", ".yaml", ".txt"))
        lines = files[name].splitlines(keepends=True)
        change(lines, draw)
        return with_content(files, name, b"".join(lines))

    return mutate


def swap_lines(lines: list[bytes], draw: Random) -> None:
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def write_a_file_otherwise(files: Memory, draw: Random) -> Memory:
    name = some_file(files, draw)
    content = files[name]
    return with_content(
        files,
        name,
        draw.choice(
            [
                b"\xef\xbb\xbf" + content,
                content.replace(b"\n", b"\r\n") or b"\r\n",
                content + b"\n",
                content.removesuffix(b"\n") + b" \n",
                b"\n" + content,
                content.replace(b",", b", ", 1) + b"#",
            ]
        ),
    )


# Files -----------------------------------------------------------------------------------------


def swap_files(files: Memory, draw: Random) -> Memory:
    ends = (draw.choice([".csv", ".jsonl", ".json", ".yaml"]),)
    one, other = some_file(files, draw, ends), some_file(files, draw, ends)
    return Memory(files | {one: files[other], other: files[one]}).with_manifest_made_again()


def remove_a_file(files: Memory, draw: Random) -> Memory:
    gone = some_file(files, draw)
    return Memory(
        {name: content for name, content in files.items() if name != gone}
    ).with_manifest_made_again()


def empty_a_file(files: Memory, draw: Random) -> Memory:
    return with_content(files, some_file(files, draw), b"")


def add_a_file(files: Memory, draw: Random) -> Memory:
    copied = some_file(files, draw)
    day = f"2023-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
    names = ["../evil.txt", "verify.py", "paid.txt", f"readings/{day}.csv", f"results/{day}.csv",
             f"law/tiny/market-rules/{draw.randbytes(32).hex()}.yaml", copied.upper(),
             "study/overlay.json", f"{copied}.bak", f"ledger/{copied}"]  # fmt: skip
    return with_content(files, draw.choice(names), files[copied])


def change_the_manifest(files: Memory, draw: Random) -> Memory:
    manifest = json.loads(files[MANIFEST])
    entries = manifest["files"]
    entry = draw.choice(entries)
    column = draw.choice(list(entry))
    subject = next(name for name in manifest if name not in ("format", "files"))
    draw.choice(
        [
            lambda: entry.update({column: changed(entry[column])}),
            lambda: entries.remove(entry),
            lambda: entries.append(entry),
            lambda: entries.append({**entry, "path": "../evil.txt"}),
            lambda: entry.update(note="paid"),
            lambda: manifest.update({subject: changed(manifest[subject])}),
            lambda: manifest.update(format="tallystick.evidence.1"),
            lambda: manifest.update(note="paid"),
        ]
    )()
    return Memory(files | {MANIFEST: write_manifest(manifest).encode()})


# Values ----------------------------------------------------------------------------------------


def say_it_twice(files: Memory, draw: Random) -> Memory:
    """Write a key or column twice, the false value first or last."""
    name = some_file(files, draw, (".csv", ".jsonl", "run.json"))
    lines = files[name].decode().splitlines(keepends=True)
    if name.endswith(".csv"):
        column = draw.choice(lines[0].strip().split(","))
        is_first = draw.random() < 0.5
        lines = [
            f"{value},{line}" if is_first else f"{line.strip()},{value}\n"
            for number, line in enumerate(lines)
            for value in (column if number == 0 else "0",)
        ]
        return with_content(files, name, "".join(lines).encode())
    at = draw.randrange(len(lines))
    row = json.loads(lines[at])
    column = draw.choice(list(row))
    false = json.dumps({column: changed(row[column])}, separators=(",", ":"))[1:-1]
    line = lines[at]
    lines[at] = draw.choice([f"{{{false},{line[1:]}", f"{line.strip()[:-1]},{false}}}\n"])
    return with_content(files, name, "".join(lines).encode())


def change_a_value(files: Memory, draw: Random) -> Memory:
    """Change a value, and the digest of its row."""
    name = some_file(files, draw, (".csv", ".jsonl", "run.json"))
    found = rows(name, files[name])
    row = draw.choice(found)
    column = draw.choice(list(row))
    row[column] = changed(row[column])
    rehash(name, row)
    return with_content(files, name, written(name, found))


def swap_values(files: Memory, draw: Random) -> Memory:
    """Swap a value of two rows, and hash both again."""
    name = some_file(files, draw, (".csv", ".jsonl"))
    found = rows(name, files[name])
    one, other = draw.choice(found), draw.choice(found)
    column = draw.choice(list(one))
    one[column], other[column] = other[column], one[column]
    rehash(name, one)
    rehash(name, other)
    return with_content(files, name, written(name, found))


def rehash(name: str, row: Row) -> None:
    hasher = hasher_of(name)
    if hasher is not None and "digest" in row:
        try:
            row["digest"] = hasher(row)
        except (ValueError, TypeError):
            return  # a value that no row can have: it is found by itself


def forge_money(files: Memory, draw: Random) -> Memory:
    """Move money between two accounts of a journal, and hash all up to the list of leaves."""
    postings, journals = rows(POSTINGS, files[POSTINGS]), rows(JOURNALS, files[JOURNALS])
    one = draw.choice(postings)
    journal = one["journal_number"]
    commodity = one["account"].split(":")[1]
    others = [
        row
        for row in postings
        if row["journal_number"] == journal
        and row is not one
        and row["account"].split(":")[1] == commodity
    ]
    if not others:
        return forge_money(files, draw)
    other, moved = draw.choice(others), draw.randrange(1, 10**6)
    one["amount"] = str(int(one["amount"]) + moved)
    other["amount"] = str(int(other["amount"]) - moved)
    for row in (one, other):
        rehash(POSTINGS, row)
    row = next(row for row in journals if str(row["number"]) == journal)
    digests = [each["digest"] for each in postings if each["journal_number"] == journal]
    row["postings_root"] = merkle_root(map(bytes.fromhex, digests)).hex()
    files = Memory(files | {POSTINGS: written(POSTINGS, postings)})
    return with_chain(files, JOURNALS, journals)


def forge_a_line(files: Memory, draw: Random) -> Memory:
    """Bill something else, and hash the document, its series and the leaves."""
    lines, invoices = rows(LINES, files[LINES]), rows(INVOICES, files[INVOICES])
    line = draw.choice(lines)
    column = draw.choice(["description", "subject", "quantity", "amount_micro", "tax_note"])
    line[column] = changed(line[column])
    rehash(LINES, line)
    row = next(row for row in invoices if row["id"] == line["invoice_id"])
    digests = [each["digest"] for each in lines if each["invoice_id"] == row["id"]]
    row["lines_root"] = merkle_root(map(bytes.fromhex, digests)).hex()
    return with_chain(Memory(files | {LINES: written(LINES, lines)}), INVOICES, invoices)


def forge_a_document(files: Memory, draw: Random) -> Memory:
    """Change a column of a document, and hash its series and the leaves."""
    invoices = rows(INVOICES, files[INVOICES])
    row = draw.choice(invoices)
    column = draw.choice([name for name in row if name not in ("digest", "previous_digest")])
    row[column] = changed(row[column])
    return with_chain(files, INVOICES, invoices)


def with_chain(files: Memory, name: str, found: list[Row]) -> Memory:
    """Return the files with the rows of a chain hashed again, and the leaves with them."""
    leaves = rows(LEAVES, files[LEAVES])
    before = {row["digest"]: row for row in leaves}
    last: dict[str, str] = {}
    for row in found:
        chain, old = row.get("series", ""), row["digest"]
        row["previous_digest"] = last.get(chain, "00" * 32)
        rehash(name, row)
        last[chain] = row["digest"]
        if old in before:
            before[old]["digest"] = row["digest"]
    forged = {name: written(name, found), LEAVES: written(LEAVES, leaves)}
    return Memory(files | forged).with_manifest_made_again()


def leave_out(files: Memory, draw: Random) -> Memory:
    """Leave rows of a table out, and their leaves: one, the last few, or all."""
    name = draw.choice([JOURNALS, INVOICES, "law/versions.jsonl", "readings/files.csv"])
    found = rows(name, files[name])
    first = draw.choice([0, draw.randrange(len(found))])
    last = draw.choice([first + 1, len(found)])
    kept = found[:first] + found[last:]
    gone = {row.get("row_digest", row["digest"]) for row in found[first:last]}
    leaves = [row for row in rows(LEAVES, files[LEAVES]) if row["digest"] not in gone]
    fewer = Memory(files | {name: written(name, kept) if kept else b""})
    if draw.random() < 0.5:
        fewer[LEAVES] = written(LEAVES, leaves)
    if name == INVOICES and not kept:
        fewer[LINES] = b""
    return fewer.with_manifest_made_again()


def say_it_otherwise_everywhere(files: Memory, draw: Random) -> Memory:
    """Call a participant, or a number of a document, otherwise in every file at once."""
    words = draw.choice([(b"alder", b"elder"), (b"birch", b"beech"), (b"2024-01", b"2024-02"),
                         (b"-000001", b"-000007"), (b"Limited", b"Unlimited"),
                         (b"0000", b"0001"), (b"charge", b"change")])  # fmt: skip
    return Memory(
        {name: content.replace(*words) for name, content in files.items()}
    ).with_manifest_made_again()


MUTATIONS: dict[str, Callable[[Memory, Random], Memory]] = {
    "a bit flipped": flip_a_bit,
    "a character edited": edit_a_character,
    "a digit edited": edit_a_digit,
    "a line dropped": change_lines(lambda lines, draw: lines.pop(draw.randrange(len(lines)))),
    "a line twice": change_lines(
        lambda lines, draw: lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    ),
    "lines swapped": change_lines(swap_lines),
    "a file in another writing": write_a_file_otherwise,
    "files swapped": swap_files,
    "a file removed": remove_a_file,
    "a file emptied": empty_a_file,
    "a file added": add_a_file,
    "another manifest": change_the_manifest,
    "a key or column twice": say_it_twice,
    "a value changed, its row hashed again": change_a_value,
    "values swapped, their rows hashed again": swap_values,
    "money moved, hashed again up to the leaves": forge_money,
    "a line of a document changed, hashed again up to the leaves": forge_a_line,
    "a document changed, hashed again up to the leaves": forge_a_document,
    "rows left out": leave_out,
    "another word everywhere": say_it_otherwise_everywhere,
}
"""By what is said of them; each keeps the manifest to what is there."""

OF_LEDGER = {"money moved, hashed again up to the leaves", "rows left out",
             "a line of a document changed, hashed again up to the leaves",
             "a document changed, hashed again up to the leaves"}  # fmt: skip
OF_ANY_EVIDENCE = {name: mutate for name, mutate in MUTATIONS.items() if name not in OF_LEDGER}
"""Those that need no list of leaves, nor postings."""


def mutate_zip(content: bytes, draw: Random) -> bytes:
    """Change the bytes of a zip: flip bits, cut, repeat or insert some."""
    at, length = draw.randrange(len(content)), draw.randrange(1, 40)
    return draw.choice(
        [
            content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :],
            content[:at] + content[at + length :],
            content[:at] + content[at : at + length] * 2 + content[at + length :],
            content[:at] + draw.randbytes(length) + content[at:],
            content[:at] + bytes(length) + content[at + length :],
        ]
    )
