"""Files of readings as people send them: read where they mean one thing, or refused once in words.

What Excel and pandas write: UTF-16 with tabs, semicolons and decimal commas, `2500000.0`, gzip and
zip, float32 and nested columns of Parquet.
"""

import datetime as dt
import gzip
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settlement.meters import files, unpacking
from tests.settlement.meter_cases import HEADER, checked, codes, csv, day_rows, parquet

VALUES = list(range(1000, 1048))


def values(content: bytes) -> list[int]:
    (vector,) = checked(content).vectors
    return vector.values.tolist()


def only_finding(content: bytes):
    result = checked(content)
    assert len(result.findings) == 1, "\n".join(map(str, result.findings))
    assert not result.vectors
    return result.findings[0]


def separated(separator: str, rows=None) -> str:
    rows = rows or day_rows()
    lines = [HEADER.split(","), *([str(cell) for cell in row] for row in rows)]
    return "\r\n".join(separator.join(line) for line in lines)


def with_values(write) -> bytes:
    return csv([(*row[:3], write(row[3]), row[4]) for row in day_rows()])


def column(name: str, cells: pa.Array) -> bytes:
    """A day as Parquet, one column of it another."""
    table = pq.read_table(io.BytesIO(parquet(day_rows())))
    table = table.set_column(table.column_names.index(name), name, cells)
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def zipped(**members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(separated("\t").encode("utf-16"), id="unicode text of Excel"),
        pytest.param(b"\xfe\xff" + separated("\t").encode("utf-16-be"), id="big-endian"),
        pytest.param(separated(",").encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(separated(",").encode("utf-16-be"), id="big-endian without a mark"),
        pytest.param(separated(",").encode("utf-32"), id="UTF-32"),
        pytest.param(separated(",").encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(separated(";").encode("utf-8-sig"), id="continental Excel"),
        pytest.param(separated("\t").encode(), id="tabs"),
        pytest.param(separated("|").encode(), id="bars"),
        pytest.param(b"sep=;\r\n" + separated(";").encode(), id="Excel's hint"),
        pytest.param(separated('";"').replace("\r\n", '"\r\n"').encode(), id="quoted"),
    ],
)
def test_text_of_excel_is_read_whatever_its_encoding_and_separator(content):
    if b'"' in content:
        content = b'"' + content + b'"'
    assert values(content) == VALUES


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(gzip.compress(csv(day_rows())), id="gzip"),
        pytest.param(
            gzip.compress(csv(day_rows()[:20]) + b"\n")
            + gzip.compress(csv(day_rows()[20:]).partition(b"\n")[2]),
            id="gzip in two parts",
        ),
        pytest.param(gzip.compress(csv(day_rows())) + b"\0" * 512, id="gzip of a tape"),
        pytest.param(gzip.compress(separated(";").encode("utf-16")), id="UTF-16 in gzip"),
        pytest.param(gzip.compress(parquet(day_rows())), id="Parquet in gzip"),
        pytest.param(zipped(day=csv(day_rows())), id="zip"),
        pytest.param(zipped(**{"day": csv(day_rows()), "__MACOSX/._day": b"x"}), id="zip of macOS"),
    ],
)
def test_one_compressed_file_is_read(content):
    assert values(content) == VALUES


@pytest.mark.parametrize(
    "write",
    [
        "{}.0".format,
        "{}.000000".format,
        "{}.000".format,
        "{},0".format,
        "+{}".format,
        " {} ".format,
    ],
)
def test_a_whole_number_may_be_written_with_zeros_after_its_mark(write):
    separator = b";" if "," in write("") else b","
    content = with_values(lambda value: write(value).replace(",", "@"))
    assert values(content.replace(b",", separator).replace(b"@", b",")) == VALUES


@pytest.mark.parametrize("cell", ["1.000", "12.000", "1 000", "1'000", "1.0e3", "1.5", ".0", "."])
def test_what_may_mean_two_numbers_or_none_is_refused_at_its_row(cell):
    rows = day_rows()
    rows[7] = (*rows[7][:3], cell, "measured")
    finding = only_finding(csv(rows))
    assert (finding.code, finding.place) == ("not-an-integer", "day.csv row 8")


