"""One person by the database is one person by the product, whatever characters a name has."""

import doctest
import sys
import unicodedata

from sqlalchemy import text

from common import people, unseen
from common.people import is_same_person, name_key, name_shown

ONE_PERSON = [
    ("Ann Author", "ann author"),
    ("Ann Author", "Ann  Author "),
    ("Ann Author", "Ann\u00a0Author"),
    ("Ann Author", "Ann\u200bAuthor"),
    ("Ann Author", "\u202eAnn\u2060 Author"),
    ("Ann Author", "\uff21\uff4e\uff4e Author"),
    ("Ann Author", "\u0410nn Auth\u043er"),
    ("RENÉ WEISS", "Rene\u0301 Weiß"),
    ("Zoë", "Zo\u200de\u0308"),
    ("Виктор", "ВИКТОР"),
]
OTHER_WORDS = [
    ("Ann Author", "Author, Ann"),
    ("Ann Author", "Author\u200bAnn"),
    ("Ann Author", "Dr. Ann Author"),
    ("Ann Author", "Ann Author, PhD"),
    ("Ann Author", "Prof. Dr. AUTHOR Ann"),
    ("Ann Author", "Ann Author <ann@market.example>"),
    ("Ann Author", "Ann Author (Settlement)"),
    ("Ann Author", "Ann Author ann@market.example"),
    ("Ann Author", "\uff41\uff55\uff54\uff48\uff4f\uff52\uff0c\uff21nn"),
    ("Mr X", "X"),
    ("Ann Author", "A. Author"),
    ("Ann Author", "AUTHOR, A"),
    ("Ann B. Author", "A. Beth Author"),
    ("Жан Иванов", "Ж. Иванов"),
]
"""One person to the product alone; the database knows letters and not words."""

TWO_PEOPLE = [
    ("Ann Author", "Anne Author"),
    ("José", "Jose"),
    ("Li Wei", "李伟"),
    ("A1", "A2"),
    ("Dr", "Prof"),
    ("ann@a.example", "ann@b.example"),
    ("A. Author", "B. Author"),
    ("A. Author", "Ben Author"),
    ("A. B.", "Ann Best"),
    ("A", "Ann"),
    ("王 伟", "王 伟明"),
    ("Operator 1", "Operator 12"),
    ("Ann Ann Author", "Ann Author"),
]
KEYS = text(
    "SELECT public.person_key(name) "
    "FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS given (name, place) ORDER BY place"
)


def test_one_person_is_known_by_every_way_to_write_the_name(session):
    for one, other in ONE_PERSON + OTHER_WORDS:
        assert is_same_person(one, other), other
    for one, other in TWO_PEOPLE:
        assert not is_same_person(one, other), other
    names = [name for pair in ONE_PERSON + TWO_PEOPLE for name in pair]
    assert session.scalars(KEYS, {"names": names}).all() == [name_key(name) for name in names]
    assert name_shown(" Rene\u0301\u00a0 Weiß") == "René Weiß"


def test_the_database_takes_every_character_for_the_same(session):
    letters = [
        f"{chr(number)}x"
        for number in range(1, sys.maxunicode + 1)
        # What this Python does not know yet, a later PostgreSQL may.
        if unicodedata.category(chr(number)) not in {"Cs", "Cn", "Co"}
    ]
    found = session.scalars(KEYS, {"names": letters}).all()
    assert [
        (ascii(name), ascii(key))
        for name, key in zip(letters, found, strict=True)
        if key != name_key(name)
    ] == []


def test_the_examples_hold():
    for module in (people, unseen):
        results = doctest.testmod(module)
        assert (results.failed, results.attempted > 0) == (0, True)
