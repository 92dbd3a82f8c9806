"""A lottery that anyone can draw again: which indivisible requests are met.

**The bytes.** Number i of a lottery, i = 0, 1, 2, ..., is a big-endian integer of 256 bits ::

    SHA-256( seed (32 bytes) + i (8 bytes, big-endian) )

A draw among n tickets takes the next number x. If ``x < 2**256 - 2**256 % n`` the ticket drawn is
``x % n``; otherwise x is passed over and the next number is taken, so no ticket is favoured. The
seed of one drawing is ::

    SHA-256( b"tallystick lottery 1\\n" + digest (32 bytes) + place (UTF-8) )

with the digest of the run's inputs, which nobody could choose after the fact, and the place of the
drawing in words, so that no two drawings of a run share their numbers.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

SEED_PREFIX = b"tallystick lottery 1\n"
DIGEST_BYTES = 32
_NUMBERS = 1 << 256


def lottery_seed(input_digest: bytes, place: str) -> bytes:
    """Return the seed of one drawing of a run, 32 bytes.

    Args:
        input_digest: 32 bytes, the digest of the run's inputs.
        place: unique within the run, such as ``2024-01-17 35 N0 flexible``.

    Raises:
        ValueError: the digest does not have 32 bytes.
    """
    return sha256(SEED_PREFIX + _checked(input_digest) + place.encode()).digest()


def make_drawing(seed: bytes) -> Callable[[int], int]:
    """Return a function that draws the next ticket below n, for n of 1 to 2**256.

    Raises:
        ValueError: the seed does not have 32 bytes.
    """
    _checked(seed)
    number = 0

    def draw(tickets: int) -> int:
        nonlocal number
        while True:
            block = sha256(seed + number.to_bytes(8, "big")).digest()
            number += 1
            drawn = int.from_bytes(block, "big")
            # Past the last whole multiple of n, the first tickets would be drawn more often.
            if drawn < _NUMBERS - _NUMBERS % tickets:
                return drawn % tickets

    return draw


def draw_winners(
    amount: int, sizes: Sequence[int], tickets: Sequence[int], draw: Callable[[int], int]
) -> list[int]:
    """Return the indices of requests that are met whole, in the order of drawing.

    As long as a request fits in what is left, one ticket is drawn among those of all requests that
    fit, lowest index first. Its holder is met and leaves. What is left at the end is smaller than
    any request not met.

    Example: 10 is left for requests of 7, 4 and 6 with 1, 2 and 3 tickets. All fit; ticket 2 of
    0..5 belongs to the second. 6 is left: only the third fits, and is met.

    Args:
        amount: to be given out, not negative.
        sizes: of each request; a request of 0 takes no part.
        tickets: of each request, above 0.
        draw: see `make_drawing`.
    """
    met: list[int] = []
    waiting = [index for index, size in enumerate(sizes) if size > 0]
    while waiting := [index for index in waiting if sizes[index] <= amount]:
        ticket = draw(sum(tickets[index] for index in waiting))
        for index in waiting:
            ticket -= tickets[index]
            if ticket < 0:
                break
        met.append(index)
        amount -= sizes[index]
        waiting.remove(index)
    return met


def _checked(seed: bytes) -> bytes:
    if len(seed) != DIGEST_BYTES:
        raise ValueError(f"a seed of {len(seed)} bytes: {DIGEST_BYTES} are needed")
    return seed
