"""Who sells and who buys, as a document states it for good.

A document keeps its parties and its payment term as they were at issue: they are columns of its row
and lie under its digest, so a later change of a registration or of the terms changes no document.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Party:
    """A seller or a buyer.

    Args:
        legal_name: as contracts carry it.
        tax_identifier: as registered, for people; blanks in it do not matter.
        address_lines: street and town, a line of text each, with a line break between them.
        postcode, country: the country as two letters (ISO 3166).
        contact_name, contact_email: whom to write to.
        iban: of its bank account, or its sort code and number where it has no IBAN; None where it
            is not known.
    """

    legal_name: str
    tax_identifier: str
    address_lines: str
    postcode: str
    country: str
    contact_name: str
    contact_email: str
    iban: str | None


SELLER, BUYER = "seller", "buyer"
PARTY_COLUMNS = tuple(f"{side}_{each.name}" for side in (SELLER, BUYER) for each in fields(Party))


def party_columns(side: str, party: Party) -> dict[str, Any]:
    """Return a party as columns of an invoice; `side` is seller or buyer."""
    return {f"{side}_{name}": value for name, value in asdict(party).items()}


def party_of(side: str, columns: dict[str, Any]) -> Party:
    """Return the party that an invoice's columns state."""
    return Party(**{each.name: columns[f"{side}_{each.name}"] for each in fields(Party)})


def party_breaches(side: str, party: Party) -> Iterator[str]:
    """Yield what a party lacks; only its bank account may be unknown.

    >>> party = Party("A", "1", "High Street", "", "GB", "Desk", "a@b.c", None)
    >>> list(party_breaches("buyer", party))
    ["buyer's postcode is empty"]
    """
    for name, value in asdict(party).items():
        if name != "iban" and not (value or "").strip():
            yield f"{side}'s {name} is empty"
