"""What two trials tell together: of periods that share days, what lies between them. Pure.

A month beside its quarter tells the other two months: whoever subtracts the sums of one from those
of the other has a trial of the difference. So each pair is held to the rule for one trial: a sum
that both tell is told by neither where that of the difference would be withheld
(`settlement.fairness.suppression`). The law is one side in all trials; a draft is that of another
where both tried the same text. Of three trials together nobody is asked.

A trial that is stored says of each before it, of its market and sharing a day, which sums those
are. They are withheld, of both, while everybody may know of both (`database.trial_access`).
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from settlement.fairness.suppression import Parts, told_sums
from settlement.trials.public import TOTALS, group_name, places_of_groups, places_of_totals
from settlement.trials.report import LAW

MOVED = "moved"
"""In the place of a sum: what those who gain, and those who lose, do together."""


class Told(NamedTuple):
    """A trial as another is held to it: its drafts by their digests, and its report."""

    id: uuid.UUID
    drafts: Sequence[Mapping[str, Any]]
    report: Mapping[str, Any]


def beside(trial: Told, others: Iterable[Told]) -> list[dict[str, Any]]:
    """Return of each other trial which sums neither tells while both are public, where any is.

    Args:
        trial: with what its report tells everybody.
        others: of its market, each of which shares a day with it, in any order.
    """
    found = ((other.id, withheld_beside(trial, other)) for other in others)
    return [
        {"trial": str(of_trial), "withheld": names}
        for of_trial, names in sorted(found, key=lambda each: str(each[0]))
        if names
    ]


def withheld_beside(trial: Told, other: Told) -> list[str]:
    """Return the sums that two trials tell, each alone, and whose difference would be withheld."""
    if not (trial.report.get("public") and other.report.get("public")):
        return []  # of an earlier release, which tells nothing
    cells = list(_differences(trial, other))
    parts = Parts((cell["participant"], cell["amounts"]) for cell in cells)
    named = places_of_totals(cells) | places_of_groups(cells)
    both = told_names(trial.report) & told_names(other.report)
    # A sum of no cell is nothing in both, and so is what lies between.
    sums = {name: named[name] for name in both if name in named}
    told = told_sums(parts, sums, [name for name in TOTALS if name in sums])
    # Who gains may be others in each, so what they do together is no sum of the same cells.
    moves = any(any(cell["amounts"]) for cell in cells) and any(
        None not in (*trial.report["public"]["moved"][own].values(),
                     *other.report["public"]["moved"][theirs].values())
        for own, theirs in _shared_sides(trial, other)[1:]
    )  # fmt: skip
    return [*sorted(sums.keys() - told), *([MOVED] if moves else [])]


def told_names(report: Mapping[str, Any]) -> set[str]:
    """Return the names of the sums of money that a report tells everybody, on every side."""
    public = report["public"]
    return {name for name in TOTALS if public["totals"][LAW][name] is not None} | {
        group_name(dimension, row["name"])
        for dimension, rows in public["groups"].items()
        for row in rows
        if "law_micro" in row
    }


def _shared_sides(trial: Told, other: Told) -> list[tuple[str, str]]:
    """Return the sides that are one: the law of both, and every draft that both tried."""
    theirs = {draft["digest"]: draft["name"] for draft in other.drafts}
    return [
        (LAW, LAW),
        *(
            (draft["name"], theirs[draft["digest"]])
            for draft in trial.drafts
            if draft["digest"] in theirs
        ),
    ]


def _differences(trial: Told, other: Told) -> Iterator[dict[str, Any]]:
    """Yield the cells of either trial, with what lies between them on each shared side."""
    sides = _shared_sides(trial, other)
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = {}
    for told, sign, place in ((trial, 1, 0), (other, -1, 1)):
        for cell in told.report["cells"]:
            key = cell["participant"], tuple(sorted(cell["groups"].items()))
            amounts = found.setdefault(key, [0] * len(sides))
            for number, pair in enumerate(sides):
                amounts[number] += sign * cell[f"{pair[place]}_micro"]
    for (participant, groups), amounts in sorted(found.items()):
        yield {"participant": participant, "groups": dict(groups), "amounts": amounts}
