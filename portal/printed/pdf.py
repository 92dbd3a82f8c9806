"""A report as a PDF: the same report, the same bytes.

The page is set by `report.typ` in the fonts of documents, and its only date is the moment at which
the report was made. Unlike a document it is no evidence, so it claims no archival profile: a letter
that no font can show, in what somebody wrote of a change, is an empty box and no refusal.
"""

import datetime as dt
import json
from functools import cache
from pathlib import Path

import typst

from portal.printed.sections import Printed
from rulebook.printed_text import font_families
from settlement.documents.pdf import FONTS

TEMPLATE = Path(__file__).with_name("report.typ")
ISSUER = "Tallystick"


def report_pdf(printed: Printed, made_at: dt.datetime) -> bytes:
    """Return a report as a PDF.

    Args:
        printed: see `portal.printed.sections`.
        made_at: when what it tells was made, to the second.
    """
    report = printed | {"fonts": font_families(), "issuer": ISSUER}
    page = _compiler().compile(
        format="pdf",
        sys_inputs={"report": json.dumps(report)},
        timestamp=made_at.astimezone(dt.UTC).replace(microsecond=0),
    )
    assert isinstance(page, bytes)
    return page


@cache
def _compiler() -> typst.Compiler:
    """Return what sets reports; it keeps its fonts between pages."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(FONTS)]
    )
    return typst.Compiler(str(TEMPLATE), root=str(TEMPLATE.parents[1]), font_paths=fonts)
