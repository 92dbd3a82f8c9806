"""A checker of values against the part of JSON Schema that the rule schemas use, and no more."""

import datetime as dt
import re

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
WORDS = {"title", "description", "default", "unit", "$defs", "$schema", "$id"}


def _matches(pattern: str, value: str) -> bool:
    """Return whether text matches as ECMA-262 reads the pattern: `$` is its very end."""
    ending = pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern
    return bool(re.search(ending, value))


def _is_of(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def _is_day(value):
    try:
        return isinstance(value, str) and len(value) == 10 and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def _counted(types, holds):
    """Return a check that, as JSON Schema has it, says nothing of values of other types."""
    return lambda value, limit: not isinstance(value, types) or holds(value, limit)


CHECKS = {
    "type": _is_of,
    "const": lambda value, limit: value == limit,
    "enum": lambda value, limit: value in limit,
    "pattern": _counted(str, lambda value, limit: _matches(limit, value)),
    "format": lambda value, limit: {"date": _is_day}[limit](value),
    "minimum": _counted(int, lambda value, limit: value >= limit),
    "maximum": _counted(int, lambda value, limit: value <= limit),
    "minLength": _counted(str, lambda value, limit: len(value) >= limit),
    "maxLength": _counted(str, lambda value, limit: len(value) <= limit),
    "minItems": _counted(list, lambda value, limit: len(value) >= limit),
    "maxItems": _counted(list, lambda value, limit: len(value) <= limit),
}


def problems(schema, value, place="", root=None):
    """Return why `value` does not fit `schema`, each reason led by its place.

    A keyword that is not known here fails the test: what is not checked must not seem so.
    """
    root = schema if root is None else root
    return [
        reason
        for keyword, limit in schema.items()
        if keyword not in WORDS
        for reason in _broken(keyword, limit, schema, value, place, root)
    ]


def _broken(keyword, limit, schema, value, place, root):
    if keyword in CHECKS:
        return [] if CHECKS[keyword](value, limit) else [f"{place}: {keyword} is {limit!r}"]
    if keyword == "$ref":
        return problems(root["$defs"][limit.removeprefix("#/$defs/")], value, place, root)
    if keyword == "anyOf":
        fits = any(not problems(choice, value, place, root) for choice in limit)
        return [] if fits else [f"{place}: fits none of its forms"]
    return _parts(keyword, limit, schema, value, place, root)


def _parts(keyword, limit, schema, value, place, root):
    if keyword == "items":
        items = value if isinstance(value, list) else []
        return [
            reason
            for number, item in enumerate(items)
            for reason in problems(limit, item, f"{place}[{number}]", root)
        ]
    fields = value if isinstance(value, dict) else {}
    inner = {
        name: f"{place}.{name}" if place else name for name in {*fields, *schema["properties"]}
    }
    if keyword == "properties":
        return [
            reason
            for name, part in fields.items()
            if name in limit
            for reason in problems(limit[name], part, inner[name], root)
        ]
    if keyword == "required":
        missing = [name for name in limit if isinstance(value, dict) and name not in value]
        return [f"{inner[name]}: is missing" for name in missing]
    assert (keyword, limit) == ("additionalProperties", False), keyword
    return [f"{inner[name]}: is unknown" for name in fields if name not in schema["properties"]]
