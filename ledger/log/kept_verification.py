"""Verification against a checkpoint that someone kept: it names leaf and the row that changed."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.log.kept import KeptCheckpoint
from ledger.log.leaf import Leaf
from ledger.log.leaf_differences import Change, Difference, compare_leaves
from ledger.log.note import VerifierKey
from ledger.log.tables import LogLeaf
from ledger.trail.tables import TrailLink
from ledger.verification import ROWS_AT_A_TIME, Findings

CHECKPOINT = "log-checkpoint"
SIGNATURE = "log-signature"
CODES = {
    Change.CHANGED: "log-leaf-changed",
    Change.GONE: "log-leaf-gone",
    Change.CUT_OFF: "log-end-cut-off",
    Change.INSERTED: "log-leaf-inserted",
    Change.MOVED: "log-leaf-moved",
}
TRAIL_CHANGED, TRAIL_CUT_OFF = "trail-link-changed", "trail-end-cut-off"
LEAVES, LINKS = "ledger.log_leaf", "ledger.trail_link"


def verify_kept(
    session: Session,
    kept: KeptCheckpoint,
    keys: Sequence[VerifierKey],
    root: bytes | None,
    size: int,
) -> Findings:
    """Hold the log to what someone kept of it.

    Args:
        session: the caller's session.
        kept: the note, and where they were kept too, the hashes of its leaves.
        keys: the keys of the log under the note's name.
        root: of as many leaves as the note covers; None where the log has fewer.
        size: how many leaves the log has.
    """
    yield from _verify_links(session, kept.link_digests)
    stated = kept.note.checkpoint
    place = f"ledger.checkpoint {stated.size} (kept elsewhere)"
    if not kept.note.signed_by(keys):
        yield damage(SIGNATURE, place, "no key of this log has signed it")
    if not stated.size or root == stated.root:
        return
    yield damage(CHECKPOINT, place, root_value(stated.size, size))
    if kept.leaf_hashes is not None:
        yield from _name_differences(session, kept.leaf_hashes)


def _verify_links(session: Session, kept: Sequence[bytes]) -> Findings:
    """Name the first link of the trail that is not as it was kept; all after it differ with it."""
    columns = (TrailLink.source, TrailLink.key, TrailLink.digest)
    rows = session.execute(select(*columns).order_by(TrailLink.number).limit(len(kept))).all()
    for number, ((source, key, digest), expected) in enumerate(zip(rows, kept, strict=False), 1):
        if digest != expected:
            value = f"link {number} of the trail is another than was kept: it, or its row, changed"
            yield damage(TRAIL_CHANGED, f"{source} {key}", value)
            return
    if len(rows) < len(kept):
        place = f"{LINKS} {len(rows) + 1} to {len(kept)}"
        yield damage(TRAIL_CUT_OFF, place, "kept, and the end of the trail was cut off")


def root_value(size: int, found: int) -> str:
    """Return what is wrong where the leaves that a checkpoint of `size` covers lack its root."""
    if size > found:
        return f"it covers {size} leaves and the log has {found}: its end was cut off"
    return "the leaves that it covers do not give its root"


def _name_differences(session: Session, kept: Sequence[bytes]) -> Iterator[Finding]:
    columns = (LogLeaf.source, LogLeaf.key, LogLeaf.digest)
    rows = session.execute(
        select(*columns).order_by(LogLeaf.index), execution_options={"yield_per": ROWS_AT_A_TIME}
    )
    # Hashed again: the hash that is stored beside a leaf may be the one thing that was left.
    differences = compare_leaves(kept, [Leaf(*row).hash for row in rows])
    wanted = [each.index for each in differences if each.index is not None]
    # By place and not by index, which damage may have left with gaps.
    numbered = enumerate(session.execute(select(*columns[:2]).order_by(LogLeaf.index)))
    is_wanted = set(wanted).__contains__
    names = {place: f"{source} {key}" for place, (source, key) in numbered if is_wanted(place)}
    for each in differences:
        yield _finding(each, names, len(kept))


def _finding(difference: Difference, names: dict[int, str], size: int) -> Finding:
    change, then, now = difference.change, difference.kept_index, difference.index
    code = CODES[change]
    kept = f"the kept checkpoint of {size} leaves"
    if change is Change.CHANGED and now is not None:
        value = f"leaf {then} of {kept} has another hash there: the row, or one below it, changed"
        return damage(code, names[now], value)
    if change is Change.MOVED and now is not None:
        return damage(code, names[now], f"leaf {then} of {kept}, and leaf {now} of the log")
    if change is Change.INSERTED and now is not None:
        return damage(code, names[now], f"leaf {now} of the log is among those of {kept}, not one")
    first = then or 0
    last = first + difference.count - 1
    leaves = f"{first}" if first == last else f"{first} to {last}"
    if change is Change.CUT_OFF:
        return damage(code, f"{LEAVES} {leaves}", f"in {kept}; the end of the log was cut off")
    return damage(code, f"{LEAVES} {leaves}", f"in {kept}; what stood after it still stands")
