"""What everybody may be told of a trial: sums of many participants, made of its report. Pure.

``totals``
    of each side what was charged and paid and what equalisation keeps, prices and their duration,
    the highest tightness, and how unevenly households are charged.
``moved``
    of each draft what those who gain receive more, and those who lose less, together.
``classes``
    of each draft how many participants gain, lose, or neither: not how many do so by more than the
    threshold of the trial, as two of them would tell of who lies between.
``groups``
    what each group receives on each side, by dimension.
``fairness``
    of each side the figures of fairness that are ratios.

A sum that would tell of one participant is null, or has a name and nothing else: see
`settlement.fairness.suppression`. Prices are the market's, and nobody's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from settlement.fairness.definitions import FIGURE_OF
from settlement.fairness.suppression import (
    LARGEST_PPM,
    LEAST_PARTICIPANTS,
    LEAST_REST_PPM,
    Parts,
    is_small_sum,
    told_sums,
)
from settlement.trials.groups import is_of_households
from settlement.trials.records import FORMATS_ALONE
from settlement.trials.report import (
    CLASSES,
    GAINS,
    GAINS_LITTLE,
    LOSES,
    LOSES_LITTLE,
    SAME,
    class_key,
    compared,
    difference_key,
    sides_of,
)

Report = Mapping[str, Any]
Sums = dict[str, list[int]]
"""By name, the places of the cells that each is the sum of."""

CHARGES, PAYMENTS, EQUALISATION = TOTALS = ("charges_micro", "payments_micro", "equalisation_micro")
_SIDE_OF = {CHARGES: "charge.", PAYMENTS: "payment."}
PUBLIC_CLASSES = (GAINS, SAME, LOSES)
_WITHOUT_THRESHOLD = {GAINS_LITTLE: GAINS, LOSES_LITTLE: LOSES}
PRICED = ("prices", "duration_micro_per_mwh", "highest_tightness_ppm")
EVENNESS = ("gini_ppm", "top_tenth_ppm", "entropy_ppm", "atkinson_ppm")


def public_part(report: Report) -> dict[str, Any]:
    """Return what everybody may be told of a trial, of the report on it."""
    sides, cells = sides_of(report), report["cells"]
    parts = Parts(
        (cell["participant"], [cell[f"{side}_micro"] for side in sides]) for cell in cells
    )
    totals, groups = places_of_totals(cells), places_of_groups(cells)
    moved = dict(_moved(report))
    named = totals | {name: places for of_draft in moved.values() for name, places in of_draft}
    first = [*totals, *(name for name in named if name not in totals)]
    told = told_sums(parts, named | groups, first)
    return {
        "least_participants": LEAST_PARTICIPANTS,
        "largest_ppm": LARGEST_PPM,
        "least_rest_ppm": LEAST_REST_PPM,
        "totals": {side: _told_totals(report, side, told) for side in sides},
        "moved": {draft: _told_moved(report, draft, told) for draft in moved},
        "classes": {draft: _told_classes(report, draft) for draft in moved},
        "groups": _told_groups(report, told),
        **_told_fairness(report),
    }


def _told_fairness(report: Report) -> dict[str, Any]:
    """Return of each side the figures of fairness that are ratios; earlier reports have none."""
    if "fairness" not in report:
        return {}
    return {
        "fairness": {
            side: {
                code: value
                for code, value in of_side["figures"].items()
                if FIGURE_OF[code].unit == "ppm"
            }
            for side, of_side in report["fairness"].items()
        }
    }


def places_of_totals(cells: Sequence[Mapping[str, Any]]) -> Sums:
    """Return of which cells each total is the sum; what equalisation keeps, no cell has."""
    totals: Sums = {EQUALISATION: list(range(len(cells)))}
    for name, side in _SIDE_OF.items():
        kinds = enumerate(cell["groups"]["kind"] for cell in cells)
        totals[name] = [place for place, kind in kinds if kind.startswith(side)]
    return totals


def _moved(report: Report) -> Iterator[tuple[str, list[tuple[str, list[int]]]]]:
    """Yield of each draft, of which cells those who gain, and those who lose, are the sums."""
    for draft in sides_of(report)[1:]:
        differences = {
            row["participant"]: row[difference_key(draft)] for row in report["participants"]
        }
        signs = ((_moved_name(draft, sign), sign) for sign in (1, -1))
        yield (
            draft,
            [
                (
                    name,
                    [
                        place
                        for place, cell in enumerate(report["cells"])
                        if differences[cell["participant"]] * sign > 0
                    ],
                )
                for name, sign in signs
            ],
        )


def _moved_name(draft: str, sign: int) -> str:
    return f"{draft} {'gains' if sign > 0 else 'loses'}"


def places_of_groups(cells: Sequence[Mapping[str, Any]]) -> Sums:
    """Return of which cells each group of each dimension is the sum."""
    groups: Sums = {}
    for place, cell in enumerate(cells):
        for dimension, group in cell["groups"].items():
            groups.setdefault(group_name(dimension, group), []).append(place)
    return groups


def group_name(dimension: str, group: str) -> str:
    """Return how a group is named among the sums."""
    return f"{dimension}: {group}"


def _told_totals(report: Report, side: str, told: set[str]) -> dict[str, Any]:
    totals = report["totals"][side]
    of_owner: dict[str, int] = {}
    for cell in report["cells"]:
        if is_of_households(cell["groups"]):
            owner = cell["participant"]
            of_owner[owner] = of_owner.get(owner, 0) + cell[f"{side}_micro"]
    is_withheld = is_small_sum(of_owner.values())
    return {
        **{name: totals[name] if name in told else None for name in TOTALS},
        **{name: totals[name] for name in PRICED},
        "households": {
            name: None if is_withheld else totals["households"][name] for name in EVENNESS
        },
    }


def _told_moved(report: Report, draft: str, told: set[str]) -> dict[str, int | None]:
    """Return what those who gain and those who lose do, unless one of both is small.

    Their difference is what equalisation keeps more or less, which may be told: so of both or none.
    """
    differences = [row[difference_key(draft)] for row in report["participants"]]
    is_told = all(_moved_name(draft, sign) in told for sign in (1, -1))
    return {
        "gained_micro": sum(max(each, 0) for each in differences) if is_told else None,
        "lost_micro": sum(max(-each, 0) for each in differences) if is_told else None,
    }


def _told_classes(report: Report, draft: str) -> dict[str, int | None]:
    """Return how many participants each class has; few are not told, nor what would tell of them.

    All participants of a market are known, so a class that stands alone would be what is left.
    """
    found = [row[class_key(draft)] for row in report["participants"]]
    names: tuple[str, ...] = CLASSES
    if report.get("format") not in FORMATS_ALONE:
        found, names = [_WITHOUT_THRESHOLD.get(name, name) for name in found], PUBLIC_CLASSES
    counts = {name: found.count(name) for name in names}
    few = {name for name, count in counts.items() if 0 < count < LEAST_PARTICIPANTS}
    others = sorted(
        (name for name, count in counts.items() if count and name not in few),
        key=lambda name: counts[name],
    )
    # Of one each that is not told, together two, both would follow from the two that are left.
    while (
        others and few and (len(few) == 1 or sum(counts[name] for name in few) < LEAST_PARTICIPANTS)
    ):
        few.add(others.pop(0))
    return {name: None if name in few else count for name, count in counts.items()}


def _told_groups(report: Report, told: set[str]) -> dict[str, list[dict[str, Any]]]:
    sides = sides_of(report)
    return {
        dimension: [
            {"name": row["name"]}
            | (
                compared({side: row[f"{side}_micro"] for side in sides})
                if group_name(dimension, row["name"]) in told
                else {}
            )
            for row in rows
        ]
        for dimension, rows in report["groups"].items()
    }
