"""Versions as commands print them."""

import datetime as dt
from collections.abc import Iterator

from rulebook.clause_text import fill_clause
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
    return _line("published" if version.appended else "unchanged", version)


def ended_line(version: PublishedVersion) -> str:
    """Return a version that was ended as one line."""
    return _line("ended" if version.appended else "unchanged", version)


def _line(what: str, version: PublishedVersion) -> str:
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


def clauses_as_dicts(version: PinnedVersion, rules: RuleSet) -> list[dict[str, str]]:
    """Return the clauses of a version as JSON values, the values that they name filled in."""
    return [{"anchor": anchor, "text": text} for anchor, text in _clauses(version, rules)]


def clause_lines(version: PinnedVersion, rules: RuleSet) -> list[str]:
    """Return the clauses of a version, a line each, the values that they name filled in."""
    return [f"  {anchor}  {text}" for anchor, text in _clauses(version, rules)]


def _clauses(version: PinnedVersion, rules: RuleSet) -> Iterator[tuple[str, str]]:
    document = next(each for each in rules.documents if each.instrument == version.instrument)
    for clause in document.clauses:
        yield clause.anchor, str(fill_clause(document, clause.text, rules.market_rules.currency))


def _validity(valid_from: dt.datetime, valid_to: dt.datetime | None) -> str:
    return f"{valid_from:%Y-%m-%dT%H:%MZ} to {f'{valid_to:%Y-%m-%dT%H:%MZ}' if valid_to else '...'}"
