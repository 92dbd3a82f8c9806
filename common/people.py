"""Names of people: the form that is kept and shown, and the key by which two are one person.

Who wrote may not approve, and who opened a dispute may not decide it. A name is typed anew each
time, so that one person is `Ann Author`, `ann  author`, or the same with a blank that is not one.
"""

import unicodedata

from common.unseen import is_unseen

LOOKALIKES = "аеһіјӏорԛѕсԁԝхувнкмтοινρυκχαβεζημτ\u2010\u2011"
"""Small letters, Cyrillic and then Greek, that look like one of Latin, or whose capitals do."""

LATIN = "aehijlopqscdwxybhkmtoinpukxabezhmt--"
"""What each of them looks like."""


def name_shown(written: str) -> str:
    """Return the name of somebody as it is kept and shown: composed, with single blanks.

    >>> name_shown("  Ann\\u00a0 Author "), name_shown("Rene\\u0301 Fe\\u0301al")
    ('Ann Author', 'René Féal')
    """
    return " ".join(unicodedata.normalize("NFC", written).split())


def name_key(written: str) -> str:
    """Return what is compared of a name: two of one key are one person; empty where it is none.

    >>> name_key("Ann  Author"), name_key("\\uff21nn\\u00a0\\u0410UTHOR")
    ('annauthor', 'annauthor')
    >>> name_key("\\u200b \\u00ad")
    ''
    """
    # Twice, as unseen signs keep letters and marks apart, and a small letter may be composed
    # otherwise than its capital.
    plain = unicodedata.normalize("NFKC", _without_blanks(written)).casefold()
    return _without_blanks(unicodedata.normalize("NFKC", plain)).translate(
        str.maketrans(LOOKALIKES, LATIN)
    )


def is_same_person(one: str, other: str) -> bool:
    """Return whether two names are those of one person."""
    return name_key(one) == name_key(other)


def _without_blanks(text: str) -> str:
    return "".join(
        each
        for each in text
        if not (is_unseen(each) or each.isspace() or unicodedata.category(each) == "Cc")
    )
