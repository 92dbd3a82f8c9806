"""Minimum output and ramp of units, as limits in MW of each interval of a window.

A unit runs at its minimum or above, or not at all. Where less than its minimum is available, the
minimum is what is available: the reading of the day outranks the registration, as in markets where
a unit whose available power falls below its stated minimum states both again. (The strict form
of unit commitment switches such a unit off; see docs/thesis-script.md for what that would lose.)

From one interval to the next the power of a unit that runs rises and falls by at most its ramp x
the length of the interval. Besides,

- a unit that starts reaches its minimum in its first interval, and one that stops falls from it
  in one, as in Carrión and Arroyo, "A computationally efficient mixed-integer linear formulation
  for the thermal unit commitment problem" (2006), with a start-up and a shut-down ramp of the
  minimum where the ramp is slower;
- what availability takes from a unit is lost at once, however fast;
- where availability returns to a unit that ran below its minimum, so does the minimum at once.
"""

from dataclasses import dataclass

import numpy as np

from settlement.dispatch.block import Block
from settlement.dispatch.model import MILLION, DispatchModel, FleetState, Floats, Integers


@dataclass(frozen=True, eq=False)
class Limits:
    """The limits of the intervals of a window, float[T, R] of ramped units in the order of a block.

    Attributes:
        rise, fall: between two intervals in which the unit is on.
        start, stop: from off to on, and from on to off.
        before: float[R], power in the interval before the first; None where it is not known, and
            then nothing limits how the first interval is reached.
    """

    rise: Floats
    fall: Floats
    start: Floats
    stop: Floats
    before: Floats | None


def least_mw(model: DispatchModel, units: Integers, available_w: Integers) -> Floats:
    """Return float[T, units]: the least power of units that run."""
    least_w = np.minimum(model.minimum_w[units, np.newaxis], available_w[units])
    return np.asarray(least_w.T / MILLION)


def limits_of(
    model: DispatchModel, block: Block, available_w: Integers, before: FleetState | None
) -> Limits:
    """Return the limits of a window."""
    units = block.ramped
    ramp = (model.ramp_w_per_h[units] * model.hours / MILLION)[np.newaxis]
    most = available_w[units].T / MILLION
    least = least_mw(model, units, available_w)
    power = None
    if before is not None and before.power_w is not None:
        power = np.maximum(before.power_w[units], 0) / MILLION
    # Of the interval before the first, its power says what was available and what was the least.
    first = most[:1] if power is None else power[np.newaxis]
    first_least = np.minimum(first, model.minimum_w[units] / MILLION)
    most_before = np.concatenate((first, most[:-1]))
    least_before = np.concatenate((first_least, least[:-1]))
    lost = most_before - most
    return Limits(
        rise=np.maximum(ramp, least - least_before),
        fall=np.maximum(ramp, lost),
        start=np.maximum(ramp, least),
        stop=np.maximum.reduce((np.broadcast_to(ramp, most.shape), least_before, lost)),
        before=power,
    )
