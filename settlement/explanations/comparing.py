"""Two explanations of one line, side by side: which of their numbers differ. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from settlement.explanations.tree import CitedClause, Explanation


class Mark(StrEnum):
    """How a number of one tree stands to the other tree."""

    SAME = "same"
    BELOW = "below"
    DIFFERS = "differs"
    ALONE = "alone"


@dataclass(frozen=True)
class Marked:
    """A number of one of two trees.

    Attributes:
        node: the number.
        mark: `same` as in the other tree, with all that it came from; `below`, where only what it
            came from is another; `differs`, the number, how it came about, or its clause; `alone`,
            where the other tree has no such number.
        children: what it came from, marked.
    """

    node: Explanation
    mark: Mark
    children: tuple["Marked", ...]

    @property
    def is_same(self) -> bool:
        """Whether the other tree has the same."""
        return self.mark is Mark.SAME


@dataclass(frozen=True)
class Pair:
    """A number as both trees have it; None where a tree has no such number.

    Attributes:
        first, second: of either tree.
        mark: as `Marked` has it.
        children: what they came from.
    """

    first: Explanation | None
    second: Explanation | None
    mark: Mark
    children: tuple["Pair", ...]

    def tree(self, *, of_second: bool) -> Marked:
        """Return one of the trees, marked.

        Raises:
            LookupError: that tree has no such number.
        """
        node = self.second if of_second else self.first
        if node is None:
            raise LookupError("the tree has no such number")
        of_tree = (
            child
            for child in self.children
            if (child.second if of_second else child.first) is not None
        )
        return Marked(node, self.mark, tuple(child.tree(of_second=of_second) for child in of_tree))

    @property
    def causes(self) -> Iterator["Pair"]:
        """Yield the numbers that differ while all that they came from is the same, and lone ones.

        Of them all other differences are made, but for one that a clause alone makes above them.
        """
        if self.mark is Mark.ALONE:
            yield self
            return
        for child in self.children:
            yield from child.causes
        if self.mark is Mark.DIFFERS and all(child.mark is Mark.SAME for child in self.children):
            yield self


def compare(first: Explanation, second: Explanation) -> Pair:
    """Return two trees as one, each number with the one that it is held to.

    Numbers are held to each other by what they are called, in order; the tops, whatever they are
    called. A clause differs where its text, filled in, does: another version of its document may
    say the same.
    """
    children = tuple(
        compare(left, right) if left is not None and right is not None else _alone(left, right)
        for left, right in _paired(first.children, second.children)
    )
    mark = Mark.SAME
    if any(child.mark is not Mark.SAME for child in children):
        mark = Mark.BELOW
    if _said(first) != _said(second):
        mark = Mark.DIFFERS
    return Pair(first, second, mark, children)


def same_words(one: CitedClause, other: CitedClause) -> bool:
    """Return whether two versions of a clause say the same."""
    return _cited(one) == _cited(other)


def _cited(clause: CitedClause) -> tuple[object, ...]:
    return clause.instrument, clause.anchor, clause.text


def _said(node: Explanation) -> tuple[object, ...]:
    """Return all that a number says of itself, without what it came from."""
    clauses = tuple(map(_cited, node.clauses))
    return (node.label, node.value, node.unit, node.formula, node.source, clauses, node.is_missing)


def _alone(first: Explanation | None, second: Explanation | None) -> Pair:
    node = first or second
    below = () if node is None else node.children
    children = (_alone(child, None) if first else _alone(None, child) for child in below)
    return Pair(first, second, Mark.ALONE, tuple(children))


def _paired(
    first: Sequence[Explanation], second: Sequence[Explanation]
) -> Iterator[tuple[Explanation | None, Explanation | None]]:
    """Yield what has one name in both, in the order of the first; then what only the second has."""
    waiting: defaultdict[str, list[Explanation]] = defaultdict(list)
    for node in second:
        waiting[node.label].append(node)
    for node in first:
        namesakes = waiting[node.label]
        yield node, namesakes.pop(0) if namesakes else None
    for node in second:  # in their own order: the first of a name were taken above
        if any(node is left for left in waiting[node.label]):
            yield None, node
