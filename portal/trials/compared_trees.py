"""Two explanations of one line, under the law and under a draft, as a page shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portal.amounts import money_exact
from portal.trials.opened_pages import TreesPage
from portal.trials.opened_tables import MOST_CAUSES, SIDE_TITLES
from settlement.billing.lines import Side, line_kind
from settlement.explanations.comparing import Marked, Pair, compare, same_words
from settlement.explanations.tree import CitedClause, Explanation, cited_clauses

_VERBS = {Side.CHARGE: "charged", Side.PAYMENT: "paid"}


@dataclass(frozen=True)
class ShownClause:
    """A clause, and whether it is the draft's; `is_other` where the law's has other words."""

    clause: CitedClause
    is_draft: bool
    is_other: bool


@dataclass(frozen=True)
class TreeSide:
    """One of two columns: its title, and its tree."""

    title: str
    tree: Marked


@dataclass(frozen=True)
class TwoTrees:
    """A line of an interval under the law and under a draft.

    Attributes:
        difference_micro: what the draft makes of it less what the law does; + is received.
        arithmetic: the same in a sentence.
        causes: numbers that differ though all that they came from is the same, or that one side
            alone has: what sets the two apart, the first few.
        more: how many there are beyond these.
        drafted: the versions of law that are the draft's alone.
    """

    difference_micro: int
    arithmetic: str
    sides: tuple[TreeSide, TreeSide]
    causes: tuple[Pair, ...]
    more: int
    clauses: tuple[ShownClause, ...]
    drafted: frozenset[bytes]


def two_trees(page: TreesPage, sides: Sequence[str], draft: str, currency: str) -> TwoTrees:
    """Return the trees of the law and of a draft side by side."""
    at = list(sides).index(draft)
    law, other = page.trees[0], page.trees[at]
    pair = compare(law, other)
    causes = list(_told_once(pair))
    clauses = tuple(_clauses(law, other, frozenset(page.published)))
    return TwoTrees(
        page.received_micro[at] - page.received_micro[0],
        arithmetic(page, at, SIDE_TITLES[draft].lower(), currency),
        (
            TreeSide("Under the law", pair.tree(of_second=False)),
            TreeSide(f"Under the {SIDE_TITLES[draft].lower()}", pair.tree(of_second=True)),
        ),
        tuple(causes[:MOST_CAUSES]),
        max(len(causes) - MOST_CAUSES, 0),
        clauses,
        frozenset(shown.clause.digest for shown in clauses if shown.is_draft),
    )


def arithmetic(page: TreesPage, at: int, title: str, currency: str) -> str:
    """Return how the amounts of the law and of a draft, the side at `at`, come to a difference."""
    kind = line_kind(page.line.kind)
    verb, who = _VERBS[kind.side], page.line.participant
    # As documents state a line: what is charged, or what is paid, is positive.
    law, draft = (-kind.sign * page.received_micro[side] for side in (0, at))
    if law == draft:
        return (
            f"{who} is {verb} {money_exact(law, currency)} under both: the {title} changes nothing "
            "of it in this interval."
        )
    more = "more" if draft > law else "less"
    difference = money_exact(draft - law, currency)
    return (
        f"{who} is {verb} {money_exact(draft, currency)} under the {title} and "
        f"{money_exact(law, currency)} under the law: {money_exact(draft, currency)} − "
        f"{_in_brackets(law, currency)} = {difference}, so it is {verb} "
        f"{money_exact(abs(draft - law), currency)} {more}."
    )


def _in_brackets(micro: int, currency: str) -> str:
    words = money_exact(micro, currency)
    return f"({words})" if micro < 0 else words


def _told_once(pair: Pair) -> Iterator[Pair]:
    """Yield what sets two trees apart, each number once: several branches may rest on it."""
    seen = set()
    for cause in pair.causes:
        node = cause.first or cause.second
        key = node and (node.label, node.value, node.formula)
        if key not in seen:
            seen.add(key)
            yield cause


def _clauses(
    law: Explanation, draft: Explanation, published: frozenset[bytes]
) -> Iterator[ShownClause]:
    """Yield each clause that either tree cites once, the law's first."""
    of_law = {(each.instrument, each.anchor): each for each in cited_clauses(law)}
    seen = set()
    for clause in (*of_law.values(), *cited_clauses(draft)):
        key = (clause.digest, clause.anchor)
        if key in seen:
            continue
        seen.add(key)
        replaced = of_law.get((clause.instrument, clause.anchor))
        is_other = replaced is None or not same_words(replaced, clause)
        yield ShownClause(clause, clause.digest not in published, is_other)
