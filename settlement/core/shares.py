"""What a method answers: each unit's share of a game's value, exactly."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Shares:
    """Shares of one interval, as integer numerators over one denominator, Python ints of any size.

    Attributes:
        numerators: by unit; the share in kW x the denominator.
        denominator: at least 1.
        value_all_kw: what all units together are worth, which the shares sum to.
    """

    numerators: tuple[int, ...]
    denominator: int
    value_all_kw: int

    def __post_init__(self) -> None:
        if sum(self.numerators) != self.value_all_kw * self.denominator:
            raise ArithmeticError("shares do not sum to the value of all units")

    def fractions_kw(self) -> tuple[Fraction, ...]:
        """Return the shares in kW, in lowest terms."""
        return tuple(Fraction(numerator, self.denominator) for numerator in self.numerators)
