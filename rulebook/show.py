"""Versions as commands print them, and days and instants as commands are given them."""

import argparse
import datetime as dt

from rulebook.publishing import PublishedVersion
from rulebook.resolve import PinnedVersion, RuleSet


def day(written: str) -> dt.date:
    """Return the day that a command's argument names; argparse shows the error."""
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{written!r} is not a day; write it as YYYY-MM-DD"
        ) from None


def instant(written: str) -> dt.datetime:
    """Return the instant that a command's argument names; argparse shows the error."""
    try:
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{written!r} is not an instant; write it as 2024-03-01T09:00Z, with its offset"
        )
    return moment.astimezone(dt.UTC)


def published_as_dict(version: PublishedVersion) -> dict[str, object]:
    """Return a published version as JSON values."""
    return {
        "id": str(version.id),
        "instrument": version.instrument,
        "title": version.title,
        "digest": version.digest.hex(),
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        "recorded_from": version.recorded_from.isoformat(),
        "appended": version.appended,
        "closed": [str(identity) for identity in version.closed],
        "remainders": [str(identity) for identity in version.remainders],
    }


def published_line(version: PublishedVersion) -> str:
    """Return a published version as one line."""
    what = "published" if version.appended else "unchanged"
    return (
        f"{what}  {version.instrument}  {version.digest.hex()[:16]}  "
        f"{_validity(version.valid_from, version.valid_to)}  {version.title}"
    )


def pinned_as_dict(version: PinnedVersion, rules: RuleSet) -> dict[str, object]:
    """Return a version of a rule set as JSON values."""
    return {
        "id": str(version.id),
        "instrument": version.instrument,
        "title": rules.titles[version.instrument],
        "digest": version.digest.hex(),
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        "recorded_from": version.recorded_from.isoformat(),
    }


def pinned_line(version: PinnedVersion, rules: RuleSet) -> str:
    """Return a version of a rule set as one line."""
    return (
        f"{version.instrument}  {version.digest.hex()[:16]}  "
        f"{_validity(version.valid_from, version.valid_to)}  {rules.titles[version.instrument]}"
    )


def _validity(valid_from: dt.datetime, valid_to: dt.datetime | None) -> str:
    return f"{valid_from:%Y-%m-%dT%H:%MZ} to {f'{valid_to:%Y-%m-%dT%H:%MZ}' if valid_to else '...'}"
