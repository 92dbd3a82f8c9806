"""Use cases of a witness: co-sign a checkpoint that it fetched, or one that a log brings it.

Both compare, keep and sign under one lock, and what was seen is on disk before the co-signature is
given away.
"""

import datetime as dt
from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from common.refusals import Finding, Refused, refuse_any
from ledger.log.cosignature import MOMENT
from ledger.log.kept import KeptCheckpoint, kept_text, parse_kept
from ledger.log.note import Checkpoint, MalformedNote, Note, SignatureLine, VerifierKey
from witness.folder import Folder, LogFolder
from witness.judging import FORKED, SMALLER, Answer, Seen, judge_leaves, judge_proof, trusted_lines
from witness.requests import parse_request

UNKNOWN, OWN_KEY, CLOCK = "witness-unknown-log", "witness-own-key", "witness-clock"
MALFORMED = "witness-malformed-checkpoint"


class Cosigned(NamedTuple):
    """What was co-signed: the line to hand back, and the size that was co-signed before it."""

    checkpoint: Checkpoint
    line: SignatureLine
    old_size: int


def cosign_kept(
    folder: Folder, text: str, told: Sequence[VerifierKey], now: dt.datetime
) -> Cosigned:
    """Co-sign a checkpoint that came with the hashes of its leaves, and keep both.

    Args:
        folder: the witness.
        text: the file of the checkpoint, as `ledger.log.kept` writes it.
        told: keys of the log, from a source that the witness trusts; those told before stay.
        now: the moment, with its zone.

    Raises:
        Refused: it is no such file, the log is unknown, its signature does not hold, or it does
            not begin with what was co-signed before; nothing is signed.
    """
    given = _parse(text)
    with folder.locked():
        log = folder.log(given.note.checkpoint.origin)
        keys = _trusted_keys(folder, log, given.note, told)
        seen = log.seen()
        findings = judge_leaves(seen, given, keys)
        if {finding.code for finding in findings} & {SMALLER, FORKED}:
            log.keep_fork(_note_text(given.note.checkpoint, given.note.signatures))
        refuse_any(findings)
        _refuse_early(seen, folder, now)
        log.trust(told)
        line, note = _signed(folder, given.note, keys, now)
        log.keep(note, kept_text(note, given.leaf_hashes or (), given.link_digests))
    return Cosigned(given.note.checkpoint, line, seen.checkpoint.size if seen else 0)


def add_checkpoint(folder: Folder, content: bytes, now: dt.datetime) -> Answer:
    """Answer a request of C2SP tlog-witness: the co-signature, or why there is none."""
    try:
        asked = parse_request(content)
    except MalformedNote:
        return Answer(HTTPStatus.BAD_REQUEST)
    with folder.locked():
        log = folder.log(asked.note.checkpoint.origin)
        keys, seen = log.keys(), log.seen()
        refusal = judge_proof(seen, asked.note, keys, asked.old_size, asked.proof)
        if refusal is not None:
            return refusal
        _refuse_early(seen, folder, now)
        line, note = _signed(folder, asked.note, keys, now)
        log.keep(note, None)
    return Answer(HTTPStatus.OK, line.text)


def _parse(text: str) -> KeptCheckpoint:
    limit = "a witness is shown a checkpoint with the hashes of its leaves, which give its root"
    remedy = "take the file that the page Proof offers, or that manage.py checkpoint --out writes"
    try:
        given = parse_kept(text)
    except MalformedNote as error:
        raise Refused([Finding(MALFORMED, "checkpoint", str(error), limit, remedy)]) from None
    if given.leaf_hashes is None:
        raise Refused([Finding(MALFORMED, "checkpoint", "the note alone", limit, remedy)])
    return given


def _trusted_keys(
    folder: Folder, log: LogFolder, note: Note, told: Sequence[VerifierKey]
) -> list[VerifierKey]:
    origin = note.checkpoint.origin
    keys = list(dict.fromkeys([*log.keys(), *told]))
    if not [key for key in keys if key.name == origin]:
        limit = "a witness is told the key of a log before it believes it"
        remedy = "get the log's key from the operator or in print, and give it by --log-key"
        raise Refused([Finding(UNKNOWN, f"log {origin!r}", "no key of it", limit, remedy)])
    own = folder.witness.key.public_key
    if any(key.public_key == own for key in keys):
        limit = "a witness and the log that it watches have each a key of their own"
        remedy = "make the witness in a folder of its own"
        raise Refused([Finding(OWN_KEY, f"log {origin!r}", "one key for both", limit, remedy)])
    return keys


def _refuse_early(seen: Seen | None, folder: Folder, now: dt.datetime) -> None:
    """Refuse a clock that was set back: a co-signature says what was the largest tree by then."""
    for line in seen.note.signatures if seen else ():
        if (line.name, line.key_id) == (folder.witness.name, folder.witness.key.key_id):
            (last_seconds,) = MOMENT.unpack(line.signature[: MOMENT.size])
            if int(now.timestamp()) < last_seconds:
                value = f"it shows {now:%Y-%m-%d %H:%M:%S} UTC"
                limit = "the clock is not before the last co-signature"
                raise Refused([Finding(CLOCK, "clock", value, limit, "set the clock")])


def _signed(
    folder: Folder, note: Note, keys: Sequence[VerifierKey], now: dt.datetime
) -> tuple[SignatureLine, str]:
    """Return the co-signature, and the note with it beside what the log signed."""
    line = folder.witness.cosign(note.checkpoint, int(now.timestamp()))
    by_log = trusted_lines(note, keys) or []
    return line, _note_text(note.checkpoint, [*dict.fromkeys(by_log), line])


def _note_text(checkpoint: Checkpoint, lines: Sequence[SignatureLine]) -> str:
    return f"{checkpoint.body}\n{''.join(line.text for line in lines)}"
