"""Documents for reading: YAML 1.2 that follows from the proven JSON by a rule of a few lines.

Members stand in the order of their keys, each on a line of its own, what lies inside of another
two blanks deeper; texts are in the quotes of JSON. Characters that show nothing, or turn the
direction in which people read, are escaped: what a reader sees is what was hashed.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

UNSEEN = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]*")
WORDS_OF_YAML = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def write_readable(body: Any) -> str:
    """Return a document, as canonical JSON holds it, in the form for reading."""
    return "".join(f"{line}\n" for line in list_lines(body))


def list_lines(value: Any) -> Iterator[str]:
    """Yield the lines of an object or a list that holds something, or the one line of a value."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from hang_lines(f"{quote_key(key)}:", value[key], is_deeper=True)
    elif isinstance(value, list) and value:
        for member in value:
            yield from hang_lines("-", member, is_deeper=False)
    else:
        yield write_value(value)


def hang_lines(head: str, value: Any, *, is_deeper: bool) -> Iterator[str]:
    """Yield the lines of a value that hangs on a key or on the dash of a list.

    Args:
        is_deeper: whether what holds more than one line begins on the next one.
    """
    lines = list(list_lines(value))
    if not (isinstance(value, dict | list) and value):
        yield f"{head} {lines[0]}"
    elif is_deeper:
        yield head
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{head} {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])


def quote_key(key: str) -> str:
    """Return a key: as it is where YAML knows no other meaning of it."""
    return key if PLAIN_KEY.fullmatch(key) and key not in WORDS_OF_YAML else write_value(key)


def write_value(value: Any) -> str:
    """Return a value without parts on one line."""
    written = json.dumps(value, ensure_ascii=False)
    return UNSEEN.sub(escape, written)


def escape(found: re.Match[str]) -> str:
    """Return a character that shows nothing as YAML escapes it."""
    point = ord(found.group())
    return f"\\U{point:08x}" if point > 0xFFFF else f"\\u{point:04x}"
