"""Attacks on evidence: whoever changes a zip, or leaves something out of it, is found."""

import io
import os
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from random import Random

import pytest

from database.session import make_engine, transaction
from ledger.log.checkpoints import publish_checkpoint
from settlement.billing.issuing import issue_month
from settlement.billing.post import post
from tests.attacks.mutations import MUTATIONS, mutate_zip
from tests.settlement.evidence_cases import Memory, exported
from tests.worlds.logged import signer
from tests.worlds.settled import SETTLED, ingest_tiny, publish_tiny, settle_tiny
from verifier.checks import check_evidence
from verifier.command_line import NotUnderstood, check_path
from verifier.log_notes import Trusted, parse_key
from verifier.report import Report

JANUARY_2024 = SETTLED.date().replace(month=1, day=1)


@pytest.fixture(scope="module")
def genuine(clone_database) -> bytes:
    """Return the evidence of a run that is posted and billed."""
    made = make_engine(clone_database())
    with transaction(made) as session:
        publish_tiny(session)
        ingest_tiny(session)
        run = settle_tiny(session)
        post(session, run, now=SETTLED)
        issue_month(session, "tiny", JANUARY_2024, now=SETTLED)
        publish_checkpoint(session, signer(1), SETTLED)
        content = exported(session, run)
    made.dispose()
    return content


@pytest.fixture
def files(genuine) -> Memory:
    return Memory.of(genuine)


def found(files: Memory) -> list[str]:
    report = Report()
    check_evidence(files, report)
    return [str(finding) for finding in report.findings]


def refused(path: Path, content: bytes) -> str:
    """Return why a zip is refused or does not hold; empty where it holds."""
    path.write_bytes(content)
    try:
        report = check_path(path, [], None)
    except NotUnderstood as error:
        return str(error)
    return "\n".join(map(str, report.findings))


# The zip itself ---------------------------------------------------------------------------------


def zipped(files: dict[str, bytes], **settings) -> bytes:
    """Return files as another programme zips them."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, settings.get("date_time", (1980, 1, 1, 0, 0, 0)))
            entry.compress_type = settings.get("compress_type", zipfile.ZIP_DEFLATED)
            entry.create_system = 3
            entry.external_attr = settings.get("external_attr", 0o100644 << 16)
            entry.extra, entry.comment = settings.get("extra", b""), settings.get("comment", b"")
            archive.writestr(entry, content)
    return sink.getvalue()


def with_entry(content: bytes, name: str, added: bytes, **settings) -> bytes:
    sink = io.BytesIO(content)
    with warnings.catch_warnings(), zipfile.ZipFile(sink, "a") as archive:
        warnings.simplefilter("ignore")
        entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
        entry.external_attr = settings.get("external_attr", 0o100644 << 16)
        archive.writestr(entry, added)
    return sink.getvalue()


def with_comment(content: bytes) -> bytes:
    sink = io.BytesIO(content)
    with zipfile.ZipFile(sink, "a") as archive:
        archive.comment = b"paid in full"
    return sink.getvalue()


def another_local_name(content: bytes) -> bytes:
    """Call a file otherwise in the header before it than in the list at the end."""
    at = content.index(b"README.txt")
    return content[:at] + b"readme.TXT" + content[at + 10 :]


def another_local_size(content: bytes) -> bytes:
    return content[:22] + struct.pack("<I", 1) + content[26:]


def flagged_as_encrypted(content: bytes) -> bytes:
    listed = content.index(b"PK\1\2")
    return (
        content[:6] + b"\1" + content[7 : listed + 8] + b"\1" + content[listed + 9 :]
    )  # fmt: skip


def behind_the_deflated_bytes(content: bytes) -> bytes:
    """Hide bytes in a file, behind the end of what is deflated."""
    return remade(content, lambda deflated: deflated + b"hidden")


def before_the_list(content: bytes) -> bytes:
    """Hide bytes between the last file and the list of files."""
    start = content.index(b"PK\1\2")
    end = content.rindex(b"PK\5\6")
    moved = struct.pack("<I", struct.unpack_from("<I", content, end + 16)[0] + 6)
    body = content[:start] + b"hidden" + content[start:end]
    return body + content[end : end + 16] + moved + content[end + 20 :]


def remade(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a zip of the same headers, but for the deflated bytes of the first file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    body, listed = b"", b""
    for number, entry in enumerate(entries):
        start = entry.header_offset + 30 + len(entry.filename)
        deflated = content[start : start + entry.compress_size]
        deflated = change(deflated) if number == 0 else deflated
        sizes = struct.pack("<3I", entry.CRC, len(deflated), entry.file_size)
        fixed = struct.pack("<5H", 20, 0, 8, 0, 33) + sizes
        lengths = struct.pack("<2H", len(entry.filename), 0)
        name = entry.filename.encode()
        listed += (
            b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + fixed + lengths
            + struct.pack("<3H2I", 0, 0, 0, 0o100644 << 16, len(body)) + name
        )  # fmt: skip
        body += b"PK\3\4" + fixed + lengths + name + deflated
    counts = struct.pack("<4H2IH", 0, 0, len(entries), len(entries), len(listed), len(body), 0)
    return body + listed + b"PK\5\6" + counts


def bomb(content: bytes) -> bytes:
    """Put many zeros where README.txt says to be as long as before."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(1 << 24)) + packer.flush()
    return remade(content, lambda deflated: packed)


