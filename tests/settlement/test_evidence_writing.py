"""Evidence has one writing: another one of the same values is a finding, and hides no money."""

import datetime as dt
import json
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from tests.settlement.evidence_cases import MANIFEST, Memory, exported, rows, written
from tests.worlds.logged import signer
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny
from verifier.manifest import write_manifest

JOURNALS, POSTINGS = "ledger/journals.jsonl", "ledger/postings.csv"
INVOICES, INVOICE_LINES = "ledger/invoices.jsonl", "ledger/invoice-lines.jsonl"
VERSIONS, READING_FILES = "law/versions.jsonl", "readings/files.csv"
KEYS, LEAVES = "log/keys.jsonl", "log/leaves.csv"
RUN = "run.json"


@pytest.fixture(scope="module")
def files(clone_database) -> Memory:
    """Return evidence of a run that is posted and billed."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        run = settle_tiny(session)
        post(session, run, now=SETTLED)
        issue_month(session, "tiny", dt.date(2024, 1, 1), now=SETTLED)
        publish_checkpoint(session, signer(1), SETTLED)
        found = Memory.of(exported(session, run))
    made.dispose()
    return found


def day_file(files: Memory, folder: str) -> str:
    return min(name for name in files if name.startswith(f"{folder}/2"))


def said(files: Memory) -> list[str]:
    return [str(finding) for finding in files.findings()]


def with_values(files: Memory, name: str, column: str, write: Callable[[Any], Any]) -> Memory:
    """Return the files with every value of a column written by another hand."""
    found = rows(name, files[name])
    for row in found:
        row[column] = row[column] and write(row[column])
    return files.with_file(name, written(name, found))


def undashed(value: str) -> str:
    return value.replace("-", "")


def first_in_capitals(values: list[str]) -> list[str]:
    return [value.upper() for value in values]


def as_an_offset(value: str) -> str:
    return value.replace("Z", "+00:00")


def test_what_is_not_changed_holds(files):
    assert said(files) == []


WRITINGS: list[tuple[str, str, Callable, str]] = [
    (JOURNALS, "run_id", str.upper, "a UUID"),
    (JOURNALS, "run_id", undashed, "a UUID"),
    (JOURNALS, "id", str.upper, "a UUID"),
    (JOURNALS, "settlement_day", undashed, "a day"),
    (JOURNALS, "number", str, "an integer"),
    (JOURNALS, "posting_count", bool, "an integer"),
    (JOURNALS, "input_digest", str.upper, "bytes"),
    (JOURNALS, "posted_at", lambda value: value.replace(".000000Z", ".0Z"), "a moment"),
    (JOURNALS, "posted_at", as_an_offset, "a moment"),
    (JOURNALS, "reason", lambda value: [value], "a text"),
    (INVOICES, "issued_at", lambda value: value.replace(".000000Z", ".000Z"), "a moment"),
    (INVOICES, "number", str, "an integer"),
    (INVOICES, "due_on", undashed, "a day"),
    (INVOICES, "run_id", undashed, "a UUID"),
    (INVOICE_LINES, "invoice_id", str.upper, "a UUID"),
    (INVOICE_LINES, "rule_digests", first_in_capitals, "each bytes"),
    (INVOICE_LINES, "clauses", ",".join, "each a text"),
    (VERSIONS, "id", str.upper, "a UUID"),
    (KEYS, "number", str, "an integer"),
    (LEAVES, "digest", str.upper, "bytes"),
    (READING_FILES, "id", undashed, "a UUID"),
    (READING_FILES, "row_count", "0{}".format, "an integer"),
    (POSTINGS, "amount", " {}".format, "an integer"),
    (POSTINGS, "line", "\u0661".format, "an integer"),
    ("ledger/accounts.csv", "digest", str.upper, "bytes"),
    ("readings", "values", "0{}".format, "integers with one space"),
    ("readings", "file_id", str.upper, "a UUID"),
    ("readings", "settlement_day", undashed, "a day"),
    ("results", "values", "{} ".format, "integers with one space"),
    ("results", "digest", lambda value: f"{value[:2]} {value[2:]}", "bytes"),
    (RUN, "id", str.upper, "a UUID"),
    (RUN, "known_at", as_an_offset, "a moment"),
    (RUN, "first_day", undashed, "a day"),
]
"""Every column written by another hand: file or folder, column, how, and the form that it has."""


@pytest.fixture(scope="module")
def said_of_writings(files) -> dict[tuple[str, str, Callable], list[str]]:
    """Return what is said of each of `WRITINGS`: all columns are written otherwise at once."""
    left = [writing[:3] for writing in WRITINGS]
    said_of: dict[tuple[str, str, Callable], list[str]] = {}
    while left:
        # A run that cannot be read hides its results: its own columns come last.
        of_others = [writing for writing in left if writing[0] != RUN] or left
        at_once = {(name, column): write for name, column, write in of_others}  # one a column
        changed = files
        for (name, column), write in at_once.items():
            changed = with_values(changed, file_of(files, name), column, write)
        said_of |= dict.fromkeys([(*key, write) for key, write in at_once.items()], said(changed))
        left = [writing for writing in left if writing not in said_of]
    return said_of


def file_of(files: Memory, name: str) -> str:
    return day_file(files, name) if name in ("readings", "results") else name


@pytest.mark.parametrize(("name", "column", "write", "form"), WRITINGS)
def test_another_writing_of_a_value_is_named_with_its_place_and_form(
    files, said_of_writings, name, column, write, form
):
    found = said_of_writings[name, column, write]
    name = file_of(files, name)
    place = "run" if name == RUN else "line 2" if name.endswith(".csv") else "line 1"
    (words,) = (line for line in found if line.startswith(f"{name}: {place}, {column}: "))
    assert f"expected {form}" in words or f"expected a list, and in it {form}" in words


@pytest.mark.parametrize("write", [str.upper, undashed])
def test_a_run_named_in_another_writing_hides_no_forged_money(files, write):
    forged = with_values(files, JOURNALS, "run_id", write)
    found = rows(POSTINGS, files[POSTINGS])
    row = next(row for row in found if ":payment.fuel:" in row["account"])
    row["amount"] = str(int(row["amount"]) - 1_000_000)
    forged = forged.with_file(POSTINGS, written(POSTINGS, found))
    assert any(f"account {row['account']} to have moved" in line for line in said(forged))


def test_a_pin_has_one_writing_too(files):
    run = json.loads(files[RUN])
    run["pins"][0]["digest"] = run["pins"][0]["digest"].upper()
    found = said(files.with_file(RUN, written(RUN, [run])))
    assert any(line.startswith(f"{RUN}: pin 1, digest: expected bytes") for line in found)


def test_journals_of_which_one_says_that_it_posts_another_run_are_a_finding(files):
    found = rows(JOURNALS, files[JOURNALS])
    found[0]["run_id"] = "00000000-0000-0000-0000-000000000001"
    lines = said(files.with_file(JOURNALS, written(JOURNALS, found)))
    assert any("and its sums for each day" in line for line in lines)


# Columns and keys ------------------------------------------------------------------------------


def csv_lines(change: Callable[[int, str], str]) -> Callable[[str], str]:
    """Return what changes each line of CSV, by its number."""
    return lambda text: "".join(
        f"{change(number, line)}\n" for number, line in enumerate(text.splitlines(), start=1)
    )


COLUMN_TWICE = csv_lines(lambda number, line: ("amount," if number == 1 else "0,") + line)
MORE_COLUMN = csv_lines(lambda number, line: line + (",paid" if number == 1 else ",0"))
MORE_CELL = csv_lines(lambda number, line: line + ("" if number == 1 else ",0"))
FEWER_CELLS = csv_lines(lambda number, line: line.rpartition(",")[0] if number == 2 else line)
OTHER_ORDER = csv_lines(lambda number, line: ",".join(line.split(",")[::-1]))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (POSTINGS, COLUMN_TWICE, "line 1, 'amount': expected one column of this name"),
        (POSTINGS, MORE_COLUMN, "line 1, 'paid': expected only columns that the format knows"),
        (POSTINGS, MORE_CELL, "line 2: expected 5 cells; found 6 cells"),
        (POSTINGS, FEWER_CELLS, "line 2: expected 5 cells; found 4 cells"),
        (POSTINGS, OTHER_ORDER, "line 1: expected the columns in the order journal_number"),
        (POSTINGS, lambda text: text.replace("\n", "\r\n"), "line 1: expected written as"),
        (POSTINGS, lambda text: text.replace("1,1,", '1,"1",', 1), "line 2: expected written as"),
        (POSTINGS, lambda text: text.removesuffix("\n"), "expected written as the product does"),
        (POSTINGS, lambda text: "\ufeff" + text, "line 1, journal_number: expected the column"),
        (POSTINGS, lambda text: text + "\n", "expected 5 cells; found 0 cells"),
        (JOURNALS, lambda text: text.replace("{", '{"reason":"x",', 1), "the key 'reason' twice"),
        (
            JOURNALS,
            lambda text: text.replace("{", '{"paid":1,', 1),
            "line 1, 'paid': expected only",
        ),
        (JOURNALS, lambda text: text.replace(":", ": ", 1), "line 1: expected written as"),
        (JOURNALS, lambda text: text.replace("S", "\\u0053", 1), "line 1: expected written as"),
        (JOURNALS, lambda text: text.replace('"key"', '"kez"', 1), "line 1, key: expected the"),
        (JOURNALS, lambda text: text + "\n", "expected what can be read"),
        (JOURNALS, lambda text: text + "[]\n", "expected an object of JSON; found []"),
        (RUN, lambda text: text.replace("{", '{"kind":"SF",', 1), "the key 'kind' twice"),
        (RUN, lambda text: text.replace("{", '{"paid":1,', 1), "run, 'paid': expected only"),
        (RUN, lambda text: text.replace('[{"', '[{"paid":1,"', 1), "pin 1, 'paid': expected only"),
        (RUN, lambda text: "[]\n", "expected what can be read"),
        (RUN, lambda text: text + "\n", "expected written as the product does"),
    ],
)
def test_rows_of_another_shape_are_named(files, name, change, words):
    text = files[name].decode()
    assert change(text) != text
    found = said(files.with_file(name, change(text).encode()))
    assert any(line.startswith(f"{name}: ") and words in line for line in found), found[:5]


# The manifest and the names --------------------------------------------------------------------


def with_manifest(files: Memory, change: Callable[[dict[str, Any]], object]) -> Memory:
    manifest = json.loads(files[MANIFEST])
    change(manifest)
    return Memory(files | {MANIFEST: write_manifest(manifest).encode()})


def with_another(files: Memory, name: str) -> Memory:
    """Return the files with one more, which the manifest lists."""
    return Memory(files | {name: b""}).with_manifest_made_again()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found.update(run=found["run"].upper()), "manifest, run: expected a UUID"),
        (
            lambda found: found.update(run="00000000-0000-0000-0000-000000000001"),
            "run: expected the run of run.json",
        ),
        (lambda found: found.update(paid=1), "manifest, 'paid': expected only columns"),
        (lambda found: found.pop("run"), "manifest, run: expected the column"),
        (lambda found: found.update(files=[1]), "file 1: expected an object of JSON"),
        (lambda found: found["files"][0].update(path=1), "file 1, path: expected a text"),
        (lambda found: found["files"][0].update(bytes="1"), "file 1, bytes: expected an integer"),
        (lambda found: found["files"][0].update(note=""), "file 1, 'note': expected only"),
        (
            lambda found: found["files"].insert(0, found["files"][0]),
            "expected each path once, in order",
        ),
    ],
)
def test_a_manifest_of_another_shape_is_named(files, change, words):
    found = said(with_manifest(files, change))
    assert any(line.startswith(f"{MANIFEST}: ") and words in line for line in found), found[:5]


def test_a_key_that_stands_twice_in_the_manifest_is_named(files):
    content = files[MANIFEST].replace(b"{", b'{"run":"",', 1)
    assert any("the key 'run' twice" in line for line in said(Memory(files | {MANIFEST: content})))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../run.json", "expected a plain relative path"),
        ("/run.json", "expected a plain relative path"),
        ("ledger/./invoices.jsonl", "expected a plain relative path"),
        ("ledger//invoices.jsonl", "expected a plain relative path"),
        ("ledger/", "expected a plain relative path"),
        ("ledger\\invoices.jsonl", "expected a plain relative path"),
        ("C:run.json", "expected a plain relative path"),
        ("run.json ", "expected a plain relative path"),
        ("r\u00fcn.json", "expected a plain relative path"),
        ("RUN.json", "expected names that differ by more than capitals"),
        ("json.py", "expected only files that the evidence format knows"),
        ("ledger/paid.csv", "expected only files that the evidence format knows"),
        ("study/overlay.json", "expected no overlay"),
        ("readings/today.csv", "expected only files that the evidence format knows"),
        ("readings/20240101.csv", "expected only files that the evidence format knows"),
        (
            "law/tiny/market-rules/CURRENT.yaml",
            "expected only files that the evidence format knows",
        ),
        (f"law/tiny/market-rules/{'0' * 64}.yaml", "expected a document that the run or a line"),
        ("verify.py", "expected only files that the evidence format knows"),
        ("readings/2024-02-30.csv", "expected what can be read; found day is out of range"),
        ("readings/2024-02-29.csv", "expected a reading of the day"),
        ("results/2024-01-31.csv", "expected results of the run's days"),
    ],
)
def test_a_file_that_is_none_of_the_evidence_is_named(files, name, words):
    assert any(words in line for line in said(with_another(files, name)))


@pytest.mark.parametrize("name", ["README.txt", JOURNALS, KEYS, LEAVES, "law"])
def test_a_file_of_the_format_that_the_manifest_leaves_out_too_is_missed(files, name):
    if name == "law":
        name = next(name for name in files if name.endswith(".yaml"))
    fewer = Memory({other: content for other, content in files.items() if other != name})
    fewer = fewer.with_manifest_made_again()
    assert f"{name}: expected the file; found nothing" in said(fewer)


# Checkpoints ----------------- ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("log/checkpoint.txt", lambda text: text.removesuffix("\n")),
    ],
)
def test_a_checkpoint_in_another_writing_is_named(files, name, change):
    found = said(files.with_file(name, change(files[name].decode()).encode()))
    assert any(line.startswith(f"{name}: ") and "as the product does" in line for line in found)


def test_a_signature_that_stands_twice_is_named(files):
    """The mutations found it: two lines of one key look like two who signed."""
    name = "log/checkpoint.txt"
    line = files[name].splitlines(keepends=True)[-1]
    found = said(files.with_file(name, files[name] + line))
    assert any("expected one signature of a key; found several" in words for words in found)


# Nothing is a traceback ------------------------------------------------------------------------

RUBBISH = (None, True, -1, 2**70, "", "x", "\ud800", [], [None], [[]], {}, {"a": {}})


@pytest.mark.parametrize(
    "name",
    [
        JOURNALS,
        INVOICES,
        INVOICE_LINES,
        VERSIONS,
        KEYS,
        RUN,
        MANIFEST,
    ],
)
def test_rubbish_in_place_of_any_value_is_a_finding_and_no_traceback(files, name):
    found = rows("x.jsonl" if name.endswith("l") else name, files[name]) or [{"number": 1}]
    for column, rubbish in zip(found[0], cycle(RUBBISH), strict=False):
        lines = [{**found[0], column: rubbish}, *found[1:]]
        content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        assert said(Memory(files | {name: content})), (column, rubbish)
