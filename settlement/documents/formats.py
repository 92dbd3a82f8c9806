"""The formats of documents, each with what renders it from a document alone."""

# Nothing here needs the store: a process that only renders starts in half the time without it.
from collections.abc import Callable
from dataclasses import dataclass

from settlement.documents.as_json import as_json
from settlement.documents.en16931 import factur_x, ubl
from settlement.documents.issued_document import IssuedDocument
from settlement.documents.pdf import pdf

CSV = "csv"


@dataclass(frozen=True)
class Format:
    """A format of documents: the ending and media type of its files, and what it takes.

    Args:
        render: from a document alone; None for the intervals, which are read from the store.
    """

    name: str
    ending: str
    media_type: str
    render: Callable[[IssuedDocument], bytes] | None


FORMATS = {
    offered.name: offered
    for offered in (
        Format("pdf", "pdf", "application/pdf", pdf),
        Format("xml", "xml", "application/xml", factur_x),
        Format("ubl", "ubl.xml", "application/xml", ubl),
        Format("json", "json", "application/json", as_json),
        Format(CSV, "csv", "text/csv; charset=utf-8", None),
    )
}
