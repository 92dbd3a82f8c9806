"""Who a document is between, from the law: the operator and the participant as registered.

The operator sells to suppliers. What a generator or a charge owner is paid is its own sale to the
operator, which writes the bill in its name (self-billing): there the operator is the buyer.

Lines go by the law of each day; parties and terms go by that of the last settled day of the month,
as known at issue, for every document of the month, notes that are issued years later included. A
participant is one legal person: who takes over its rights and duties in mid-month, under a name or
tax identifier of its own, takes over the month. Where two persons are to be billed apart, they are
two participants, each with a registration of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.invoice import Family
from ledger.parties import Party
from rulebook.documents import Registration, SettlementTerms
from rulebook.resolve import RuleSet


@dataclass(frozen=True)
class StatedParties:
    """The parties of a month's documents, and the days from issue to payment."""

    operator: Party
    participants: Mapping[str, Party]
    payment_term_days: int

    def seller(self, participant: str, family: Family) -> Party:
        """Return who sells: the operator, or the participant in whose name it bills."""
        return self.operator if family is Family.INVOICE else self.participants[participant]

    def buyer(self, participant: str, family: Family) -> Party:
        """Return who buys: the participant, or the operator that bills in its name."""
        return self.participants[participant] if family is Family.INVOICE else self.operator


def stated_parties(
    terms: SettlementTerms, known: RuleSet, settled: Sequence[RuleSet]
) -> StatedParties:
    """Return the parties as the law in force has them.

    Args:
        terms: the settlement terms in force.
        known: the law in force, whose registrations hold.
        settled: the law that the month was settled by, earliest first, for participants who have
            left since.
    """
    participants = {
        registration.participant: _participant(registration)
        for rules in (*settled, known)
        for registration in rules.registrations
    }
    return StatedParties(_operator(terms), participants, terms.payment_term_days)


def _operator(terms: SettlementTerms) -> Party:
    operator = terms.operator
    return Party(
        legal_name=operator.legal_name,
        tax_identifier=operator.tax_identifier,
        address_lines="\n".join(operator.address.lines),
        postcode=operator.address.postcode,
        country=operator.address.country,
        contact_name=operator.contact.name,
        contact_email=operator.contact.email,
        iban=operator.printed_account,
    )


def _participant(registration: Registration) -> Party:
    contact = registration.contacts[0]
    return Party(
        legal_name=registration.legal_name,
        tax_identifier=registration.tax_identifier,
        address_lines="\n".join(registration.address.lines),
        postcode=registration.address.postcode,
        country=registration.address.country,
        contact_name=contact.name,
        contact_email=contact.email,
        iban=registration.printed_account,
    )
