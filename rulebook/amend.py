"""What a publication does to the versions before it: pure, so that it can be tried and shown."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from rulebook.versions import Version


@dataclass(frozen=True)
class Remainder:
    """A stretch of valid time in which a closed version goes on applying."""

    of: Version
    valid_from: dt.datetime
    valid_to: dt.datetime | None


@dataclass(frozen=True)
class Amendment:
    """The versions that a publication closes, and the pieces of them that remain."""

    closes: tuple[Version, ...]
    remainders: tuple[Remainder, ...]


def amend(
    current: Iterable[Version],
    instrument: str,
    valid_from: dt.datetime,
    valid_to: dt.datetime | None,
) -> Amendment:
    """Return what publishing `instrument` for [valid_from, valid_to) does to `current`.

    `current` are versions whose recorded time is open. Each that the new validity touches is
    closed, and the part of it before, and the part after, remain: publishing March over a version
    for the year leaves January to February, and April to December.
    """
    closes = tuple(
        version
        for version in current
        if version.instrument == instrument and version.valid_within(valid_from, valid_to)
    )
    remainders: list[Remainder] = []
    for version in closes:
        if version.valid_from < valid_from:
            remainders.append(Remainder(version, version.valid_from, valid_from))
        if valid_to is not None and (version.valid_to is None or valid_to < version.valid_to):
            remainders.append(Remainder(version, valid_to, version.valid_to))
    return Amendment(closes, tuple(remainders))
