"""Which payment a reversal takes back, as far as what came before it tells; pure."""

from collections.abc import Sequence
from typing import NamedTuple


class Earlier(NamedTuple):
    """A payment as earlier decisions left it: the documents that it pays, and what rests of it."""

    name: str
    account: str
    documents: frozenset[str]
    rest_minor: int

    def may_be_of(self, account: str) -> bool:
        """Return whether it may have come from an account; not every bank names accounts."""
        return not (account and self.account) or account == self.account


def why_of_another(
    amount: int, account: str, document: str, earlier: Sequence[Earlier]
) -> str | None:
    """Return why a reversal may not be of what was paid of a document; None where it is.

    It is not where it may take back a payment that rests in the queue, or where another account
    paid: the document would lose what somebody else paid, and the queue keep what is gone, to be
    asked back once more.

    Args:
        amount: of the reversal, which has the sign opposite to what it takes back.
        account: of the other side, empty where the bank names none.
        document: that it names.
        earlier: the payments before it.
    """
    for payment in earlier:
        could_be = payment.rest_minor * amount < 0 and abs(payment.rest_minor) >= abs(amount)
        if could_be and payment.may_be_of(account):
            return f"a reversal that may be of {payment.name}, which rests in the queue"
    payers = [payment for payment in earlier if document in payment.documents]
    if payers and not any(payment.may_be_of(account) for payment in payers):
        return f"a reversal from an account that paid nothing of {document}"
    return None
