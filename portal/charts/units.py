"""What the values of a chart are measured in, and how people read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.currencies import MICRO_DIGITS, NO_BREAK_SPACE, currency
from common.quantities import MINUS, YEARLY_UNITS, is_money, scaled, with_unit

_SHORT = ((10**15, 15, "bn"), (10**12, 12, "m"), (10**10, 9, "k"))
"""From which largest value in micro on an axis counts in what: its zeros, and its letters."""
_AXIS_OF = {"Wh": (6, "MWh"), "W": (6, "MW"), "ppm": (4, "%")}
"""Digits below the unit of an axis, and its name."""


@dataclass(frozen=True)
class Unit:
    """A unit of `common.quantities`, such as `micro per MWh`, with a currency where it is money."""

    name: str
    currency: str = ""

    def __post_init__(self) -> None:
        if self.name == YEARLY_UNITS:
            raise ValueError("money of a year is drawn in micro per year")

    @property
    def axis_name(self) -> str:
        """What an axis is called.

        >>> Unit("micro per MWh", "GBP").axis_name, Unit("Wh").axis_name, Unit("days").axis_name
        ('£ per\\xa0MWh', 'MWh', 'days')
        """
        if not is_money(self.name):
            return _AXIS_OF.get(self.name, (0, self.name))[1]
        per = self.name.removeprefix("micro").replace("/", " per ")
        return currency(self.currency).sign.strip() + per.replace("per ", f"per{NO_BREAK_SPACE}")

    def exact(self, value: int) -> str:
        """Return a value as tables and sentences state it."""
        return with_unit(value, self.name, self.currency)

    def cell(self, value: int) -> str:
        """Return a value as it stands below `title`, which says per what.

        >>> Unit("micro per MWh", "GBP").cell(90_000_000), Unit("Wh").cell(1_500)
        ('£90.00', '1.5\\xa0kWh')
        """
        return with_unit(value, "micro" if is_money(self.name) else self.name, self.currency)

    def title(self, name: str) -> str:
        """Return the title of a column of values.

        >>> Unit("micro per MWh", "GBP").title("Net export"), Unit("Wh").title("Net export")
        ('Net export, per\\xa0MWh', 'Net export')
        """
        _, _, per = self.axis_name.partition(" ") if is_money(self.name) else ("", "", "")
        return f"{name}, {per}" if per else name

    def on_axis(self, values: Sequence[int]) -> list[str]:
        """Return what stands at values of an axis, exact, and short where all are large.

        >>> Unit("micro per MWh", "GBP").on_axis([0, 2_000_000_000]), Unit("Wh").on_axis([500_000])
        (['£0', '£2,000'], ['0.5'])
        >>> Unit("micro", "GBP").on_axis([-500_000_000_000, 0, 1_000_000_000_000])
        ['−£0.5m', '£0', '£1m']
        """
        if not is_money(self.name):
            digits, _ = _AXIS_OF.get(self.name, (0, ""))
            part = f"{NO_BREAK_SPACE}%" if self.name == "ppm" else ""
            return [f"{scaled(value, digits)}{part}" for value in values]
        largest = max(map(abs, values), default=0)
        sign = currency(self.currency).sign
        digits, letters = next(
            ((zeros, letters) for least, zeros, letters in _SHORT if largest >= least),
            (MICRO_DIGITS, ""),
        )
        return [
            f"{MINUS if value < 0 else ''}{sign}{scaled(abs(value), digits)}{letters * bool(value)}"
            for value in values
        ]
