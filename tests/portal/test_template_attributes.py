"""No template puts what a filter or tag gives as markup into an attribute, which it would end."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.templatetags.tallystick import register

TEMPLATES = Path("templates")
ATTRIBUTE = re.compile(r'[\w-]+="((?:\{\{.*?\}\}|\{%.*?%\}|[^"])*)"')
BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")


def _giving_markup() -> set[str]:
    """Return the names of our filters and tags that give markup, some of them only at times."""
    functions = {**register.filters}
    functions |= {name: inspect.unwrap(tag) for name, tag in register.tags.items()}
    return {
        name
        for name, function in functions.items()
        if "SafeString" in str(inspect.unwrap(function).__annotations__.get("return"))
    }


def _markup_in_attributes(text: str) -> Iterator[str]:
    names = "|".join(sorted(_giving_markup()))
    given = re.compile(rf"(?:\|\s*|%\s*)(?:{names})\b")
    for attribute in ATTRIBUTE.finditer(text):
        for braces in BRACES.findall(attribute[1]):
            if given.search(braces) and not re.search(r"\|\s*striptags\b", braces):
                yield attribute[0]


def test_what_gives_markup_is_told_by_what_functions_return() -> None:
    assert {"day", "month", "moment", "money", "digest", "value_in_unit"} <= _giving_markup()
    assert not {"hexadecimal", "grouped", "document_key"} & _giving_markup()


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ('<a aria-label="Issue {{ row.month|month }}">', True),
        ('<a title="{% if on %}On {{ on|day }}{% endif %}">', True),
        ('<td data-label="{% value_in_unit value "W" code %}">', True),
        ('<a aria-label="Issue {{ row.month|month|striptags }}">', False),
        ('<input value="{{ on|date:"Y-m-d" }}">{{ on|day }}', False),
    ],
)
def test_markup_is_found_in_attributes_alone(text: str, is_found: bool) -> None:
    assert bool(list(_markup_in_attributes(text))) is is_found


def test_no_template_has_markup_in_an_attribute() -> None:
    found = {
        str(path): attributes
        for path in TEMPLATES.rglob("*.html")
        if (attributes := list(_markup_in_attributes(path.read_text(encoding="utf-8"))))
    }
    assert not found
