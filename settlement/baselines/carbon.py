"""Carbon of what units generate: an intensity that their registration states, times energy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rulebook.documents.registration import Unit
from settlement.core.arrays import Integers

MILLIGRAMS_PER_GRAM = 1_000


@dataclass
class Carbon:
    """Carbon dioxide equivalent of some days.

    Attributes:
        milligrams: Wh times grams per kWh, exactly; of units whose registration states a value.
        stated: whether there is any of those.
        not_stated: the units that generated, and whose registration states no value. What they
            emit is in no figure.
    """

    milligrams: int = 0
    stated: bool = False
    not_stated: set[str] = field(default_factory=set)

    def add(self, units: Mapping[str, tuple[str, Unit]], generation_wh: Integers) -> None:
        """Add a day.

        Args:
            units: by name, in the order of the rows.
            generation_wh: int64[U, T]; what storage takes in emits nothing, and neither does what
                it gives back but by its own value: what it took in was counted where generated.
        """
        generated_wh = np.maximum(generation_wh, 0).sum(axis=1).tolist()
        for (name, (_, unit)), energy_wh in zip(units.items(), generated_wh, strict=True):
            if unit.carbon_g_per_kwh is not None:
                self.stated = True
                self.milligrams += energy_wh * unit.carbon_g_per_kwh
            elif energy_wh:
                self.not_stated.add(name)

    @property
    def grams(self) -> int | None:
        """Whole grams, rounded down once; None where no unit states a value.

        Example: 1,500 Wh at 490 g a kWh are 735,000 mg: 735 g.
        """
        return self.milligrams // MILLIGRAMS_PER_GRAM if self.stated else None

    def as_json(self) -> dict[str, Any]:
        """Return grams, and the units of which nothing is known, in order."""
        return {"carbon_g": self.grams, "carbon_not_stated": sorted(self.not_stated)}
