"""What is asked of a change of a participant's account, name or tax number; pure.

It applies no earlier than the settlement terms say after it was proposed; the participant confirms
it, by a person who neither proposed nor approves it; and what it objects to is not approved. Units
that leave it for another wait for its word alone: what was sold is corrected for days of the past.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from common.refusals import Finding
from ledger.people.rights import Answered, Rights
from rulebook.versions import instant_shown

Payee = Mapping[str, str | None]
"""legal_name, tax_identifier, iban, sort_code, account_number; None where there is none."""

WORDS = {
    "legal_name": "legal name",
    "tax_identifier": "tax identifier",
    "iban": "bank account",
    "sort_code": "sort code",
    "account_number": "account number",
}
"""Every field of a payee, in words."""
NUMBERS = frozenset({"iban", "sort_code", "account_number"})
"""Those that mail tells shortened: who reads it knows theirs, and another learns little."""
LEFT_OF_NUMBER = 4
NONE = "none"
ALIKE = "another that ends alike"


class PayeeChange(NamedTuple):
    """What a publication would change for a participant.

    Attributes:
        before: each other payee that it has on the days of the publication, or had last; empty
            where units leave it.
        after: the payee that it is to be; None where units leave it.
        units: that leave it for `taker`, another participant.
        told: every address that its registration ever named before.
    """

    participant: str
    before: tuple[Payee, ...]
    after: Payee | None
    units: tuple[str, ...]
    taker: str | None
    told: tuple[str, ...]


class Delay(NamedTuple):
    """What settlement terms say: whether there are any, and the days, None where they say none."""

    is_bound: bool
    days: int | None

    def earliest(self, proposed_at: dt.datetime) -> dt.datetime | None:
        """Return from when on what was proposed then may apply; None where it may not."""
        return None if self.days is None else proposed_at + dt.timedelta(days=self.days)


class Word(NamedTuple):
    """A field of a payee as it is and as it is to be."""

    name: str
    old: str
    new: str


def words_of(change: PayeeChange, *, whole: bool = False) -> list[Word]:
    """Return what a change says, in words.

    Args:
        change: what is asked about.
        whole: whether numbers of accounts stand whole, as whoever answers must read them: an
            account is easily had that ends as another. Otherwise they are shortened as banks do.
    """
    if change.after is None:
        units = ", ".join(change.units)
        return [Word("units", f"{units}, paid to {change.participant}", f"paid to {change.taker}")]
    return [
        _word(name, {each[name] for each in change.before}, change.after[name], whole=whole)
        for name in WORDS
        if any(each[name] != change.after[name] for each in change.before)
    ]


def shortened(number: str) -> str:
    """Return the number of an account as a bank shows it, its end alone and an IBAN's country.

    >>> shortened("GB50TSBX00123412345678"), shortened("12345678"), shortened("4411")
    ('GB··5678', '··5678', '··11')
    """
    left = min(LEFT_OF_NUMBER, len(number) // 2)
    return f"{number[:2] if number[:2].isalpha() else ''}··{number[-left:]}"


def in_fours(iban: str) -> str:
    """Return an IBAN as it is printed, by ISO 13616: in groups of four, which lines part at.

    >>> in_fours("GB50TSBX00123412345678")
    'GB50 TSBX 0012 3412 3456 78'
    """
    return " ".join(iban[place : place + 4] for place in range(0, len(iban), 4))


def check_delay(
    market: str,
    changes: Sequence[PayeeChange],
    delay: Delay,
    proposed_at: dt.datetime,
    starts: dt.datetime,
) -> Iterator[Finding]:
    """Find the changes that apply too early, or that no settlement terms allow."""
    if not delay.is_bound:
        return  # there was nobody to pay yet
    earliest = delay.earliest(proposed_at)
    for change in changes:
        if change.after is None:
            continue
        place = f"{market}/registration/{change.participant}"
        value = f"{_fields(change)} from {instant_shown(starts)}"
        if earliest is None:
            yield Finding(
                "payee-change-undated",
                place,
                value,
                f"the settlement terms of {market} state no payee_change_delay_days",
                "publish settlement terms that state it, and propose the change after that",
            )
        elif starts < earliest:
            yield Finding(
                "payee-changes-too-early",
                place,
                value,
                f"it applies {delay.days} days after it is proposed, from "
                f"{instant_shown(earliest)} on",
                "propose it for a later day, and what else changes by itself",
            )


def check_answers(
    number: int,
    changes: Sequence[PayeeChange],
    delay: Delay,
    answers: Iterable[Answered],
    proposer: Rights,
    approver: Rights,
) -> Iterator[Finding]:
    """Find what keeps a proposal from being approved: a word that is missing, or that says no."""
    given = list(answers)
    place = f"proposal {number}"
    for each in given:
        if not each.agrees:
            yield Finding(
                "payee-change-objected",
                place,
                f"{each.participant} objected, by {each.account} at {instant_shown(each.at)}",
                "what a participant objects to is not approved",
                "ask the participant, and propose anew what it wants",
            )
        elif each.person == approver.person:
            yield Finding(
                "two-people",
                f"account {approver.account}",
                f"{each.account}, who is the same person, confirmed it for {each.participant}",
                "who approves is another than who confirms",
                "have somebody else approve it",
            )
    agreed = {each.participant for each in given if each.agrees and each.person != proposer.person}
    for participant in sorted({change.participant for change in changes} - agreed):
        if delay.is_bound:
            fields = ", ".join(_fields(each) for each in changes if each.participant == participant)
            yield Finding(
                "payee-change-unconfirmed",
                place,
                f"{participant} has not confirmed: {fields}",
                "a participant confirms a change of its account, name or tax number",
                f"let who acts for {participant} read and confirm it, on the portal or by "
                f"`manage.py confirm {number} DIGEST`",
            )


def check_answerer(
    number: int, rights: Rights, proposer: Rights, owners: Sequence[str], *, agrees: bool
) -> Iterator[Finding]:
    """Find why an account may not answer for a participant whom a proposal concerns."""
    place = f"account {rights.account}" if rights.account else "account"
    if not owners:
        yield Finding(
            "answer-not-asked",
            place,
            f"acts for no participant whose account, name or tax number proposal {number} changes",
            "who acts for a participant answers for it",
            "let who acts for it sign in: `manage.py login ACCOUNT`",
        )
    elif rights.person is None:
        yield Finding("service-answers", place, "a service", "a person answers",
                      "let a person sign in and answer")  # fmt: skip
    elif agrees and rights.person == proposer.person:
        yield Finding(
            "two-people",
            place,
            f"it was proposed by {proposer.account}, who is the same person",
            "who confirms is another than who proposes",
            "have somebody else confirm it",
        )


def _fields(change: PayeeChange) -> str:
    return " and ".join(word.name for word in words_of(change))


def _word(name: str, before: Set[str | None], after: str | None, *, whole: bool) -> Word:
    old, new = (
        {_shown(name, each, whole=whole) for each in before},
        _shown(name, after, whole=whole),
    )
    if new in old and after not in before:
        new = f"{new}, {ALIKE}"
    return Word(WORDS[name], " or ".join(sorted(old)), new)


def _shown(name: str, value: str | None, *, whole: bool) -> str:
    if value is None:
        return NONE
    if name in NUMBERS and not whole:
        return shortened(value)
    return in_fours(value) if name == "iban" else value
