"""What a proof finds: a row that is not as it was written, or a schema that guards it no more."""

from common.refusals import Finding

LIMIT = "every row gives the digest stored with it"
REMEDY = "restore the row from a backup or evidence file; nothing in the product changes it"


def damage(code: str, place: str, value: str, limit: str = LIMIT, remedy: str = REMEDY) -> Finding:
    """Return the finding that a stored row, or one that is missing, is not as it was written.

    Args:
        code: what kind of damage, such as `ledger-chain`.
        place: the table and the row's key.
        value: what is wrong with it.
        limit: what it should be, where it is no row.
        remedy: what to do about it, where it is no row.
    """
    return Finding(code, place, value, limit, remedy)