@pytest.mark.parametrize("cell", ["1,5", "1,000", "1.000,0"])
def test_a_decimal_comma_is_no_whole_number_either(cell):
    rows = day_rows()
    rows[7] = (*rows[7][:3], cell, "measured")
    assert only_finding(separated(";", rows).encode()).code == "not-an-integer"


@pytest.mark.parametrize(
    ("content", "found", "remedy"),
    [
        pytest.param(b"BZh91AY&SY rest", "bzip2", "gzip or zip", id="bzip2"),
        pytest.param(b"\xfd7zXZ\0 rest", "xz", "gzip or zip", id="xz"),
        pytest.param(b"\x28\xb5\x2f\xfd rest", "zstd", "gzip or zip", id="zstd"),
        pytest.param(b"\xd0\xcf\x11\xe0 rest", "Excel workbook", "CSV UTF-8", id="xls"),
        pytest.param(zipped(**{"[Content_Types].xml": b"x"}), "a workbook", "CSV UTF-8", id="xlsx"),
        pytest.param(zipped(a=b"1", b=b"2"), "2 files", "each file by itself", id="zip of two"),
        pytest.param(zipped(day=b"x")[:-9], "zip archive", "send it again", id="broken zip"),
        pytest.param(
            gzip.compress(csv(day_rows()))[:-20], "breaks off", "send it again", id="broken gzip"
        ),
        pytest.param(
            gzip.compress(csv(day_rows())) + b"more", "4 bytes after", "again", id="gzip and more"
        ),
        pytest.param(
            gzip.compress(gzip.compress(csv(day_rows()))), "twice", "as it is", id="gzip in gzip"
        ),
        pytest.param(
            separated(",").encode("utf-16")[:-1], "begin as UTF-16", "UTF-8", id="torn UTF-16"
        ),
        pytest.param(csv(day_rows("S\xe9")).replace(b"\xc3", b""), "0xA9", "UTF-8", id="latin"),
    ],
)
def test_what_is_not_read_is_said_once_with_its_remedy(content, found, remedy):
    finding = only_finding(content)
    assert finding.code == "unreadable-file"
    assert found in finding.value
    assert remedy in finding.remedy


def test_what_a_file_unpacks_to_is_bounded(monkeypatch):
    monkeypatch.setattr(unpacking, "MOST_UNPACKED_BYTES", 1_000)
    for content in (gzip.compress(csv(day_rows())), zipped(day=csv(day_rows()))):
        finding = only_finding(content)
        assert finding.limit == "at most 1,000 bytes when unpacked"
        assert finding.remedy == "send it in parts, a month each"


def test_parquet_is_bounded_by_what_it_states_before_any_of_it_is_read(monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", 47)
    finding = only_finding(parquet(day_rows()))
    assert finding.code == "unreadable-file"
    assert finding.value.startswith("48 rows of ")


def test_a_header_that_lacks_a_column_is_told_by_its_own_separator():
    content = separated(";").replace("value", "wert").encode()
    assert only_finding(content).value == "no column value"


FLOAT32_ROUNDS = "below 16,777,216, from where float32 rounds whole numbers"


@pytest.mark.parametrize(
    ("kind", "value", "limit"),
    [
        (pa.float32(), 2**24, FLOAT32_ROUNDS),
        (pa.float32(), -(2**24) - 2, FLOAT32_ROUNDS),
        (pa.float16(), 2048, "below 2,048, from where float16 rounds whole numbers"),
        (pa.float64(), 2**53, "below 9,007,199,254,740,992, from where float64 rounds"),
    ],
)
def test_a_float_that_may_have_lost_a_watt_hour_is_refused(kind, value, limit):
    finding = only_finding(
        column("value", pa.array([*VALUES[:-1], value], pa.float64()).cast(kind))
    )
    assert (finding.code, finding.place) == ("inexact-float", "day.csv row 48")
    assert finding.limit.startswith(limit)
    assert finding.remedy == "write the column as int64, from the numbers as they were metered"


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([float(value) for value in VALUES], pa.float32()),
        pa.array(VALUES, pa.uint64()),
        pa.array(VALUES).dictionary_encode(),
        pa.array(VALUES, pa.float32()).dictionary_encode(),
        pa.array(VALUES).cast(pa.decimal128(25, 3)),
        pa.array([str(value) for value in VALUES], pa.large_string()),
    ],
    ids=str,
)
def test_whole_numbers_of_any_type_of_parquet_are_taken(cells):
    assert values(column("value", cells)) == VALUES


