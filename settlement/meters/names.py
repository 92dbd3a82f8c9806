"""Columns of text as distinct names and codes: a name is kept once however often it stands."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Names:
    """A column of names: `names[codes[i]]` is the name in place i."""

    names: tuple[str, ...]
    codes: Integers


def encoded(column: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """Return the distinct texts of a column and int64[R] codes into them; a null is blank."""
    if pa.types.is_dictionary(column.type):
        return _encoded_dictionary(column)
    if not pa.types.is_string(column.type):
        column = column.cast(pa.string())
    whole = pc.fill_null(column, "").combine_chunks().dictionary_encode()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.unify_dictionaries().combine_chunks()
    codes = whole.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return whole.dictionary.to_pylist(), codes


def _encoded_dictionary(column: pa.ChunkedArray) -> tuple[list[str], Integers]:
    """Return a column of codes as `encoded` does, without writing out a text for each row.

    Chunks have dictionaries of their own, in which a text may stand twice, or a null.
    """
    names: dict[str, int] = {}
    codes = [np.empty(0, np.int64)]
    for chunk in column.chunks:
        texts = pc.fill_null(chunk.dictionary.cast(pa.string()), "").to_pylist()
        blank = [""] if chunk.indices.null_count else []
        numbers = [names.setdefault(each, len(names)) for each in (*texts, *blank)]
        # A null points behind the dictionary, where the blank stands.
        indices = pc.fill_null(chunk.indices.cast(pa.int64()), len(texts))
        codes.append(np.array(numbers, dtype=np.int64)[indices.to_numpy(zero_copy_only=False)])
    return list(names), np.concatenate(codes)


def names_of(column: pa.ChunkedArray) -> Names:
    """Return a column as names; a null is blank."""
    names, codes = encoded(column)
    return Names(tuple(names), codes)
