"""What several checks share."""

from collections.abc import Iterable, Iterator

from common.refusals import Finding, shown


def repeated(names: Iterable[str], place: str, code: str) -> Iterator[Finding]:
    """Find names that stand more than once; `place` has `{}` where the position belongs."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in first:
            yield Finding(
                code,
                place.format(position),
                shown(name),
                f"it stands once, and position {first[name]} has it already",
                "remove or rename one of them",
            )
        first.setdefault(name, position)
