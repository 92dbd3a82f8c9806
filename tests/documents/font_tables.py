"""What the shipped fonts can show, read from the fonts themselves (OpenType `cmap` and `name`).

`rulebook/printed_characters.txt` is written by it:

    python -m tests.documents.font_tables > rulebook/printed_characters.txt
"""

import struct
from itertools import pairwise
from pathlib import Path

FONTS = Path(__file__).parents[2] / "settlement" / "documents" / "fonts"
TABLE = Path(__file__).parents[2] / "rulebook" / "printed_characters.txt"
FAMILY, WINDOWS, UNICODE = 1, 3, 0
LAST = ("Noto Sans CJK SC", "Noto Emoji", "Noto Sans Symbols", "Unifont", "Unifont Upper")
"""Asked after the fonts of single scripts; what is set dot by dot comes last."""

PRIVATE = (range(0x20), range(0x7F, 0xA0), range(0xD800, 0xF900), range(0xF0000, 0x110000))
"""Controls, halves of characters, and what means to each font something of its own."""

OPENING = """\
# What each font in settlement/documents/fonts can show, in the order in which they are asked:
# family, then ranges of code points. Written by tests/documents/font_tables.py.
"""


def table() -> str:
    """Return the lines of the table, a family each."""
    shown = characters_by_family()
    order = [*sorted(shown.keys() - set(LAST)), *LAST]
    return OPENING + "".join(f"{family}: {' '.join(_ranges(shown[family]))}\n" for family in order)


def characters_by_family() -> dict[str, set[int]]:
    """Return what each font can show, by family."""
    shown = {}
    for path in [*FONTS.glob("*.ttf"), *FONTS.glob("*.otf")]:
        tables = _tables(path.read_bytes())
        shown[_family(tables["name"])] = _characters(tables["cmap"])
    return shown


def ranges_by_family() -> dict[str, set[int]]:
    """Return both ends of each range of what a font can show, by family."""
    return {
        family: {each for each in shown if not {each - 1, each + 1} <= shown}
        for family, shown in characters_by_family().items()
    }


def _tables(font: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack(">H", font[4:6])
    found = {}
    for at in range(12, 12 + 16 * count, 16):
        tag, _, offset, length = struct.unpack(">4sIII", font[at : at + 16])
        found[tag.decode()] = font[offset : offset + length]
    return found


def _family(name: bytes) -> str:
    _, count, texts = struct.unpack(">HHH", name[:6])
    for at in range(6, 6 + 12 * count, 12):
        platform, _, language, kind, length, offset = struct.unpack(">6H", name[at : at + 12])
        if platform == WINDOWS and language == 0x409 and kind == FAMILY:
            return name[texts + offset : texts + offset + length].decode("utf-16-be")
    raise ValueError("a font without a family in English")


def _characters(cmap: bytes) -> set[int]:
    (count,) = struct.unpack(">H", cmap[2:4])
    found: set[int] = set()
    for at in range(4, 4 + 8 * count, 8):
        platform, _, offset = struct.unpack(">HHI", cmap[at : at + 8])
        (layout,) = struct.unpack(">H", cmap[offset : offset + 2])
        if platform in (UNICODE, WINDOWS) and layout in (4, 12):
            found |= (_of_layout_4 if layout == 4 else _of_layout_12)(cmap[offset:])
    return {each for each in found if not any(each in private for private in PRIVATE)}


def _of_layout_4(cmap: bytes) -> set[int]:
    doubled = struct.unpack(">H", cmap[6:8])[0]
    count = doubled // 2
    ends = struct.unpack(f">{count}H", cmap[14 : 14 + doubled])
    starts = struct.unpack(f">{count}H", cmap[16 + doubled : 16 + 2 * doubled])
    deltas = struct.unpack(f">{count}H", cmap[16 + 2 * doubled : 16 + 3 * doubled])
    at_offsets = 16 + 3 * doubled
    offsets = struct.unpack(f">{count}H", cmap[at_offsets : at_offsets + doubled])
    found = set()
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for character in range(start, min(end, 0xFFFE) + 1):
            glyph = character
            if offsets[number]:
                at = at_offsets + 2 * number + offsets[number] + 2 * (character - start)
                (glyph,) = struct.unpack(">H", cmap[at : at + 2])
                if not glyph:
                    continue
            if (glyph + deltas[number]) % 0x10000:
                found.add(character)
    return found


def _of_layout_12(cmap: bytes) -> set[int]:
    (count,) = struct.unpack(">I", cmap[12:16])
    found: set[int] = set()
    for at in range(16, 16 + 12 * count, 12):
        start, end, _ = struct.unpack(">III", cmap[at : at + 12])
        found.update(range(start, end + 1))
    return found


def _ranges(characters: set[int]):
    ordered = sorted(characters)
    starts = [ordered[0], *(after for before, after in pairwise(ordered) if after > before + 1)]
    ends = [*(before for before, after in pairwise(ordered) if after > before + 1), ordered[-1]]
    for start, end in zip(starts, ends, strict=True):
        yield f"{start:X}" if start == end else f"{start:X}-{end:X}"


if __name__ == "__main__":
    print(table(), end="")
