"""What a proof of stored rows finds: a row that is not as it was written."""

from common.refusals import Finding

LIMIT = "every row gives the digest stored with it"
REMEDY = "restore the row from a backup or evidence file; nothing in the product changes it"


def damage(code: str, place: str, value: str) -> Finding:
    """Return the finding that a stored row, or one that is missing, is not as it was written.

    Args:
        code: what kind of damage, such as `ledger-chain`.
        place: the table and the row's key.
        value: what is wrong with it.
    """
    return Finding(code, place, value, LIMIT, REMEDY)
