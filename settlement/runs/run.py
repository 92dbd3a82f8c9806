"""A run: the inputs it is pinned to, and the digests by which it can be proven.

A run settles consecutive days. It is pinned to rule versions by digest, a period each, and to
readings by the moment up to which they were known. `input_digest` is the Merkle root over the
pins and over the digest of every reading; equal inputs give equal digests, whoever computes.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.chain import encode
from ledger.journal import STUDY
from ledger.tree import leaf_hash, merkle_root

ENGINE_VERSION = "3"
"""Raised by every change that can alter a result; a replay with another version says so."""


PIN_TAG = "tallystick.pin.1"
RUN_TAG = "tallystick.run.1"


def is_earlier_engine(version: str) -> bool:
    """Return whether a version is one that an earlier release had, and not one that none ever had.

    >>> [version for version in ("0", "1", "01", "2", "9", "one") if is_earlier_engine(version)]
    ['1']
    """
    return version in {str(number) for number in range(1, int(ENGINE_VERSION))}


@dataclass(frozen=True, order=True)
class Pin:
    """A rule version that a run obeys from `first_day` to `last_day`, both included."""

    first_day: dt.date
    last_day: dt.date
    instrument: str
    digest: bytes

    def as_json(self) -> dict[str, str]:
        """Return the pin as it is stored."""
        return {
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "instrument": self.instrument,
            "digest": self.digest.hex(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, str]) -> "Pin":
        """Return a stored pin."""
        return cls(
            dt.date.fromisoformat(stored["first_day"]),
            dt.date.fromisoformat(stored["last_day"]),
            stored["instrument"],
            bytes.fromhex(stored["digest"]),
        )


@dataclass(frozen=True)
class Run:
    """One settlement of consecutive days, complete."""

    id: uuid.UUID
    market: str
    kind: str
    first_day: dt.date
    last_day: dt.date
    known_at: dt.datetime
    pins: tuple[Pin, ...]
    input_digest: bytes
    engine_version: str
    result_digest: bytes
    created_at: dt.datetime

    @property
    def days(self) -> list[dt.date]:
        """The settlement days of the run, in order."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + dt.timedelta(days=offset) for offset in range(count)]

    @property
    def law_pins(self) -> tuple[Pin, ...]:
        """The pins to published rules; the others are what a study laid over them."""
        return tuple(pin for pin in self.pins if not is_study_pin(pin))

    @property
    def digest(self) -> bytes:
        """Digest over every column of the run's row."""
        pins = tuple(_pin_bytes(pin) for pin in self.pins)
        return leaf_hash(
            encode(
                RUN_TAG,
                (
                    self.id,
                    self.market,
                    self.kind,
                    self.first_day,
                    self.last_day,
                    self.known_at,
                    pins,
                    self.input_digest,
                    self.engine_version,
                    self.result_digest,
                    self.created_at,
                ),
            )
        )


def study_pin(first_day: dt.date, last_day: dt.date, market: str, name: str, digest: bytes) -> Pin:
    """Return a pin to something of a study's own, such as its `overlay`."""
    return Pin(first_day, last_day, f"{market}/{STUDY}/{name}", digest)


def is_study_pin(pin: Pin) -> bool:
    """Return whether a pin names something of a study's own, which was never published."""
    return pin.instrument.split("/")[1:2] == [STUDY]


def input_digest(pins: Sequence[Pin], reading_digests: Iterable[bytes]) -> bytes:
    """Return the digest of a run's inputs.

    Args:
        pins: the rule versions, in their sort order.
        reading_digests: the digests of the readings by day, measure and entity.
    """
    # Neither known_at nor the kind is in it: a later look that finds the same has equal inputs.
    return merkle_root([*pin_leaves(pins), *reading_digests])


def pin_leaves(pins: Iterable[Pin]) -> list[bytes]:
    """Return the leaf hashes of pins in their sort order: they come first among a run's inputs."""
    return [leaf_hash(_pin_bytes(pin)) for pin in sorted(pins)]


def _pin_bytes(pin: Pin) -> bytes:
    return encode(PIN_TAG, (pin.first_day, pin.last_day, pin.instrument, pin.digest))
