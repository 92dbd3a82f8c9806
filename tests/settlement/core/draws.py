"""Numbers for examples, read from one draw of bytes.

Hypothesis takes longer to draw a market number by number than the engine takes to settle it. So an
example is one draw of bytes, read as words of two, and a table says which number a word stands
for. A table begins with what is simplest, so that shrinking the bytes makes the numbers simpler;
and the bytes are as many for every example of a kind, so that no word is lost where it has fewer
numbers.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import ceil, prod
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

Example = TypeVar("Example")
Option = TypeVar("Option")

WORDS = 2**16

SMALL = 256
"""Below this, a number is as likely as the next; above, every size is, of two digits or of nine."""

BELOW_ZERO = 3 / 8
ZERO, FEW, LAST = 1 / 16, 1 / 4, 1 / 48
"""How much of a long range are its first number, its small ones and its last, which is a limit."""

ALIKE = WORDS // 32
"""How often an array has zero everywhere, or any one number: rare if numbers alone decide."""


@cache
def any_of(*choices: tuple[int, ...] | range) -> np.ndarray:
    """What words stand for: any number of any of the choices, each choice as likely as another.

    Of a long range, first and last are more likely than what lies between, and so is the small.
    """
    shares = np.diff(np.linspace(0, WORDS, len(choices) + 1).astype(int)).tolist()
    return np.concatenate([_of(*each) for each in zip(choices, shares, strict=True)])


def _of(choice: tuple[int, ...] | range, count: int) -> np.ndarray:
    low, high = choice[0], choice[-1]
    if isinstance(choice, tuple) or high - low < 2 * SMALL:
        return np.array(choice, dtype=np.int64)[np.arange(count) * len(choice) // count]
    if low < 0 < high:
        below = ceil(count * BELOW_ZERO)
        return np.concatenate([_of(range(high + 1), count - below), -_of(range(1, 1 - low), below)])
    zero, few, last = (ceil(count * part) for part in (ZERO, FEW, LAST))
    sizes = np.linspace(np.log2(SMALL), np.log2(high - low), count - zero - few - last)
    return low + np.concatenate(
        [
            np.zeros(zero, dtype=np.int64),
            np.linspace(1, SMALL, few).astype(np.int64),
            # Large floats are even: every other number is made odd.
            np.minimum(np.exp2(sizes).astype(np.int64) | np.arange(len(sizes)) % 2, high - low),
            np.full(last, high - low),
        ]
    )


class Words:
    """Drawn bytes as words, read one array after another."""

    def __init__(self, drawn: bytes) -> None:
        self._words = np.frombuffer(drawn, dtype=">u2").astype(np.int64)
        self._read = 0

    def _next(self, count: int) -> np.ndarray:
        words = self._words[self._read : self._read + count]
        assert len(words) == count, "an example of this kind needs more words"
        self._read += count
        return words

    def of(self, numbers: np.ndarray, *shape: int) -> np.ndarray:
        """An array of a shape, of the numbers of a table."""
        how, words = self._next(1)[0], self._next(prod(shape))
        if how < 2 * ALIKE:
            words = np.broadcast_to(words[:1] if how >= ALIKE else 0, words.shape)
        return numbers[words].reshape(shape)

    def below(self, limit: int, *shape: int) -> np.ndarray:
        """An array of a shape, of whole numbers from zero, each as likely as another."""
        return (self._next(prod(shape)) * limit >> 16).reshape(shape)

    def flags(self, *shape: int) -> np.ndarray:
        return self.below(2, *shape).astype(bool)

    def number(self, numbers: np.ndarray) -> int:
        return int(numbers[self._next(1)[0]])

    def count(self, least: int, most: int) -> int:
        """A whole number between bounds, both included."""
        return least + int(self.below(most - least + 1, 1)[0])

    def order(self, count: int) -> np.ndarray:
        """Return the numbers below a count in any order; in their own, if all words are zero."""
        return np.argsort(self._next(count), kind="stable")

    def one_of(self, options: Sequence[Option]) -> Option:
        return options[self.count(0, len(options) - 1)]


def examples_of(
    read: Callable[..., Example], *arguments: object, words: int
) -> st.SearchStrategy[Example]:
    """Whatever a function reads from so many words."""
    drawn = st.binary(min_size=2 * words, max_size=2 * words)
    return drawn.map(lambda drawn: read(Words(drawn), *arguments))


def matrix(rows: int, columns: int, *choices: tuple[int, ...] | range) -> st.SearchStrategy:
    """Integer arrays of one shape, of any of the choices."""
    return examples_of(Words.of, any_of(*choices), rows, columns, words=1 + rows * columns)
