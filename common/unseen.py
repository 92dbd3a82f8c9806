"""Characters of which people see nothing: a text with them is another to a machine alone."""

import re
import unicodedata

_UNSEEN_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
"""What shows as nothing or as a blank, though Unicode counts it with letters, marks or signs."""

_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def is_unseen(character: str) -> bool:
    """Return whether people see nothing of a character, or a blank that is none.

    >>> is_unseen("\\u00ad"), is_unseen("\\u00a0")
    (True, False)
    """
    return not character.isascii() and (
        unicodedata.category(character) == "Cf"
        or character in _UNSEEN_LETTERS
        or _SELECTORS.match(character) is not None
    )