ODD_ZIPS: dict[str, Callable[[bytes], bytes]] = {
    "a file twice": lambda content: with_entry(content, "run.json", b"{}"),
    "a folder": lambda content: with_entry(content, "ledger/", b""),
    "a link": lambda content: with_entry(
        content, "readings/2024-01-31.csv", b"/etc/passwd", external_attr=0o120777 << 16
    ),
    "bytes before it": lambda content: b"#!/bin/sh\n" + content,
    "bytes behind it": lambda content: content + b"\0",
    "a zip in front of it": lambda content: zipped({"README.txt": b"paid"}) + content,
    "a comment": with_comment,
    "a file's comment": lambda content: zipped(Memory.of(content), comment=b"paid"),
    "extra fields": lambda content: zipped(Memory.of(content), extra=b"\xfe\xca\4\0paid"),
    "dates": lambda content: zipped(Memory.of(content), date_time=(2024, 1, 1, 0, 0, 0)),
    "files that may be run": lambda content: zipped(
        Memory.of(content), external_attr=0o100755 << 16
    ),
    "files that are not deflated": lambda content: zipped(
        Memory.of(content), compress_type=zipfile.ZIP_STORED
    ),
    "another way to deflate": lambda content: zipped(
        Memory.of(content), compress_type=zipfile.ZIP_BZIP2
    ),
    "a name that is another in its own header": another_local_name,
    "a size that is another in its own header": another_local_size,
    "encryption": flagged_as_encrypted,
    "bytes behind a deflated file": behind_the_deflated_bytes,
    "bytes between the files and the list": before_the_list,
    "a file that unfolds to more than it says": bomb,
    "half of it": lambda content: content[: len(content) // 2],
    "nothing": lambda content: b"",
}


def test_the_zip_as_it_was_exported_holds(genuine, tmp_path):
    assert refused(tmp_path / "run.zip", genuine) == ""
    assert refused(tmp_path / "run.zip", remade(genuine, lambda deflated: deflated)) == ""
    assert refused(tmp_path / "run.zip", zipped(Memory.of(genuine))) == ""


@pytest.mark.parametrize("attack", ODD_ZIPS)
def test_a_zip_that_another_programme_would_read_otherwise_is_refused(genuine, tmp_path, attack):
    attacked = ODD_ZIPS[attack](genuine)
    assert attacked != genuine
    assert refused(tmp_path / "run.zip", attacked)


# Mutations --------------------------------------------------------------------------------------

IN_THE_SUITE = 2 * len(MUTATIONS)
SEED = int(os.environ.get("TALLYSTICK_SEED") or 1) % 2**32
COUNT = int(os.environ.get("TALLYSTICK_MUTATIONS") or IN_THE_SUITE)
TRUSTED = Trusted((parse_key(str(signer(1).key)),))
"""Whoever checks has the key from elsewhere; a forger of everything has another."""


def is_accepted(files: Memory) -> bool:
    report = Report()
    check_evidence(files, report, TRUSTED)
    return not report.findings


def test_no_mutation_of_the_files_is_accepted(files):
    """Every way to change the files in turn, with the manifest made again, until all are drawn."""
    accepted, tried = [], Counter[str]()
    for number, name in zip(range(COUNT), cycle(MUTATIONS), strict=False):
        mutant = MUTATIONS[name](files, Random(f"{SEED} {number}"))
        if dict(mutant) != dict(files):
            tried[name] += 1
            if is_accepted(mutant):
                accepted.append((number, name))
    print(f"{tried.total():,} mutations of the files, seed {SEED}: {dict(tried)}")
    assert accepted == []
    assert tried.keys() == MUTATIONS.keys()


def test_no_mutation_of_the_zip_is_accepted(genuine, tmp_path):
    accepted, tried = [], 0
    for number in range(COUNT):
        mutant = mutate_zip(genuine, Random(f"{SEED} zip {number}"))
        if mutant != genuine:
            tried += 1
            if not refused(tmp_path / "run.zip", mutant):
                accepted.append(number)
    print(f"{tried:,} mutations of the zip, seed {SEED}")
    assert accepted == []
