"""The request `add-checkpoint` of C2SP tlog-witness, as text; pure.

old 20852                                             the size that the proof begins with
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=          a hash a line, at most 63
                                                      an empty line
tallystick.localhost/log                              then the note of the checkpoint
...
"""

import base64
import re
from typing import NamedTuple

from ledger.log.note import MAX_NOTE_CHARACTERS, MalformedNote, Note, decode_base64, parse_note
from ledger.tree import DIGEST_BYTES

MOST_HASHES = 63
LARGEST_BYTES = MAX_NOTE_CHARACTERS + 4_000
"""A note of the most letters, and 63 lines of 45."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class AddCheckpoint(NamedTuple):
    """A checkpoint to co-sign, and the proof that it continues one of `old_size` leaves."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note


def parse_request(content: bytes) -> AddCheckpoint:
    """Return what a request asks.

    Raises:
        MalformedNote: it is written in another way.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise MalformedNote("it is not UTF-8") from None
    head, separator, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    old = _OLD.fullmatch(first)
    if not separator or not old or len(hashes) > MOST_HASHES:
        raise MalformedNote(f"no line `old SIZE`, at most {MOST_HASHES} hashes, and an empty line")
    proof = tuple(decode_base64(line, DIGEST_BYTES, "hash of the proof") for line in hashes)
    return AddCheckpoint(int(old[1]), proof, parse_note(note))


def request_text(old_size: int, proof: tuple[bytes, ...], note: str) -> str:
    """Return a request as `parse_request` reads it."""
    hashes = "".join(f"{base64.b64encode(digest).decode()}\n" for digest in proof)
    return f"old {old_size}\n{hashes}\n{note}"
