"""How a metered day was operated: who was on, and what storage held."""

import numpy as np

from settlement.dispatch.model import MILLION, DispatchModel, Integers
from settlement.dispatch.prices import KnownOperation


def known_operation(model: DispatchModel, generation_wh: Integers) -> KnownOperation:
    """Return what metered generation, int64[U, T], tells of how a day was operated.

    No meter tells what storage held at first: it is taken as half full, or as close to that as
    what was given and taken in allows. Losses of charging are rounded down in each interval.

    Example: of 40 MWh, one that gives 30 first begins with 30, and ends with 0.
    """
    taken_in_wh = np.maximum(-generation_wh, 0)
    kept_wh = taken_in_wh * model.round_trip_efficiency_ppm[:, np.newaxis] // MILLION
    change_wh = np.cumsum(kept_wh - np.maximum(generation_wh, 0), axis=1)
    lowest_wh = np.minimum(change_wh.min(axis=1, initial=0), 0)
    highest_wh = np.maximum(change_wh.max(axis=1, initial=0), 0)
    begins_wh = np.maximum(
        np.minimum(model.storage_wh // 2, model.storage_wh - highest_wh), -lowest_wh
    )
    begins_wh = np.minimum(begins_wh, model.storage_wh)
    last_wh = change_wh[:, -1] if change_wh.size else np.zeros_like(begins_wh)
    ends_wh = np.clip(begins_wh + last_wh, 0, model.storage_wh)
    return KnownOperation(generation_wh > 0, begins_wh, ends_wh)
