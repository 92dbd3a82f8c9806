"""The manifest of the schema: what a fresh migration makes, in a file that people can compare.

`migrations/schema.txt` has a line for every object, `place: description`, sorted by place; further
lines of a description, such as a function's, are indented. Both sides are PostgreSQL's own words.
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from common.damage import damage
from common.refusals import Finding, shown

Description = Mapping[str, str]
"""What a schema holds: a description by place, such as `ledger.journal column number`."""

LIMIT = "the schema is the one that the migrations make"
REMEDY = (
    "find out who changed it and what was written since, and put it back as migrations/schema.txt "
    "has it; where code and database are of different versions, run manage.py migrate"
)
HEADER = """\
# Every object of a database that was migrated from nothing, in PostgreSQL's own words; `verify`
# holds a live database to it. Written by `manage.py schema manifest`: never edit it, and where two
# branches changed it, take either and write it again.
"""
INDENT = "    "
SAME_SHOWN = 40
"""How many characters before a difference are shown with it."""
PORTAL = "portal"
"""The schema of Django's own tables, which a database may be without."""


def manifest_text(description: Description) -> str:
    """Return a description as the text of a manifest.

    >>> print(manifest_text({"b.f() function": "owned by owner\\nBEGIN\\nEND", "a": "table"})[-58:])
    a: table
    b.f() function: owned by owner
        BEGIN
        END
    <BLANKLINE>
    """
    lines = []
    for place, described in sorted(description.items()):
        first, *others = described.split("\n")
        lines += [f"{place}: {first}", *(INDENT + line if line else "" for line in others)]
    return HEADER + "".join(f"{line}\n" for line in lines)


def parse_manifest(text: str) -> Description:
    """Return what a manifest describes.

    Raises:
        ValueError: a line has no place.

    >>> parse_manifest("# Words\\na: table\\nb.f() function: owned by owner\\n    END\\n")
    {'a': 'table', 'b.f() function': 'owned by owner\\nEND'}
    """
    description: dict[str, str] = {}
    place = ""
    for line in text.removesuffix("\n").split("\n"):
        if place and (line.startswith(INDENT) or not line):
            description[place] += "\n" + line.removeprefix(INDENT)
        elif line and not line.startswith("#"):
            place, separator, described = line.partition(": ")
            if not separator:
                raise ValueError(f"a line of the manifest names no place: {shown(line)}")
            description[place] = described
    return description


def schema_findings(expected: Description, found: Description) -> Iterator[Finding]:
    """Yield what of a schema is missing, added or changed, each by its place.

    Without any portal, its tables are not missed: `schema upgrade` makes the domain alone.
    """
    has_portal = f"schema {PORTAL}" in found
    for place in sorted(expected.keys() | found.keys()):
        if place not in found:
            if has_portal or not _is_of_portal(place):
                value = f"nothing, expected {shown(expected[place])}"
                yield damage("schema-missing", place, value, LIMIT, REMEDY)
        elif place not in expected:
            # A name that an intruder chose may steer the terminal on which it is printed.
            name = place if place.isprintable() else shown(place)
            value = f"what no migration makes: {shown(found[place])}"
            yield damage("schema-added", name, value, LIMIT, REMEDY)
        elif found[place] != expected[place]:
            value = _difference(expected[place], found[place])
            yield damage("schema-changed", place, value, LIMIT, REMEDY)


def _is_of_portal(place: str) -> bool:
    return place == f"schema {PORTAL}" or place.startswith(f"{PORTAL}.")


def _difference(expected: str, found: str) -> str:
    """Say what differs between two descriptions: the parts of the first line that does.

    >>> _difference("CREATE TRIGGER a; enabled", "CREATE TRIGGER a; disabled")
    "'disabled', expected 'enabled'"
    >>> _difference("owned by owner\\nBEGIN\\nEND", "owned by owner\\nEND")
    "'END', expected 'BEGIN' (line 2)"
    """
    lines = zip_longest(expected.split("\n"), found.split("\n"), fillvalue="")
    number, (before, after) = next(
        (number, pair) for number, pair in enumerate(lines, 1) if pair[0] != pair[1]
    )
    parts_before, parts_after = before.split("; "), after.split("; ")
    lost = "; ".join(part for part in parts_before if part not in parts_after)
    came = "; ".join(part for part in parts_after if part not in parts_before)
    if not lost and not came:  # the same parts in another order or number
        lost, came = before, after
    same = _length_of_same_beginning(lost, came)
    shown_came, shown_lost = _shown_from(same, came), _shown_from(same, lost)
    said = f"{shown_came or 'nothing'}, expected {shown_lost or 'no more'}"
    return f"{said} (line {number})" if number > 1 else said


def _length_of_same_beginning(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _shown_from(place: int, text: str) -> str:
    """Return a text as findings show it, less of a beginning that is the same up to `place`."""
    start = place - SAME_SHOWN
    return shown(f"...{text[start:]}" if start > 0 else text) if text else ""
