"""A checkpoint as others keep it: the signed note, and the hash of every leaf that it covers.

The note alone tells that the log no longer begins with what it covers. With the hashes beside it, a
comparison names the leaf. The file is text, so that it can be kept, sent and read anywhere:

    tallystick.kept-checkpoint.1
    tallystick.localhost/log                              the note, as `ledger.log.note` says
    20852
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — tallystick.localhost/log Az3grlgtzPICa5OS8npVmf1M...
                                                          an empty line ends the note
    rIq3DxyIUi2BAW1GZGY1o4DzmyIbQjZzXlD+cTGk6Y4=          leaf 0: base64 of 32 bytes
    ...                                                   a line a leaf, to the last that is covered

The same checkpoint gives the same bytes, and the file checks itself: the root over its hashes is
the one that the note states.
"""

import base64
from collections.abc import Iterable
from typing import NamedTuple

from ledger.log.append_only_tree import AppendOnlyTree
from ledger.log.note import MalformedNote, Note, decode_base64, parse_note
from ledger.tree import DIGEST_BYTES

KEPT_FORMAT = "tallystick.kept-checkpoint.1"


class KeptCheckpoint(NamedTuple):
    """What someone kept: a note, and the hashes of its leaves, None where the note alone was kept.

    The hashes give the root of the note; its signatures are still to be checked.
    """

    note: Note
    leaf_hashes: tuple[bytes, ...] | None


def kept_text(note: str, leaf_hashes: Iterable[bytes]) -> str:
    """Return the file of a checkpoint: its note, and the hashes of the leaves that it covers."""
    lines = (base64.b64encode(hashed).decode() for hashed in leaf_hashes)
    return "\n".join([f"{KEPT_FORMAT}\n{note}", *lines, ""])


def parse_kept(text: str) -> KeptCheckpoint:
    """Return what a file of a checkpoint holds; a note alone is one, too.

    Raises:
        MalformedNote: it is written in another way, or its hashes do not give the note's root.
    """
    heading, _, rest = text.partition("\n")
    if heading != KEPT_FORMAT:
        return KeptCheckpoint(parse_note(text), None)
    body, separator, after = rest.partition("\n\n")
    signatures, _, hashes = after.partition("\n\n")
    note = parse_note(body + separator + signatures.removesuffix("\n") + "\n")
    return KeptCheckpoint(note, _leaf_hashes(hashes, note))


def _leaf_hashes(text: str, note: Note) -> tuple[bytes, ...]:
    stated = note.checkpoint
    *lines, end = text.split("\n")
    if end or len(lines) != stated.size:
        raise MalformedNote(f"{len(lines)} whole lines of leaf hashes, where {stated.size} belong")
    tree, hashes = AppendOnlyTree(), []
    for index, line in enumerate(lines):
        hashes.append(decode_base64(line, DIGEST_BYTES, f"hash of leaf {index}"))
        tree.append(hashes[-1])
    if tree.root() != stated.root:
        raise MalformedNote("its leaf hashes do not give the root that its note states")
    return tuple(hashes)
