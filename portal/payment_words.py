"""What was decided about a payment, in words: what was typed is shown back as it was understood."""

from collections.abc import Mapping

from portal.amounts import money_minor


def allocation_words(name: str, amounts: Mapping[str, int], rest_minor: int, currency: str) -> str:
    """Return which document got what of a payment, and what rests in the queue.

    >>> allocation_words("gb12-bank-000001/2", {"gb12-invoice-000002": 1234}, 66, "GBP")
    'gb12-bank-000001/2: £12.34 to gb12-invoice-000002; £0.66 rests in the queue.'
    """
    parts = [f"{money_minor(amount, currency)} to {each}" for each, amount in amounts.items()]
    rest = f"{money_minor(rest_minor, currency)} rests" if rest_minor else "nothing rests"
    return f"{name}: {', '.join(parts) or 'nothing allocated'}; {rest} in the queue."
