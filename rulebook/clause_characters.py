"""How the text of a clause is read, whatever characters it is written in.

What looks the same to people is read the same: in one normal form, which is never stored. What
people cannot see, or cannot tell from other letters, publication refuses in a clause.
"""

import re
import unicodedata
from collections.abc import Iterator

from common.unseen import is_unseen

_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "COPTIC", "CHEROKEE")
"""The scripts that have letters of one look, as names of characters in Unicode open."""

_LETTERS = re.compile(r"[^\W\d_]+")
# The first row is Cyrillic and Greek, the second what of Latin looks the same.
_LATIN_OF = str.maketrans(
    "аеһіјӏорԛѕсԁԝхуАВЕНІЈКМОРЅТСХУοιναρυκχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ\u2010\u2011\u201a\u066b\u066c",
    "aehijlopqscdwxyABEHIJKMOPSTCXYoivapukxABEZHIKMNOPTYX--,.,",
)
_SMALL_RAISED = re.compile("(?<=[^\\W_])[⁰¹²³⁴-⁹₀-₉]{1,2}(?![⁰¹²³⁴-⁹₀-₉])")
_FRACTION_SIGN = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞↉])")
_DASH_IN_WORD = re.compile("(?<=[A-Za-z])[\u2013\u2014](?=[A-Za-z])")
_RAISED_POINT = re.compile("(?<=\\d)[\u00b7\u2219\u22c5](?=\\d)")
_LETTER_AS_ZERO = re.compile(r"\d[\d,]*[Oo][\dOo,]*(?![A-Za-z])")


def normal_form(text: str) -> str:
    """Return a text as its numbers are read: without what is not seen, runs of blanks as one.

    >>> normal_form("£6\\u00ad000, 6\\u202fthousand  pounds, 1½\\u2009hours")
    '£6000, 6 thousand pounds, 1 1/2 hours'
    """
    in_one_row = " ".join(_in_plain_characters(text).split())
    pointed = _RAISED_POINT.sub(".", _DASH_IN_WORD.sub("-", in_one_row))
    return _LETTER_AS_ZERO.sub(lambda found: re.sub("[Oo]", "0", found[0]), pointed)


def _in_plain_characters(text: str) -> str:
    # Of ASCII nothing is unseen, and nothing looks like something else.
    if text.isascii():
        return text
    # A digit raised behind a number is a note's; NFKC would make it the number's last.
    apart = _FRACTION_SIGN.sub(" ", _SMALL_RAISED.sub("", text))
    composed = unicodedata.normalize("NFKC", "".join(c for c in apart if not is_unseen(c)))
    return "".join(_plain(character) for character in composed).translate(_LATIN_OF)


def unseen_characters(text: str) -> Iterator[tuple[str, str]]:
    """Yield each unseen character of a text once, and the text that stands before it."""
    for character in filter(is_unseen, dict.fromkeys(text)):
        yield character, text[: text.index(character)]


def words_of_two_scripts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each word that mixes scripts with letters of one look, and its first odd letter."""
    if text.isascii():
        return
    seen = "".join(character for character in text if not is_unseen(character))
    for word in dict.fromkeys(_LETTERS.findall(seen)):
        scripts = [(_script(letter), letter) for letter in word]
        known = {script for script, _ in scripts if script}
        if len(known) > 1:
            usual = "LATIN" if "LATIN" in known else next(script for script, _ in scripts if script)
            yield word, next(each for script, each in scripts if script not in {"", usual})


def spelled_out(character: str) -> str:
    """Return a character as its number and name in Unicode.

    >>> spelled_out("\\u00ad")
    'U+00AD (soft hyphen)'
    """
    name = unicodedata.name(character, "a character without a name").lower()
    return f"U+{ord(character):04X} ({name})"


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Mn", "Me"} or is_unseen(character):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return "/" if character == "\u2044" else character


def _script(letter: str) -> str:
    opening = unicodedata.name(letter, "").partition(" ")[0]
    return opening if opening in _SCRIPTS else ""
