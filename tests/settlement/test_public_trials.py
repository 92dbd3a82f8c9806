"""What everybody may know of a trial: sums of many, from which nothing withheld can be computed."""

from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from settlement.fairness.suppression import Parts, told_sums
from settlement.trials.public import public_part
from settlement.trials.report import DRAFTS, classed, compared, groups_of
from tests.examples import tried

SIDES = ("law", "draft")


def cell(participant, law, draft, **groups):
    named = {name.replace("_", " "): group for name, group in groups.items()}
    return {"participant": participant, "groups": named, "law_micro": law, "draft_micro": draft}


def report(cells):
    """Return a report of cells, as a trial makes it."""
    rows = []
    for name in sorted({each["participant"] for each in cells}):
        own = [each for each in cells if each["participant"] == name]
        micro = {side: sum(each[f"{side}_micro"] for each in own) for side in SIDES}
        row = compared(micro)
        rows.append({"participant": name, "class": classed(row["difference_micro"], 0, 0)} | row)
    priced = {"prices": {}, "duration_micro_per_mwh": [], "highest_tightness_ppm": 0}
    evenness = dict.fromkeys(("gini_ppm", "top_tenth_ppm", "entropy_ppm", "atkinson_ppm"), 7)
    totals = {}
    for side in SIDES:
        of_kind = {
            kind: sum(each[f"{side}_micro"] for each in cells
                      if each["groups"]["kind"].startswith(kind))
            for kind in ("charge.", "payment.")
        }  # fmt: skip
        totals[side] = {
            "charges_micro": -of_kind["charge."], "payments_micro": of_kind["payment."],
            "equalisation_micro": -sum(of_kind.values()), "households": evenness, **priced,
        }  # fmt: skip
    return {
        "totals": totals, "participants": rows, "cells": cells, "groups": groups_of(cells, SIDES),
    }  # fmt: skip


def rank(vectors):
    """Return how many of some vectors do not follow from the others, by elimination."""
    rows, found = [list(map(Fraction, vector)) for vector in vectors], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in rows[found:] if row[column]), None)
        if pivot is None:
            continue
        rows.remove(pivot)
        rows.insert(found, pivot)
        for row in rows[found + 1 :]:
            factor = row[column] / pivot[column]
            row[:] = [value - factor * of_pivot for value, of_pivot in zip(row, pivot, strict=True)]
        found += 1
    return found


def follows(vector, shown):
    return rank([*shown, vector]) == rank(shown)


AMOUNTS = st.sampled_from([0, 0, 1, 2, 3, 5, 8, 40, -1, -4])
CELLS = st.lists(
    st.builds(
        lambda owner, group, kind, law, draft: cell(
            f"p{owner}", law, draft, kind=f"{('charge', 'payment')[kind % 2]}.{kind}",
            layer_inner=f"i{group}", layer_outer=f"o{group // 3}",
        ),
        st.integers(0, 11), st.integers(0, 5), st.integers(0, 3), AMOUNTS, AMOUNTS,
    ),
    min_size=1, max_size=50,
)  # fmt: skip
SIX_IN_EACH = [
    cell(f"p{owner}", 10 + group, 11 + group, kind=f"charge.{group}", layer_inner=f"i{group}")
    for group in range(5)
    for owner in range(2 if group == 4 else 6)
]
"""Five groups of which one has two participants: another must not be told either."""


@settings(max_examples=tried(60), deadline=None)
@given(CELLS)
@example(SIX_IN_EACH)
def test_nothing_that_is_withheld_follows_from_what_is_told(cells):
    whole = report(cells)
    public = public_part(whole)
    # Whoever solves knows which parts are nothing.
    places = [n for n, each in enumerate(cells) if each["law_micro"] or each["draft_micro"]]

    def vector(holds):
        return [int(holds(cells[place])) for place in places]

    told, withheld = [], []
    sides = public["totals"]["law"], whole["totals"]["law"]
    for name, kind in (("charges", "charge."), ("payments", "payment."), ("equalisation", "")):
        of_total = vector(lambda each, kind=kind: each["groups"]["kind"].startswith(kind))
        (withheld if sides[0][f"{name}_micro"] is None else told).append(of_total)
    for dimension, rows in public["groups"].items():
        for row in rows:
            of_group = vector(
                lambda each, of=dimension, row=row: each["groups"].get(of) == row["name"]
            )
            (told if "law_micro" in row else withheld).append(of_group)
    moved = {row["participant"]: row["difference_micro"] for row in whole["participants"]}
    for sign, name in ((1, "gained_micro"), (-1, "lost_micro")):
        of_moved = vector(lambda each, sign=sign: moved[each["participant"]] * sign > 0)
        if public["moved"]["draft"][name] is not None:
            told.append(of_moved)
    for participant in moved:  # nor is anybody's own money, in all or of a group
        owned = [
            vector(lambda each, own=participant: each["participant"] == own),
            *(
                vector(
                    lambda each, own=participant, d=d, n=row["name"]: (
                        each["participant"] == own and each["groups"].get(d) == n
                    )
                )
                for d, rows in whole["groups"].items() for row in rows
            ),
        ]  # fmt: skip
        withheld += owned
    for each in withheld:
        if any(each):
            assert not follows(each, told)


