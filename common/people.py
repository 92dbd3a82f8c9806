"""Names of people: the form that is kept and shown, and the key by which two are one person.

Who wrote may not approve, and who opened a dispute may not decide it. A name is typed anew each
time, so that one person is `Ann Author`, `ann  author`, or the same with a blank that is not one.
"""

import re
import unicodedata
from collections import Counter

from common.unseen import is_unseen

LOOKALIKES = "аеһіјӏорԛѕсԁԝхувнкмтοινρυκχαβεζημτ\u2010\u2011"
"""Small letters, Cyrillic and then Greek, that look like one of Latin, or whose capitals do."""

LATIN = "aehijlopqscdwxybhkmtoinpukxabezhmt--"
"""What each of them looks like."""

TITLES = frozenset(
    ("mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "sir", "dame", "rev", "phd",
     "ing", "dipl", "mag", "herr", "frau", "mme", "mlle")
)  # fmt: skip
"""Words before or after a name that say nothing of who it is."""

_ASIDES = re.compile(r"<[^<>]*>|\([^()]*\)|\[[^\[\]]*\]|\S+@\S+")
"""What programs of mail and people write beside a name: an address, a department in brackets."""

_BETWEEN_WORDS = re.compile(r"[\s,;./\u3001\uff0c]+")


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
    """Return whether two names are those of one person, as far as names can tell.

    The order of words, titles, and what stands in brackets or is an e-mail address do not matter.
    An initial may be any name that begins with it: who is another writes the name in full.

    >>> is_same_person("Ann Author", "AUTHOR, Dr. Ann <ann@market.example>")
    True
    >>> is_same_person("Ann Author", "A. Author"), is_same_person("Ann Author", "B. Author")
    (True, False)
    >>> is_same_person("Ann Author", "Ben Author"), is_same_person("a@x.example", "b@x.example")
    (False, False)
    """
    return name_key(one) == name_key(other) or any(
        _are_alike(words, others) for words in _spellings(one) for others in _spellings(other)
    )


def _spellings(written: str) -> set[tuple[str, ...]]:
    """Return the words of a name in alphabetical order, by their keys; it whole where none is.

    An unseen sign may part words, or stand inside one.
    """
    shown = unicodedata.normalize("NFKC", written)
    return {
        _word_keys("".join(instead if is_unseen(each) else each for each in shown))
        for instead in ("", " ")
    }


def _word_keys(written: str) -> tuple[str, ...]:
    keys = [name_key(word) for word in _BETWEEN_WORDS.split(_ASIDES.sub(" ", written))]
    return tuple(sorted(key for key in keys if key and key not in TITLES)) or (name_key(written),)


def _are_alike(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether two names have the same words, or initials of them beside a word in full.

    Both in alphabetical order. A letter of a script without capitals is a word and no initial.
    """
    if words == others:
        return True
    left = list((Counter(words) - Counter(others)).elements())
    right = list((Counter(others) - Counter(words)).elements())
    shares_a_word = any(len(word) > 1 and word in others for word in words)
    return (
        shares_a_word
        and len(left) == len(right)
        and all(
            one[0] == other[0] and one[0].islower() and 1 in (len(one), len(other))
            for one, other in zip(left, right, strict=True)
        )
    )


def _without_blanks(text: str) -> str:
    return "".join(
        each
        for each in text
        if not (is_unseen(each) or each.isspace() or unicodedata.category(each) == "Cc")
    )
