"""What several checks share."""

from collections.abc import Iterable, Iterator

from common.refusals import Finding, shown


def identifier_key(name: str) -> str:
    """Return what is compared of an identifier: people take `N0-P1` and `n0-p1` for the same.

    >>> identifier_key("N0-P1") == identifier_key("n0-p1")
    True
    """
    return name.casefold()


def spelling_of(name: str, known: str) -> str:
    """Return how a finding shows a name that is known: both where they are spelt otherwise.

    >>> spelling_of("U1", "U1"), spelling_of("u1", "U1")
    ("'U1'", "'u1', which is 'U1' but for capital letters")
    """
    if name == known:
        return shown(name)
    return f"{shown(name)}, which is {shown(known)} but for capital letters"


def repeated(names: Iterable[str], place: str, code: str) -> Iterator[Finding]:
    """Find names that stand more than once; `place` has `{}` where the position belongs."""
    first: dict[str, tuple[int, str]] = {}
    for position, name in enumerate(names):
        earlier, known = first.setdefault(identifier_key(name), (position, name))
        if earlier != position:
            yield Finding(
                code,
                place.format(position),
                spelling_of(name, known),
                f"it stands once, and position {earlier} has it already",
                "remove or rename one of them",
            )
