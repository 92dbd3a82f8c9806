"""What the form of a trial sends, read into drafts and days; complaints are sentences. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portal.days import parse_day
from portal.trials.sources import Source
from settlement.trials.records import AS_METERED, MODES

MOST_PERCENT, PPM_PER_PERCENT = 100, 10_000
LONGEST_DAYS = 366
"""Of a trial from a page: a year takes a minute; by command it may be longer."""
MUCH_PERCENT = "1"


@dataclass
class TrialForm:
    """A form as it was sent; `complaints` says what to put right before anything is tried."""

    draft: str = ""
    second: str = ""
    first_day: str = ""
    last_day: str = ""
    threshold_percent: str = MUCH_PERCENT
    mode: str = AS_METERED
    sources: list[Source] = field(default_factory=list)
    days: tuple[dt.date, dt.date] | None = None
    threshold_ppm: int = 0
    complaints: list[str] = field(default_factory=list)


def read_form(typed: Mapping[str, str], known: Sequence[Source]) -> TrialForm:
    """Return what was typed, as it was and as it is understood, with every complaint."""
    form = TrialForm(
        draft=typed.get("draft", ""),
        second=typed.get("second", ""),
        first_day=typed.get("first_day", "").strip(),
        last_day=typed.get("last_day", "").strip(),
        threshold_percent=typed.get("threshold_percent", "").strip(),
        mode=typed.get("mode", AS_METERED),
    )
    _read_sources(form, {source.key: source for source in known})
    _read_days(form)
    _read_threshold(form)
    if form.mode not in MODES:
        form.complaints.append("Choose how days are tried: as metered, or made again.")
    return form


def _read_sources(form: TrialForm, known: Mapping[str, Source]) -> None:
    if form.draft not in known:
        form.complaints.append("Choose the draft that is to be tried.")
    if form.second and form.second not in known:
        form.complaints.append("Choose a second draft that waits, or none.")
    if form.draft and form.draft == form.second:
        form.complaints.append("Choose another draft as the second one, or none.")
    form.sources = [known[key] for key in (form.draft, form.second) if key in known]
    if len({source.market for source in form.sources}) > 1:
        form.complaints.append("Choose two drafts of the law of one market.")


def _read_days(form: TrialForm) -> None:
    first_day, last_day = parse_day(form.first_day), parse_day(form.last_day)
    if first_day is None or last_day is None:
        form.complaints.append("Write the first and the last day as 2024-01-31.")
    elif last_day < first_day:
        form.complaints.append("Choose a last day that is not before the first.")
    elif (last_day - first_day).days >= LONGEST_DAYS:
        form.complaints.append(f"Choose at most {LONGEST_DAYS} days; a command tries more.")
    else:
        form.days = first_day, last_day


def _read_threshold(form: TrialForm) -> None:
    text = form.threshold_percent
    # Digits alone, and few: Python would read more than a column holds, and signs of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= 3) or int(text) > MOST_PERCENT:
        form.complaints.append("Write the threshold as a whole number from 0 to 100.")
    else:
        form.threshold_ppm = int(text) * PPM_PER_PERCENT
