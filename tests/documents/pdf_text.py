"""What a PDF of the product says, read from its content by the characters its fonts name.

A reader of any PDF (pypdf, by which `test_pdf` holds the page) works out from positions where words
end and takes longer than setting the page does. Here, a run of glyphs is one piece of text.
"""

import io
import re

import pikepdf

CHARACTER = re.compile(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", re.MULTILINE)
TEXT = ("Tf", "Tj", "TJ")


def pdf_text(written: bytes) -> str:
    """Return the runs of all pages, in the order in which they are set, a space between two."""
    with pikepdf.open(io.BytesIO(written)) as opened:
        return " ".join(run for page in opened.pages for run in _runs(page))


def _characters(font) -> dict[bytes, str]:
    """Return what each glyph of a font stands for, by its two bytes."""
    return {
        bytes.fromhex(glyph.decode()): bytes.fromhex(text.decode()).decode("utf-16-be")
        for glyph, text in CHARACTER.findall(font.ToUnicode.read_bytes())
    }


def _runs(page):
    fonts = {name: _characters(font) for name, font in page.Resources.Font.items()}
    characters: dict[bytes, str] = {}
    for step in pikepdf.parse_content_stream(page):
        operator = str(step.operator)
        if operator not in TEXT:
            continue
        if operator == "Tf":
            characters = fonts[str(step.operands[0])]
            continue
        shown = step.operands[0] if operator == "TJ" else step.operands
        glyphs = b"".join(bytes(part) for part in shown if isinstance(part, pikepdf.String))
        yield "".join(characters[glyphs[at : at + 2]] for at in range(0, len(glyphs), 2))
