"""How addresses, findings and files name a document of a working copy."""

from portal.editing.fields import NAMED_BY
from rulebook.documents import KINDS


def key_of(instrument: str) -> str:
    """Return the name of a document within its market.

    >>> key_of("gb12/market-rules"), key_of("gb12/registration/northwind")
    ('market-rules', 'registration.northwind')
    """
    return instrument.partition("/")[2].replace("/", ".")


def instrument_of(market: str, key: str) -> str | None:
    """Return the instrument that a name within a market stands for; None for a name of none.

    >>> instrument_of("gb12", "registration.northwind"), instrument_of("gb12", "registration")
    ('gb12/registration/northwind', None)
    """
    kind, dot, name = key.partition(".")
    if kind not in KINDS or bool(dot) != (kind in NAMED_BY) or "/" in key or (dot and not name):
        return None
    return f"{market}/{kind}/{name}" if dot else f"{market}/{kind}"


def kind_of(instrument: str) -> str:
    """Return the kind of an instrument."""
    return instrument.split("/")[1]


def name_of(instrument: str) -> str:
    """Return whose document an instrument is; empty for one of the whole market."""
    return "".join(instrument.split("/")[2:])
