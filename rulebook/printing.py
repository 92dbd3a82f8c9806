"""Versions as commands print them."""

import datetime as dt
from collections.abc import Iterator

from rulebook.clause_text import fill_clause
from rulebook.outlook import Outlook
from rulebook.publishing import PublishedVersion
from rulebook.resolve import PinnedVersion, RuleSet
from rulebook.standing import Ahead


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


def pinned_as_dict(version: PinnedVersion, rules: RuleSet, outlook: Outlook) -> dict[str, object]:
    """Return a version of a rule set as JSON values, with how its text stands and what comes."""
    standing = outlook.standings[version.instrument]
    change = outlook.ahead.get(version.instrument)
    return {
        "id": str(version.id),
        "instrument": version.instrument,
        "title": rules.titles[version.instrument],
        "digest": version.digest.hex(),
        "state": outlook.state_of((version.valid_from, version.valid_to)),
        "valid_from": version.valid_from.isoformat(),
        "valid_to": version.valid_to.isoformat() if version.valid_to else None,
        "recorded_from": version.recorded_from.isoformat(),
        "first_recorded_from": standing.first.recorded_from.isoformat(),
        "validity_changed": [
            {"recorded": cut.recorded_from.isoformat(), "proposal": cut.approval}
            for cut in standing.cuts
        ],
        "changes": change_as_dict(change, outlook) if change else None,
    }


def pinned_line(version: PinnedVersion, rules: RuleSet, outlook: Outlook) -> str:
    """Return a version of a rule set as one line, with what comes after it."""
    change = outlook.ahead.get(version.instrument)
    return (
        f"{version.instrument}  {version.digest.hex()[:16]}  "
        f"{_validity(version.valid_from, version.valid_to)}  {rules.titles[version.instrument]}"
        + (f"; {_change_words(change, outlook)}" if change else "")
    )


def change_as_dict(change: Ahead, outlook: Outlook) -> dict[str, object]:
    """Return a change that is scheduled as JSON values; without a digest, the document ends."""
    digest = change.digest.hex() if change.digest else None
    return {"day": outlook.day_of(change).isoformat(), "digest": digest}


def ahead_line(instrument: str, change: Ahead, outlook: Outlook) -> str:
    """Return a change that is scheduled as one line."""
    begins = instrument not in outlook.standings
    return f"{instrument}  {_change_words(change, outlook, 'begins' if begins else 'changes')}"


def begin_later(outlook: Outlook) -> dict[str, Ahead]:
    """Return the changes by which a document begins to apply that does not yet."""
    return {
        instrument: change
        for instrument, change in outlook.ahead.items()
        if instrument not in outlook.standings
    }


def _change_words(change: Ahead, outlook: Outlook, what: str = "changes") -> str:
    day = outlook.day_of(change)
    if change.digest is None:
        return f"ends: its last day is {day - dt.timedelta(days=1)}"
    return f"{what} on {day} to {change.digest.hex()[:16]}"


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
