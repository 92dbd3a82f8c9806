"""The sentences of a document, the same in every format."""

from collections.abc import Iterator

from common.currencies import currency
from ledger.parties import Party
from settlement.billing.lines import RETURNED
from settlement.documents.arithmetic import PRICED, Price, decimal_text
from settlement.documents.issued_document import IssuedDocument, IssuedLine

SELF_BILLING = "Self-billing: the buyer issues this document in the name of the seller."
EVERY_PRICE = (
    "Quantity times price, rounded to {minor}, is a line's own amount. An average price is that of "
    "the line's intervals, weighed by their quantities, with as many decimals as the product needs."
)
EVERY_AMOUNT = (
    "Lines are rounded on their running total, so that they sum to the net; what a line has more "
    "or less than its own amount for that is stated as carried."
)
EVERY_TAX = (
    "Base and tax are rounded once for each tax of the month, on all its documents so far: a note "
    "states what these come to more or less than the documents before it stated."
)
OF_OTHERS = (
    "What the equalisation account returns is shared by all: its lines change where anybody's "
    "charges do, even where nothing of one's own did."
)
PARTLY_PRICED = "of a part"
"""What stands for the price of a line of which a part awaits one; its sentence says how much."""

DEMONSTRATION = "Demonstration: nobody owes or is owed what this document states."
PROOF_ADDRESS = "/proof/?document={code}"


def party_lines(party: Party) -> list[str]:
    """Return the lines of an address, without postcode and country."""
    return party.address_lines.split("\n")


def payment_words(document: IssuedDocument) -> str:
    """Return when payment is due, and from whom to whom."""
    days = document.payment_term_days
    payer, payee = ("buyer", "seller") if buyer_pays(document) else ("seller", "buyer")
    return (
        f"Due from the {payer} to the {payee} on {document.due_on}, "
        f"{days} {'day' if days == 1 else 'days'} after the day of issue"
    )


def headlines(document: IssuedDocument) -> Iterator[str]:
    """Yield what a reader must not miss: who issues it, what it corrects, who owes tax."""
    yield from correction(document)
    yield from duties(document)


def duties(document: IssuedDocument) -> Iterator[str]:
    """Yield who issues a document in whose name, and who owes tax."""
    if document.is_self_billed:
        yield SELF_BILLING
    yield from document.tax_notes


def correction(document: IssuedDocument) -> Iterator[str]:
    """Yield what a note corrects."""
    if document.original:
        yield (
            f"This {document.kind} corrects {document.original.number} of "
            f"{document.original.issued_on} and holds only what changed since the documents "
            "before it."
        )


def explanations(document: IssuedDocument) -> Iterator[str]:
    """Yield how the lines multiply and sum, and how the tax of a note comes about."""
    yield EVERY_PRICE.format(minor=currency(document.currency).minor_name)
    yield EVERY_AMOUNT
    if document.original:
        yield EVERY_TAX
        if any(line.kind == RETURNED for line in document.lines):
            yield OF_OTHERS


def proof_words(document: IssuedDocument) -> str:
    """Return what proves the document, and where."""
    run = f" Settlement run {document.run.kind}, {document.run.id}." if document.run else ""
    address = document.portal_address + PROOF_ADDRESS.format(code=document.code)
    portal = "" if document.portal_address else " of the market's portal"
    where = f"Code {document.code}: the proof of this document is at {address}{portal}."
    return f"{where}{earlier_words(document)}{run}"


def earlier_words(document: IssuedDocument) -> str:
    """Return which checkpoint a document came after, with a space before it; empty for none."""
    if document.earlier is None:
        return ""
    return f" It came after the earlier checkpoint of {document.earlier.size:,} leaves of the log."


def document_notes(document: IssuedDocument) -> Iterator[str]:
    """Yield what a document says beside its lines and totals."""
    if document.is_demonstration:
        yield DEMONSTRATION
    yield from headlines(document)
    yield from explanations(document)
    yield f"{proof_words(document)} Digest {document.digest.hex()}."


def line_note(line: IssuedLine, minor_digits: int) -> str:
    """Return a line's arithmetic, its exact amount and its clauses, in one line of text."""
    parts = [arithmetic_words(line), f"exact amount {decimal_text(line.exact_micro, 6)}"]
    if line.carried_minor:
        parts.append(f"{decimal_text(line.carried_minor, minor_digits)} carried by rounding")
    if line.estimated_quantity:
        parts.append(estimated_words(line))
    if line.tax_words:
        parts.append(line.tax_words)
    if line.clauses:
        parts.append(f"clauses {', '.join(line.clauses)}")
    return "; ".join(part for part in parts if part)


def arithmetic_words(line: IssuedLine) -> str:
    """Return quantity and price as people multiply them; empty where nothing is counted."""
    if line.quantity is None:
        return ""
    quantity = quantity_words(line.quantity, str(line.quantity_unit))
    price = line.stated_price
    if line.awaited and line.exact_micro:
        return f"{quantity}, of which no one price makes the amount: {line.awaited}"
    if price is None:
        return (
            f"{quantity}, no amount" if line.price else f"{quantity} on balance, so without a price"
        )
    return f"{quantity} × {price_words(price)}"


def estimated_words(line: IssuedLine) -> str:
    """Return how much of a line is estimated, or how much less."""
    change = line.estimated_quantity or 0
    words = quantity_words(abs(change), str(line.quantity_unit))
    return f"{words} less is estimated" if change < 0 else f"{words} of it estimated"


def quantity_words(quantity: int, unit: str, thousands: str = ",") -> str:
    """Write a quantity in the unit that its price is for.

    >>> quantity_words(17_523_001, "Wh"), quantity_words(1, "days"), quantity_words(3, "pieces")
    ('17.523001 MWh', '1 day', '3 pieces')
    """
    name, divisor = PRICED[unit]
    number = decimal_text(quantity, len(str(divisor)) - 1, thousands=thousands)
    plural = "" if name == "MWh" or quantity == 1 else "s"
    return f"{number} {name}{plural}"


def price_words(price: Price, thousands: str = ",") -> str:
    """Write a price, and whether it is an average.

    >>> price_words(Price(61177, 3, "MWh", False))
    '61.177 per MWh on average'
    """
    number = decimal_text(price.value, price.decimals, thousands=thousands)
    return f"{number} per {price.unit}{'' if price.is_exact else ' on average'}"


def buyer_pays(document: IssuedDocument) -> bool:
    """Return whether money goes from the buyer to the seller."""
    return (document.due_minor > 0) != document.is_credit
