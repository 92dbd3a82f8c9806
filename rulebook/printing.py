"""Versions as commands print them."""

import datetime as dt

from rulebook.publishing import PublishedVersion
from rulebook.resolve import PinnedVersion, RuleSet


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
