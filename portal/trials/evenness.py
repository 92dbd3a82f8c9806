"""How evenly households are charged under a draft, in words: what each measure says, and why.

Where two measures disagree, the sentences say which, where the curves cross, and which tenths of
the households bear more and which less; figures are of the stored report, rounded for reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from portal.study_figures import index, percent
from portal.trials.words import draft_words
from settlement.trials.evenness import Verdict, disagree
from settlement.trials.report import LAW

Report = Mapping[str, Any]


class Measure(NamedTuple):
    """How a measure is called, what it looks at, and how its figure is written."""

    title: str
    looks: str
    write: Any


MEASURES = {
    "gini": Measure("the Gini index", "weighs most what changes in the middle", index),
    "top tenth": Measure(
        "the part that the tenth charged most bears", "looks at that tenth and at nothing else",
        percent,
    ),
    "entropy": Measure("the entropy index", "weighs most what changes at the top", index),
    "atkinson": Measure("the Atkinson index", "weighs most what changes at the bottom", index),
}  # fmt: skip
WORDS = {
    Verdict.MORE_EVEN: "more even",
    Verdict.LESS_EVEN: "less even",
    Verdict.SAME: "as even as under the law",
}
TENTH_NAMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
               "ninth", "last")  # fmt: skip


def evenness_sentences(report: Report, draft: str) -> Iterator[str]:
    """Yield what measures of inequality say of a draft beside the law; nothing of old reports."""
    found = report.get("evenness", {}).get(draft)
    if found is None:
        return
    verdicts = {name: verdict for name, verdict in found["verdicts"].items() if verdict}
    if not verdicts:
        yield (
            "How evenly households are charged cannot be said: on one side there are none, or "
            "they are charged nothing together."
        )
        return
    words = draft_words(draft)
    if not disagree(verdicts):
        yield from _agreed(report, draft, verdicts)
        return
    yield f"Measures disagree on how evenly households are charged under the {words}."
    for verdict in (Verdict.MORE_EVEN, Verdict.LESS_EVEN):
        named = [name for name in MEASURES if verdicts.get(name) == verdict]
        figures = listed([f"{MEASURES[each].title} ({_figures(report, draft, each)})"
                           for each in named])  # fmt: skip
        yield f"It is {WORDS[verdict]} by {figures}."
    yield from _why(report, draft, found["crossings_ppm"])
    looks = [
        f"{MEASURES[name].title} {MEASURES[name].looks}"
        for name in MEASURES
        if verdicts.get(name) in (Verdict.MORE_EVEN, Verdict.LESS_EVEN)
    ]
    yield f"{_capital(listed(looks))}."


def _agreed(report: Report, draft: str, verdicts: Mapping[str, str]) -> Iterator[str]:
    """Yield that no measure contradicts another."""
    changed = {verdict for verdict in verdicts.values() if verdict != Verdict.SAME}
    if not changed:
        yield f"Households are charged as evenly under the {draft_words(draft)} as under the law."
        return
    (verdict,) = changed
    named = [name for name in MEASURES if verdicts.get(name) == verdict]
    figures = listed([f"{MEASURES[each].title} ({_figures(report, draft, each)})"
                       for each in named])  # fmt: skip
    yield (
        f"What households are charged is {WORDS[Verdict(verdict)]} under the {draft_words(draft)} "
        f"by {figures}; no measure says otherwise."
    )


def _figures(report: Report, draft: str, name: str) -> str:
    key = f"{name.replace(' ', '_')}_ppm"
    sides = [report["totals"][side]["households"][key] for side in (draft, LAW)]
    draft_figure, law_figure = (MEASURES[name].write(value, "") for value in sides)
    if draft_figure == law_figure:
        return f"{draft_figure}, by less than is shown"
    return f"{draft_figure} for {law_figure}"


def _why(report: Report, draft: str, crossings_ppm: Sequence[int]) -> Iterator[str]:
    """Yield where the curves cross, and which tenths bear more and which less."""
    if crossings_ppm:
        places = listed([percent(each) for each in crossings_ppm])
        yield (
            f"The Lorenz curves cross at {places} of the households, counted from those who are "
            "charged least, so neither is the more even throughout."
        )
    parts = [
        [after - before for before, after in pairwise((0, *totals["households"]["lorenz_ppm"]))]
        for totals in (report["totals"][LAW], report["totals"][draft])
    ]
    runs = []
    tenths = list(enumerate(zip(*parts, strict=True)))
    for is_more, run in groupby(tenths, lambda each: _sign(each[1][1] - each[1][0])):
        numbers, of_run = zip(*run, strict=True)
        if is_more:
            law, new = (sum(each[side] for each in of_run) for side in (0, 1))
            more = "more" if is_more > 0 else "less"
            runs.append(f"{_tenths(numbers)} {more} ({percent(new)} for {percent(law)})")
    if runs:
        yield (
            "Of what all households are charged, by tenths from those who are charged least: under "
            f"the {draft_words(draft)} {listed(runs, of_runs=True)}."
        )


def _tenths(numbers: Sequence[int]) -> str:
    first, last = TENTH_NAMES[numbers[0]], TENTH_NAMES[numbers[-1]]
    if first == last:
        return f"the {first} tenth bears"
    return f"the {first} to the {last} tenth bear"


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def listed(words: Sequence[str], *, of_runs: bool = False) -> str:
    """Return words as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    *before, last = words
    if not before:
        return last
    return f"{', '.join(before)}{', and' if of_runs else ' and'} {last}"