@given(CELLS)
@settings(max_examples=tried(50), deadline=None)
def test_what_is_told_is_what_the_report_says_and_of_many(cells):
    whole = report(cells)
    public = public_part(whole)
    for dimension, rows in public["groups"].items():
        stated = {row["name"]: row for row in whole["groups"][dimension]}
        assert [row["name"] for row in rows] == list(stated)
        for row in rows:
            if "law_micro" not in row:
                assert row == {"name": row["name"]}
                continue
            assert row == stated[row["name"]]
            members: dict[str, list[int]] = {}
            for each in cells:
                if each["groups"].get(dimension) == row["name"]:
                    sums = members.setdefault(each["participant"], [0, 0])
                    sums[0] += each["law_micro"]
                    sums[1] += each["draft_micro"]
            for amounts in (
                [law for law, _ in members.values()],
                [draft for _, draft in members.values()],
                [draft - law for law, draft in members.values()],
            ):
                found = [abs(amount) for amount in amounts if amount]
                assert not found or (len(found) >= 5 and 2 * max(found) <= sum(found))


def test_of_a_breakdown_with_one_small_group_the_next_smallest_is_withheld_too():
    public = public_part(report(SIX_IN_EACH))
    told = {row["name"] for row in public["groups"]["layer inner"] if "law_micro" in row}
    assert told == {"i1", "i2", "i3"}  # i4 has two participants; i0 is the smallest of the others
    assert public["totals"]["law"]["charges_micro"] is not None


def test_places_within_places_do_not_give_each_other_away():
    # Of three inner places one is small; both outer ones are large, and one of them holds it alone
    # with another: to tell both outer ones and that other would be to tell it.
    cells = [
        cell(f"p{owner}", 10, 12, kind="charge.a", layer_inner=inner, layer_outer=outer)
        for inner, outer, owners in (("x", "o", 6), ("small", "o", 2), ("y", "q", 6), ("z", "q", 6))
        for owner in range(owners)
    ]
    public = public_part(report(cells))
    inner, outer = (
        {row["name"] for row in public["groups"][f"layer {name}"] if "law_micro" in row}
        for name in ("inner", "outer")
    )
    assert outer == {"o", "q"}
    assert inner == {"y", "z"}


def test_one_who_makes_up_more_than_half_is_not_told_of():
    sums = {"even": [0, 1, 2, 3, 4], "with a giant": [0, 1, 2, 3, 5]}
    parts = Parts([*((f"p{n}", (1, 1)) for n in range(5)), ("giant", (5, 5))])
    assert told_sums(parts, sums, []) == {"even"}


def test_the_second_largest_does_not_learn_the_largest():
    # It takes its own part away, and is left with the other's and a little more.
    large = [("largest", (1000, 1010)), ("second", (990, 1000))]
    little, much = ([(f"p{n}", (part, part + 10)) for n in range(4)] for part in (24, 26))
    told = [told_sums(Parts(large + rest), {"all": range(6)}, []) for rest in (little, much)]
    assert told == [set(), {"all"}]


def test_classes_of_few_are_not_told_nor_is_what_is_left():
    cells = [cell(f"p{n:02}", 10, 10, kind="charge.a") for n in range(8)]
    cells += [cell(f"q{n:02}", 10, 9, kind="charge.a") for n in range(6)]
    cells += [cell("r", 10, 11, kind="charge.a")]
    classes = public_part(report(cells))["classes"][DRAFTS[0]]
    assert classes == {"same": 8, "loses": None, "gains": None}


def test_one_who_gains_and_one_who_loses_are_not_what_is_left():
    cells = [cell(f"p{n:02}", 10, 10, kind="charge.a") for n in range(8)]
    cells += [cell("q", 10, 9, kind="charge.a"), cell("r", 10, 11, kind="charge.a")]
    classes = public_part(report(cells))["classes"][DRAFTS[0]]
    assert set(classes.values()) == {None}, "of ten, of whom eight are told, both would be known"


def test_thresholds_give_nobody_away():
    """Of two trials that differ by their threshold alone, both tell the same counts."""
    whole = report([cell(f"p{n:02}", 100, 90 - n, kind="charge.a") for n in range(12)])
    told = []
    for least in ("loses", "loses-little"):
        for row in whole["participants"][:6]:
            row["class"] = least
        told.append(public_part(whole)["classes"][DRAFTS[0]])
    assert told == [{"gains": 0, "same": 0, "loses": 12}] * 2


def test_who_gains_is_not_told_by_what_the_others_lose():
    # One gains what many lose: neither sum is told, for both differ by what equalisation keeps.
    cells = [cell(f"p{n}", 10, 9, kind="charge.a") for n in range(8)]
    cells += [cell("winner", 10, 12, kind="charge.a")]
    moved = public_part(report(cells))["moved"][DRAFTS[0]]
    assert moved == {"gained_micro": None, "lost_micro": None}


def test_inequality_of_the_households_of_few_is_not_told():
    def households(count):
        cells = [
            cell(f"p{n}", -10, -9, kind="charge.a", product="P1", size="point of 1 to 2 households")
            for n in range(count)
        ]
        return public_part(report(cells))["totals"]["law"]["households"]["gini_ppm"]

    assert (households(4), households(5)) == (None, 7)