def test_a_decimal_with_a_part_is_no_whole_number():
    cells = pa.array([*VALUES[:-1], 1047.5]).cast(pa.decimal128(25, 3))
    assert only_finding(column("value", cells)).code == "not-an-integer"


@pytest.mark.parametrize(
    ("name", "cells", "limit"),
    [
        ("value", pa.array([[value] for value in VALUES]), "one whole number a row"),
        ("value", pa.array([{"wh": value} for value in VALUES]), "one whole number a row"),
        ("value", pa.array([[(1, 2)]] * 48, pa.map_(pa.int64(), pa.int64())), "one whole number"),
        ("value", pa.array([True] * 48), "one whole number a row"),
        ("value", pa.array([b"1"] * 48), "one whole number a row"),
        ("entity", pa.array([["S1"]] * 48), "one name a row"),
        ("entity", pa.array([17.0] * 48), "one name a row"),
        ("quality", pa.array([True] * 48), "one name a row"),
        (
            "interval_start",
            pa.array([0] * 48, pa.timestamp("us")),
            "timestamps with a time zone, or text",
        ),
        ("interval_start", pa.array([0] * 48), "timestamps with a time zone, or text"),
    ],
)
def test_a_column_that_can_hold_no_such_cells_is_found_once(name, cells, limit):
    finding = only_finding(column(name, cells))
    assert (finding.code, finding.place) == ("column-type", f"day.csv column {name}")
    assert finding.limit.startswith(limit)


def test_every_column_of_a_wrong_type_is_found():
    table = pq.read_table(io.BytesIO(column("value", pa.array([[1]] * 48))))
    table = table.set_column(1, "entity", pa.array([[1]] * 48))
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert codes(checked(sink.getvalue())) == ["column-type", "column-type"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda row: (*row[:3], f"{row[3]},5", row[4]), "not-an-integer"),
        (lambda row: (row[0].replace("+00:00", ""), *row[1:]), "interval-start"),
        (lambda row: (row[0].replace(":00+", ":07+"), *row[1:]), "off-boundary"),
        (lambda row: (*row[:3], "NaN", row[4]), "not-a-number"),
        (lambda row: (*row, "more"), "ragged-row"),
    ],
)
def test_a_cause_that_all_rows_share_is_found_once(spoil, code):
    rows = [
        spoil(row)
        for number in range(3)
        for row in day_rows(day=dt.date(2024, 1, 15) + dt.timedelta(days=number))
    ]
    found = [f for f in checked(separated(";", rows).encode()).findings if f.code == code]
    assert len(found) == 1
    assert found[0].place == "day.csv row 1"
    assert found[0].value.endswith(
        ", the first of 144 of this kind, also in rows 2, 3, 4, 5 and on to 144"
    )


def test_values_beyond_what_is_possible_are_each_found_at_their_row():
    """They are another number each, and one may be right after all."""
    rows = [(*row[:3], -row[3], row[4]) for row in day_rows()]
    later = [(*row[:3], -row[3], row[4]) for row in day_rows(day=dt.date(2024, 1, 16))]
    assert codes(checked(csv([*rows, *later]))) == ["negative"] * 96


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_without_end_is_named_in_words_of_rows(quote):
    row = quote + "x" * (2 * files.LONGEST_ROW_BYTES)
    _, (found,) = files.read_cells("day.csv", f"{','.join(HEADER)}\n{row}\n".encode())
    assert found.value == "a longer row, or a quote that is not closed"
    assert f"at most {files.LONGEST_ROW_BYTES:,} bytes" in found.limit
