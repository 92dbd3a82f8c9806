"""A checkpoint as others keep it: the signed note, and every leaf and link that it covers.

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
                                                          an empty line, where the trail has links
    pGZ0cSZlAGFuMv9ymk5HTKYFqB+DRtUvpnq5vOZlFJ8=          link 1 of the trail: its digest
    ...                                                   a line a link, to the last that is covered

The same checkpoint gives the same bytes, and the file checks itself: the root over its hashes is
the one that the note states, and the last link is the head of the trail that a leaf holds.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ledger.log.leaf import Leaf
from ledger.log.note import MalformedNote, Note, decode_base64, parse_note
from ledger.trail.link import HEADS, HeadRow
from ledger.tree import DIGEST_BYTES, merkle_root

KEPT_FORMAT = "tallystick.kept-checkpoint.1"
LARGEST_BYTES = 2**30
"""Of a file: over twenty million leaves and links, 45 bytes each."""


class KeptCheckpoint(NamedTuple):
    """What someone kept: a note, and the hashes of its leaves, None where the note alone was kept.

    The hashes give the root of the note; its signatures are still to be checked. `link_digests` are
    those of the trail, up to the last head of it that is a leaf.
    """

    note: Note
    leaf_hashes: tuple[bytes, ...] | None
    link_digests: tuple[bytes, ...] = ()


def kept_text(note: str, leaf_hashes: Iterable[bytes], link_digests: Sequence[bytes] = ()) -> str:
    """Return the file of a checkpoint: its note, and the leaves and links that it covers."""
    links = ["", *_lines(link_digests)] if link_digests else []
    return "\n".join([f"{KEPT_FORMAT}\n{note}", *_lines(leaf_hashes), *links, ""])


def parse_kept(text: str) -> KeptCheckpoint:
    """Return what a file of a checkpoint holds; a note alone is one, too.

    Raises:
        MalformedNote: it is written in another way, or its hashes do not give the note's root.
    """
    heading, _, rest = text.partition("\n")
    if heading != KEPT_FORMAT:
        return KeptCheckpoint(parse_note(text), None)
    body, separator, after = rest.partition("\n\n")
    signatures, _, listed = after.partition("\n\n")
    hashes, has_links, links = listed.partition("\n\n")
    note = parse_note(body + separator + signatures.removesuffix("\n") + "\n")
    leaf_hashes = _leaf_hashes(hashes + "\n" if has_links else hashes, note)
    link_digests = _parsed(links, "link") if links else ()
    if has_links and not link_digests:
        raise MalformedNote("no link of the trail after the line that ends the leaves")
    if link_digests and head_leaf(len(link_digests), link_digests[-1]).hash not in leaf_hashes:
        raise MalformedNote("the last link of the trail is no head that one of its leaves holds")
    return KeptCheckpoint(note, leaf_hashes, link_digests)


def head_leaf(number: int, link_digest: bytes) -> Leaf:
    """Return the leaf of a head of the trail."""
    return Leaf(HEADS, str(number), HeadRow(number, link_digest).digest)


def _leaf_hashes(text: str, note: Note) -> tuple[bytes, ...]:
    stated = note.checkpoint
    hashes = _parsed(text, "leaf")
    if len(hashes) != stated.size:
        raise MalformedNote(f"{len(hashes)} leaf hashes, where {stated.size} belong")
    if merkle_root(hashes) != stated.root:
        raise MalformedNote("its leaf hashes do not give the root that its note states")
    return hashes


def _lines(digests: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(digest).decode() for digest in digests]


def _parsed(text: str, name: str) -> tuple[bytes, ...]:
    *lines, end = text.split("\n")
    if end:
        raise MalformedNote(f"the line of the last {name} does not end")
    return tuple(
        decode_base64(line, DIGEST_BYTES, f"digest of {name} {place}")
        for place, line in enumerate(lines)
    )
