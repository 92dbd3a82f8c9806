"""The rules of witnesses and of what they co-sign, in the same catalogue as those of the ledger."""

from ledger.rules import Rule


class WitnessRule(Rule):
    """The rules of registering a witness, and of taking in a co-signature."""

    WITNESS_KEY_IS_MALFORMED = (
        301,
        "a witness has a verifier key of type 4, which is no key of the log",
        "give the key as manage.py witness prints it: NAME+KEYID+KEY",
    )
    WITNESS_IS_KNOWN = (
        302,
        "a witness is registered once, and withdrawn once for good",
        "manage.py witnesses lists them; one that comes back comes with another key",
    )
    WITNESS_IS_UNKNOWN = (
        303,
        "co-signatures are kept of witnesses that the operator registered",
        "send the operator your witness key, to be registered by manage.py witnesses register",
    )
    COSIGNATURE_IS_MALFORMED = (
        304,
        "a co-signature is a signature line of C2SP tlog-cosignature, one of a witness",
        "post the line as manage.py witness or add-checkpoint gives it",
    )
    COSIGNATURE_DOES_NOT_HOLD = (
        305,
        "a co-signature is of this log's checkpoint of that size",
        "compare the note that you co-signed with this one: if the roots differ, keep both",
    )
    COSIGNATURE_IS_NOT_OF_TODAY = (
        306,
        "a co-signature is posted within a day, and not before its own time",
        "co-sign again, by a clock that is right",
    )
    COSIGNATURES_ARE_TOO_MANY = (
        307,
        "of a witness 48 co-signatures a day are kept",
        "post again tomorrow; your own folder has what you co-signed",
    )
