"""The bytes that tell two values of the engine apart: equal bytes, equal values.

Two markets that are compiled from equal law, or two days of equal readings, have equal content; so
what was computed from one need not be computed from the other. Every field of every dataclass is
written, as the class lists them, so a field that comes later is in it, too. What has no form here
is refused: nothing that a settlement reads may be left out of the comparison.

    letter (1 byte) || number of bytes or of parts (8 bytes, big-endian) || those bytes or parts
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import numpy as np

FRAME = struct.Struct("!cQ")


def content(value: Any) -> bytes:
    """Return the content of a value of the engine: what it is made of, down to each number.

    Raises:
        TypeError: a part is of a type that has no form here.

    >>> content(True) == content(1), content((1, 2)) == content((12,))
    (False, False)
    """
    return b"".join(_pieces(value))


def _pieces(value: Any) -> Iterator[bytes]:
    if is_dataclass(value) and not isinstance(value, type):
        parts: Sequence[Any] = [getattr(value, field.name) for field in fields(value)]
        yield from _framed(b"C", type(value).__qualname__.encode())
    elif type(value) is tuple:
        parts = value
    elif type(value) is dict:  # in its order, by which whoever reads it goes
        parts = tuple(value.items())
    elif type(value) is np.ndarray:
        if value.dtype.hasobject:  # whose bytes are addresses
            raise TypeError("an array of objects has no content")
        yield from _framed(b"A", f"{value.dtype.str}{value.shape}".encode())
        yield from _framed(b"V", value.tobytes())
        return
    else:
        letter, bytes_of = _form(value)
        yield from _framed(letter, bytes_of(value))
        return
    yield FRAME.pack(b"L", len(parts))
    for part in parts:
        yield from _pieces(part)


def _form(value: Any) -> tuple[bytes, Callable[[Any], bytes]]:
    # By the exact type: True is no 1, and a subclass may hold what no form here writes.
    form = _FORMS.get(type(value))
    if form is None:
        raise TypeError(f"{type(value).__name__} has no content: it cannot be told from another")
    return form


def _framed(letter: bytes, payload: bytes) -> Iterator[bytes]:
    yield FRAME.pack(letter, len(payload))
    yield payload


_FORMS: dict[type, tuple[bytes, Callable[[Any], bytes]]] = {
    type(None): (b"N", lambda _: b""),
    bool: (b"F", lambda value: b"1" if value else b"0"),
    int: (b"I", lambda value: str(value).encode()),
    str: (b"T", str.encode),
    bytes: (b"B", bytes),
    date: (b"D", lambda value: value.isoformat().encode()),
}
