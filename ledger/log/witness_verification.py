"""Verification of witnesses and co-signatures, and of a quorum that a verifier's own file asks for.

What the database says of witnesses is held to itself: a co-signature to the key of the witness that
it names, which is a leaf of the log. Who is believed is another matter: the policy says so, and
nothing in the database is asked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.log import store, witness_store
from ledger.log.cosignature import cosigned_at_seconds, names_key
from ledger.log.kept import KeptCheckpoint
from ledger.log.note import Checkpoint, MalformedNote, Note, SignatureLine, parse_note
from ledger.log.policy import Policy
from ledger.log.rows import REGISTERED, CosignatureRow
from ledger.log.tables import Cosignature
from ledger.log.witnesses import FAST_CLOCK
from ledger.verification import FOREIGN, MISSING, Findings, changed

WITNESSES, COSIGNATURES = "ledger.witness", "ledger.cosignature"
INVALID = "cosignature-invalid"
NO_QUORUM = "witness-quorum"
OF_LOG = "witness-of-log"
NOT_OF_POLICY = "witness-log-key"
TWICE = "cosignature-twice"
ASKED = "the newest checkpoint that the policy's quorum co-signed is of the time that it allows"
ASK_AGAIN = "ask the witnesses what they saw and whether they refuse this log: it may be set back"


def verify_witnesses(session: Session) -> Findings:
    """Hold every witness to its digest, and every co-signature to the key of its witness."""
    last = 0
    keys = {}
    for row, digest in witness_store.witness_rows(session):
        if row.number > last + 1:
            yield damage(MISSING, f"{WITNESSES} {last + 1}", "the numbers have a gap here")
        elif row.number <= last:
            yield damage(FOREIGN, f"{WITNESSES} {row.number}", "the row stands twice")
        last = row.number
        if row.digest != digest:
            yield changed(WITNESSES, str(row.number))
        if row.cause == REGISTERED:
            keys[row.number] = row.key
    checkpoints = _stated(session)
    number = 0
    # As columns, and not as objects: of two rows with one number the second would be the first.
    columns = (Cosignature.number, Cosignature.size, Cosignature.witness)
    own = (Cosignature.signed_at, Cosignature.signature)
    for stored in session.execute(select(*columns, *own).order_by(Cosignature.number)):
        place = f"{COSIGNATURES} {stored.number}"
        if stored.number == number:
            yield damage(FOREIGN, place, "the row stands twice")
        number = stored.number
        key, checkpoint = keys.get(stored.witness), checkpoints.get(stored.size)
        if key is None or checkpoint is None:
            yield damage(FOREIGN, place, "it is of no registered witness, or of no checkpoint")
            continue
        cosigned = CosignatureRow(stored.size, key, stored.signed_at, stored.signature)
        if cosigned_at_seconds(checkpoint, cosigned.line, key) is None:
            value = f"{key} did not sign this checkpoint of {stored.size} leaves at that time"
            yield damage(INVALID, place, value)


class Seen(NamedTuple):
    """When a witness of a policy co-signed a checkpoint."""

    witness: str
    at: datetime


def verify_quorum(
    session: Session, policy: Policy, kept: KeptCheckpoint | None, now: datetime
) -> Findings:
    """Demand that a quorum co-signed a checkpoint of this log, lately.

    Args:
        session: the caller's session.
        policy: the verifier's own.
        kept: a checkpoint that was kept elsewhere, whose note may hold co-signatures too.
        now: the moment to which the age of a co-signature is held, with its zone.
    """
    yield from _verify_keys(session, policy)
    notes = _noted(session)
    if kept is not None:
        yield from _verify_twice(kept.note)
        notes[kept.note.checkpoint].extend(kept.note.signatures)
    newest: tuple[int, list[Seen]] = (0, [])
    for checkpoint, lines in sorted(notes.items(), key=lambda item: -item[0].size):
        if not Note(checkpoint, tuple(lines)).signed_by(
            [key for key in policy.logs if key.name == checkpoint.origin]
        ):
            continue  # it may be of a key that the log had before; others count
        seen: list[Seen] = []
        yield from _verify_lines(policy, checkpoint, lines, now, seen)
        newest = newest if newest[1] or not seen else (checkpoint.size, seen)
        if policy.has_quorum({each.witness for each in seen if _is_recent(each, policy, now)}):
            return
    yield damage(
        NO_QUORUM, f"policy, quorum {policy.quorum}", _told(*newest, policy), ASKED, ASK_AGAIN
    )


def _verify_keys(session: Session, policy: Policy) -> Iterator[Finding]:
    """Hold the policy to the keys of the log: none of them is a witness, and the present one is."""
    rows = [placed.row for placed in store.key_rows(session)]
    of_log = {row.public_key: row for row in rows}
    for name, key in policy.witnesses.items():
        if key.public_key in of_log:
            value = f"its key is key {of_log[key.public_key].number} of the log"
            limit = "whoever watches the log is another than who keeps it"
            remedy = "take the line out of the policy; the log can co-sign itself at will"
            yield damage(OF_LOG, f"policy, witness {name}", value, limit, remedy)
    if rows and rows[-1].key not in policy.logs:
        limit = "the log's present key is one that the policy names"
        remedy = "hear from the operator, by another way, whether the log has a new key"
        place = f"ledger.log_key {rows[-1].number}"
        yield damage(NOT_OF_POLICY, place, f"{rows[-1].key}", limit, remedy)


def _noted(session: Session) -> defaultdict[Checkpoint, list[SignatureLine]]:
    """Return what each checkpoint states, with the signatures that the database has of it."""
    lines: defaultdict[Checkpoint, list[SignatureLine]] = defaultdict(list)
    of_size: defaultdict[int, list[SignatureLine]] = defaultdict(list)
    for row in witness_store.cosignatures(session):
        of_size[row.size].append(row.line)
    for checkpoint_row in store.checkpoints(session):
        try:
            note = parse_note(checkpoint_row.note)
        except MalformedNote:
            continue  # found by the check of the log
        lines[note.checkpoint] += [*note.signatures, *of_size[checkpoint_row.size]]
    return lines


def _verify_twice(note: Note) -> Findings:
    """Find a key whose line stands twice in a note: it is one who co-signed, and not two."""
    names = [(line.name, line.key_id) for line in note.signatures]
    for name, key_id in sorted({each for each in names if names.count(each) > 1}):
        place = f"checkpoint {note.checkpoint.size} (kept elsewhere)"
        value = f"two lines by {name}+{key_id.hex()}"
        yield damage(TWICE, place, value, "a key signs a note once", "take one of the lines out")


def _verify_lines(
    policy: Policy,
    checkpoint: Checkpoint,
    lines: Sequence[SignatureLine],
    now: datetime,
    seen: list[Seen],
) -> Findings:
    """Find co-signatures by keys of the policy that do not hold, and add the others to `seen`."""
    for name, key in policy.witnesses.items():
        for line in lines:
            if not names_key(line, key):
                continue
            at_seconds = cosigned_at_seconds(checkpoint, line, key)
            place = f"co-signature of checkpoint {checkpoint.size} by {name}"
            limit = "what stands under a witness's name is signed by it, over this root"
            remedy = "ask the witness; whoever put the line there did not"
            if at_seconds is None:
                value = "a signature of something else"
                yield damage(INVALID, place, value, limit, remedy)
            elif at_seconds > (now + FAST_CLOCK).timestamp():
                value = f"a time to come, {at_seconds} seconds since 1970"
                yield damage(INVALID, place, value, limit, remedy)
            else:
                seen.append(Seen(name, datetime.fromtimestamp(at_seconds, now.tzinfo)))


def _is_recent(seen: Seen, policy: Policy, now: datetime) -> bool:
    return now - seen.at <= timedelta(hours=policy.age_hours)


def _told(size: int, seen: Iterable[Seen], policy: Policy) -> str:
    last: Mapping[str, datetime] = dict(sorted((each.witness, each.at) for each in seen))
    if not last:
        return "no checkpoint that a witness of the policy co-signed"
    shown = ", ".join(f"{name} at {at:%Y-%m-%d %H:%M} UTC" for name, at in last.items())
    return f"checkpoint {size} by {shown}; the policy allows {policy.age_hours} hours"


def _stated(session: Session) -> dict[int, Checkpoint]:
    """Return what each checkpoint states, by size; one whose note is none is found elsewhere."""
    found = {}
    for row in store.checkpoints(session):
        try:
            found[row.size] = parse_note(row.note).checkpoint
        except MalformedNote:
            continue
    return found
