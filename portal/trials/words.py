"""A trial in words: what the drafts change, what moves, from whom and to whom.

Sentences are made from the stored report; amounts in them are rounded for reading, and the report
holds the exact ones.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from common.currencies import currency
from common.quantities import MICRO, scaled
from portal.study_figures import money as rounded_money
from rulebook.edit_words import edit_lines
from rulebook.merging import ABSENT, Edit
from settlement.billing.lines import LINE_KINDS, Side
from settlement.fairness.price_figures import PPM
from settlement.trials.records import AS_METERED, FIRST_FORMAT, MADE_AGAIN, SECOND_FORMAT, Trial
from settlement.trials.report import (
    DRAFTS,
    GAINS,
    GAINS_LITTLE,
    LAW,
    LOSES,
    LOSES_LITTLE,
    SAME,
    minor_unit_micro,
)
from settlement.trials.seen import PublicTrial

Report = Mapping[str, Any]

CLASS_WORDS = {
    GAINS: "gains",
    GAINS_LITTLE: "gains a little",
    SAME: "nothing changes",
    LOSES_LITTLE: "loses a little",
    LOSES: "loses",
}
MODE_WORDS = {
    AS_METERED: "As metered: nobody is taken to have acted otherwise, so readings stay; prices, "
    "charges, shares and payments change.",
    MADE_AGAIN: "Made again: least-cost dispatch and Fair Play say on every side, the law's too, "
    "what would have been generated and delivered, so that nothing but the draft sets them apart.",
}
MOST_NAMED = 2
LEAST_SAID_MICRO = 10_000
LEAST_NAMED_PPM = 150_000
"""Who has a smaller part in what moves is not named in the sentence, but stands in the table."""
_SCALES = ((10**12, "bn", 9), (10**9, "m", 6))


_FLOWS = {Side.CHARGE: "charged", Side.PAYMENT: "paid"}
_DIMENSIONS = {
    "kind": "By kind of line",
    "product": "By product",
    "size": "By size",
    "technology": "By technology",
}


class Mover(NamedTuple):
    """A participant, and how far what it receives differs from the law."""

    participant: str
    difference_micro: int


def difference_key(draft: str) -> str:
    """Return the name by which a report tells how far a draft differs from the law."""
    return "difference_micro" if draft == DRAFTS[0] else f"{draft}_difference_micro"


def class_key(draft: str) -> str:
    """Return the name by which a report tells the class of a difference."""
    return "class" if draft == DRAFTS[0] else f"{draft}_class"


def draft_words(draft: str) -> str:
    """Return what a draft is called in a sentence."""
    return "draft" if draft == DRAFTS[0] else f"{draft} draft"


def class_words(of_class: str) -> str:
    """Return a class of gain or loss in words."""
    return CLASS_WORDS[of_class]


def least_money(report: Report) -> str:
    """Return below what nothing changes for a participant; "" of a report that has no such bound.

    Before the bound, anything but nothing was a gain or a loss.
    """
    if report.get("format") in (FIRST_FORMAT, SECOND_FORMAT):
        return ""
    return money(minor_unit_micro(report["currency"]), report)


def money(micro: int, report: Report) -> str:
    """Return an amount of a report, rounded for reading."""
    return rounded_money(micro, report["currency"])


def short_money(micro: int, code: str) -> str:
    """Return an amount without sign as a sentence has it: of millions two decimals, rounded down.

    >>> short_money(4_123_456_000_000, "GBP"), short_money(-12_345_000_000, "GBP")
    ('£4.12m', '£12,345')
    >>> short_money(1_234_567_000_000_000, "EUR")
    '€1.23bn'
    """
    whole = abs(micro) // MICRO
    if 0 < abs(micro) < LEAST_SAID_MICRO:
        return f"less than {rounded_money(LEAST_SAID_MICRO, code)}"
    for least, word, digits in _SCALES:
        if whole * 1_000 >= least:
            part = abs(micro) // (MICRO * 10 ** (digits - 2))
            return f"{currency(code).sign}{scaled(part, 2)}{word}"
    return rounded_money(abs(micro), code)


def changed_lines(report: Report, draft: str) -> Iterator[str]:
    """Yield a line for each thing that a draft changes of the law it was drawn from."""
    edits: dict[str, list[Edit]] = {}
    for stored in report["edits"][draft]:
        before = ABSENT if stored["is_new"] else stored["before"]
        after = ABSENT if stored["is_gone"] else stored["after"]
        edits.setdefault(stored["instrument"], []).append(Edit(stored["path"], before, after))
    yield from edit_lines(edits, report["currency"])
    if not edits:
        yield "nothing: it says what the law says"


def days_words(first_day: dt.date, last_day: dt.date) -> str:
    """Return when days are, for a sentence.

    >>> days_words(dt.date(2024, 2, 1), dt.date(2024, 2, 29))
    'in February 2024'
    >>> days_words(dt.date(2024, 1, 1), dt.date(2024, 12, 31))
    'in 2024'
    >>> days_words(dt.date(2024, 1, 1), dt.date(2024, 1, 7))
    'from 1 January 2024 to 7 January 2024'
    """
    after = last_day + dt.timedelta(days=1)
    if first_day.day == 1 and after.day == 1:
        if first_day.month == 1 and after == dt.date(first_day.year + 1, 1, 1):
            return f"in {first_day.year}"
        if (first_day.year, first_day.month) == (last_day.year, last_day.month):
            return f"in {first_day:%B %Y}"
    first, last = (f"{day.day} {day:%B %Y}" for day in (first_day, last_day))
    return f"on {first}" if first_day == last_day else f"from {first} to {last}"


def headline(trial: Trial, draft: str) -> str:
    """Return in a sentence what a draft moves, and mostly from whom to whom."""
    report, days = trial.report, days_words(trial.first_day, trial.last_day)
    title = draft_words(draft)
    moved = report["moved_micro"][draft]
    movers = [
        Mover(row["participant"], row[difference_key(draft)]) for row in report["participants"]
    ]
    lost = -sum(min(mover.difference_micro, 0) for mover in movers)
    if not moved and not lost:
        return f"The {title} changes nobody's money {days}, before tax and interest."
    code = report["currency"]
    gains, loses = _named(movers, 1, "to"), _named(movers, -1, "from")
    takes, gives = short_money(lost, code), short_money(moved, code)
    if moved == lost:
        return f"The {title} moves {gives} {days}, {loses}, {gains}."
    if not moved:
        sentence = f"The {title} takes {takes} {days}, {loses}"
    elif not lost:
        sentence = f"The {title} gives {gives} {days}, {gains}"
    else:
        sentence = f"The {title} takes {takes} {days}, {loses}, and gives {gives}, {gains}"
    # Charges = payments + what equalisation keeps: what participants do not gain, it does.
    word = "goes to" if lost > moved else "comes out of"
    return f"{sentence}; {short_money(lost - moved, code)} {word} equalisation."


def public_headline(trial: PublicTrial, draft: str) -> str:
    """Return in a sentence what everybody may know of what a draft moves."""
    days, title = days_words(trial.first_day, trial.last_day), draft_words(draft)
    report = trial.report
    if "totals" not in report:
        return f"A draft tried {days}, by an earlier release"
    code, moved = report["currency"], report["moved"][draft]
    law, new = (
        rounded_money(report["totals"][side]["prices"]["mean_micro_per_mwh"], code)
        for side in (LAW, draft)
    )
    price = f"the mean price {days} is {new} per MWh, " + (
        "as under the law" if law == new else f"{law} under the law"
    )
    gained, lost = moved["gained_micro"], moved["lost_micro"]
    if gained is None or lost is None:
        return f"Under the {title}, {price}."
    if not gained and not lost:
        return f"The {title} changes nobody's money {days}, before tax and interest."
    gives, takes = short_money(gained, code), short_money(lost, code)
    return f"The {title} gives {gives} to some and takes {takes} from others; {price}."


def _named(movers: Sequence[Mover], sign: int, word: str) -> str:
    """Return to or from whom most of what moves one way goes, or whoever is the only one."""
    of_sign = sorted(
        (mover for mover in movers if mover.difference_micro * sign > 0),
        key=lambda mover: (-abs(mover.difference_micro), mover.participant),
    )
    whole = sum(abs(mover.difference_micro) for mover in of_sign)
    named = [
        mover.participant
        for place, mover in enumerate(of_sign[:MOST_NAMED])
        if place == 0 or abs(mover.difference_micro) * PPM >= LEAST_NAMED_PPM * whole
    ]
    mostly = "mostly " if len(named) < len(of_sign) else "all "
    return f"{mostly}{word} {' and '.join(named)}"


def written_group(dimension: str) -> str:
    """Return what a dimension of groups is called.

    >>> written_group("kind"), written_group("layer zone")
    ('By kind of line', 'By zone')
    """
    return _DIMENSIONS.get(dimension, f"By {dimension.removeprefix('layer ')}")


def written_kind(code: str) -> str:
    """Return what a kind of line is called, and which way its money flows."""
    kind = LINE_KINDS.get(code)
    return code if kind is None else f"{kind.title}, {_FLOWS[kind.side]}"


def total_rows(report: Report, sides: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the totals of a report, a row each: its title, and a cell a side, law first."""
    totals = [report["totals"][side] for side in sides]

    for key, title in (
        ("charges_micro", "Charged"),
        ("payments_micro", "Paid"),
        ("equalisation_micro", "Kept by equalisation"),
    ):
        yield (title, [money(total[key], report) for total in totals])
    prices = [total["prices"] for total in totals]
    for key, title in (
        ("lowest_micro_per_mwh", "Lowest price, per MWh"),
        ("mean_micro_per_mwh", "Mean price, per MWh"),
        ("highest_micro_per_mwh", "Highest price, per MWh"),
    ):
        yield (title, [money(price[key], report) for price in prices])
    yield ("Intervals at the cap", [f"{price['intervals_at_cap']:,}" for price in prices])
    households = [total["households"] for total in totals]
    yield (
        "Gini of household charges",
        ["-" if each["gini_ppm"] is None else scaled(each["gini_ppm"], 6) for each in households],
    )
