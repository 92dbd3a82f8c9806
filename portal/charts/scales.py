"""Where whole numbers stand in a drawing: the one place in which they are rounded.

Positions are tenths of a unit of the drawing, whole too, so that the same values give the same
bytes on every machine.
"""

from dataclasses import dataclass

TENTHS = 10


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high`, laid from `start` to `end`, which may be below `start`.

    Where `high` is `low`, it stands at the start.
    """

    low: int
    high: int
    start: int
    end: int

    def at(self, value: int) -> int:
        """Return the position of a value to the nearest tenth, a half of one towards `+`.

        >>> Scale(0, 3, 0, 100).at(1), Scale(0, 8, 100, 0).at(1)
        (33, 88)
        """
        span = (self.high - self.low) or 1
        return self.start + (2 * (value - self.low) * (self.end - self.start) + span) // (2 * span)


def written(tenths: int) -> str:
    """Return a position as SVG takes it.

    >>> written(125), written(120), written(-5)
    ('12.5', '12', '-0.5')
    """
    whole, part = divmod(abs(tenths), TENTHS)
    return f"{'-' if tenths < 0 else ''}{whole}{f'.{part}' if part else ''}"


def round_values(low: int, high: int, most: int) -> list[int]:
    """Return at most `most` round values from `low` to `high`.

    >>> round_values(0, 1_650_000, 6)
    [0, 500000, 1000000, 1500000]
    >>> round_values(-3, 0, 6)
    [-3, -2, -1, 0]
    """
    step = 1
    while (high - low) // step >= most:
        step = _next_round(step)
    return list(range(-(-low // step) * step, high + 1, step))


def round_step(largest: int, parts: int) -> int:
    """Return the least round value of which so many together are not below `largest`.

    >>> round_step(1_650_000, 4), round_step(3, 4), round_step(0, 4)
    (500000, 1, 1)
    """
    step = 1
    while step * parts < largest:
        step = _next_round(step)
    return step


def _next_round(step: int) -> int:
    """Return the value after 1, 2, 5, 10, 20, 50 and so on."""
    return step * 5 // 2 if str(step)[0] == "2" else step * 2
