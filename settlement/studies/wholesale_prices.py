"""Wholesale prices of the market in force, from a file: exact in micro, and every reason why not.

CSV or Parquet, a row an interval in any order: `interval_start`, an instant with its offset, and a
column of prices whose name ends with currency and unit, such as `day_ahead_price_gbp_per_mwh`. A
blank, null or NaN, as a value or as it is written in CSV, states that there is no price, and so
does a row that is not there; neither is ever taken as 0.
"""

import csv
import datetime as dt
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from common.refusals import Finding, Refused, shown
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH
from settlement.meters.cells import tell_once
from settlement.meters.digest import content_digest
from settlement.meters.files import PARQUET_MAGIC, row_place
from settlement.meters.unpacking import (
    SEPARATORS,
    UnusableFileError,
    read_csv_text,
    unpack,
    unreadable,
)

START = "interval_start"
MICRO = 1_000_000
MOST_DECIMALS = 60
MOST_ROWS = 1_000_000
"""Thirty years of quarter-hours; a file of some kilobytes can state billions of equal rows."""
MOST_BYTES = 100_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError)
"""What the reader raises for damaged Parquet; text that is no UTF-8 is a `ValueError`."""

Row = tuple[int, Any, Any]
"""Its number, from 1, and the cells of instant and price."""

Rows = Callable[[str], Iterator[Row]]
"""Reads the rows of a file for a column of prices."""


@dataclass(frozen=True)
class WholesalePrices:
    """Prices by the instant at which their interval begins, in UTC.

    Attributes:
        file, column: where they stand.
        digest: SHA-256 of the file.
    """

    file: str
    column: str
    digest: bytes
    micro_per_mwh: Mapping[dt.datetime, int]


def read_prices(file: str, content: bytes, column: str | None, currency: str) -> WholesalePrices:
    """Return the prices of a file.

    Args:
        column: which prices, where the file has several; None where it has one.
        currency: in which they must be.

    Raises:
        Refused: with every finding about the file; a cause of many rows is found once.
    """
    findings: list[Finding] = []
    try:
        unpacked = unpack(file, content)
        header, rows = _table(file, unpacked, findings)
        chosen = _chosen(file, header, column, currency)
        prices = _prices(file, rows(chosen), findings)
    except UnusableFileError as unusable:
        raise Refused(unusable.findings) from unusable
    if findings:
        raise Refused(tell_once(findings))
    return WholesalePrices(file, chosen, content_digest(content), prices)


def _table(file: str, content: bytes, findings: list[Finding]) -> tuple[list[str], Rows]:
    """Return the header of a file, and what reads its rows for a column of prices."""
    if content.startswith(PARQUET_MAGIC):
        return _parquet(file, content)
    return _csv(file, content, findings)


def _parquet(file: str, content: bytes) -> tuple[list[str], Rows]:
    try:
        source = pa.parquet.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        _require_few(file, source.metadata.num_rows)
        header = list(source.schema_arrow.names)
    except _UNREADABLE as error:
        raise _damaged(file, error) from error

    def rows(column: str) -> Iterator[Row]:
        try:
            table = source.read(columns=[START, column])
            prices = _shortest(table.column(column))
            starts = table.column(START)
            if pa.types.is_timestamp(starts.type):
                if starts.type.tz is None:
                    raise unreadable(
                        f"{file} column {START}",
                        shown(str(starts.type)),
                        "timestamps with a time zone",
                        "write timestamps in UTC",
                    )
                micros = starts.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
                instants = [_after_epoch(us) for us in micros]
            else:
                instants = starts.to_pylist()
            cells = zip(instants, prices, strict=True)
        except _UNREADABLE as error:
            raise _damaged(file, error) from error
        yield from ((number, *row) for number, row in enumerate(cells, start=1))

    return header, rows


def _shortest(prices: pa.ChunkedArray) -> list[Any]:
    """Return cells; of single precision as the shortest decimal, 47.8 and not 47.79999923706055."""
    if pa.types.is_float32(prices.type):
        prices = prices.cast(pa.string())
    cells: list[Any] = prices.to_pylist()
    return cells


def _after_epoch(micros: int | None) -> dt.datetime | int | None:
    """Return an instant, or the number itself where no calendar reaches so far."""
    try:
        return None if micros is None else _EPOCH + dt.timedelta(microseconds=micros)
    except OverflowError:
        return micros


def _damaged(file: str, error: Exception) -> UnusableFileError:
    return unreadable(file, shown(str(error)), "a complete Parquet file", "export the file again")


def _csv(file: str, content: bytes, findings: list[Finding]) -> tuple[list[str], Rows]:
    text = read_csv_text(file, content, (START,))
    _require_few(file, text.content.count(b"\n"))
    reader = csv.reader(io.StringIO(text.content.decode()), delimiter=text.separator)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise unreadable(
            file, shown(str(error)), "CSV with a header", "export the file again"
        ) from error
    header = lines[0] if lines else []
    rest = [(at, cells) for at, cells in enumerate(lines[1:], 1) if any(map(str.strip, cells))]
    findings.extend(_ragged(file, header, rest, text.separator))

    def rows(column: str) -> Iterator[Row]:
        places = header.index(START), header.index(column)
        for number, cells in rest:
            if len(cells) == len(header):
                start, price = (cells[at] for at in places)
                yield number, start, price

    return header, rows


def _ragged(
    file: str, header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], separator: str
) -> Iterator[Finding]:
    """Yield the rows that have not the cells of the header: of 50,5 the price would be 50."""
    for number, cells in rows:
        if len(cells) != len(header):
            yield Finding(
                "ragged-row",
                row_place(file, number),
                f"{len(cells)} cells",
                f"{len(header)} cells, as in the header",
                f"write every cell of the row, and quote a cell that holds a "
                f"{SEPARATORS[separator]}; decimals follow a point",
            )


def _require_few(file: str, rows: int) -> None:
    if rows > MOST_ROWS:
        raise unreadable(
            file, f"{rows:,} rows", f"at most {MOST_ROWS:,}", "send the days of the study alone"
        )


def _chosen(file: str, header: Sequence[str], column: str | None, currency: str) -> str:
    """Return the column of prices.

    Raises:
        UnusableFileError: it, or the column of instants, is not there once, or not in the currency.
    """
    ending = f"_{currency.lower()}_per_mwh"
    candidates = [name for name in header if name.endswith(ending)]
    wrong = []
    if header.count(START) != 1:
        wrong.append(
            Finding(
                "columns",
                f"{file} header",
                f"{header.count(START)} columns {START}",
                f"one column {START}",
                "name the column of instants so",
            )
        )
    found = candidates if column is None else [name for name in candidates if name == column]
    if len(found) != 1:
        wrong.append(
            Finding(
                "price-column",
                f"{file} header",
                ", ".join(map(shown, header)) or "no column",
                f"one column of prices, whose name ends with {ending}",
                f"name one of {', '.join(candidates)} by --column"
                if candidates
                else f"name the column of prices so, in {currency} a MWh",
            )
        )
    if wrong:
        raise UnusableFileError(*wrong)
    return found[0]


def _prices(file: str, rows: Iterable[Row], findings: list[Finding]) -> dict[dt.datetime, int]:
    prices: dict[dt.datetime, int] = {}
    row_of: dict[dt.datetime, int] = {}
    for number, start, price in rows:
        place = row_place(file, number)
        instant = _instant(start)
        if instant is None:
            findings.append(
                Finding(
                    "no-instant",
                    place,
                    shown(start),
                    "an instant with its offset",
                    "write it as 2024-03-01T09:00Z",
                )
            )
            continue
        if instant in row_of:
            findings.append(
                Finding(
                    "price-twice",
                    place,
                    f"{instant:%Y-%m-%dT%H:%MZ}, as in row {row_of[instant]}",
                    "an interval has one price",
                    "remove one of the two rows",
                )
            )
        row_of.setdefault(instant, number)
        if not _is_missing(price):
            found = _micro(price)
            if isinstance(found, int):
                prices[instant] = found
            else:
                findings.append(Finding("no-price", place, shown(price), *found))
    if not row_of and not findings:
        raise UnusableFileError(
            Finding("empty-file", file, "no row", "at least one price", "send the file of prices")
        )
    return prices


def _instant(cell: object) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else cell
        if not isinstance(found, dt.datetime) or found.tzinfo is None:
            return None
        return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _is_missing(cell: object) -> bool:
    if isinstance(cell, str):
        return cell.strip().lower() in ("", "nan", "null")
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _micro(cell: object) -> int | tuple[str, str]:
    """Return a price in micro per MWh, or the limit that it breaks and the remedy.

    A number of binary digits counts as the shortest decimal that it is written as: 47.8 is 47.8.
    """
    try:
        written = cell.strip() if isinstance(cell, str) else str(cell)
        if "_" in written or not written.isascii():  # which Decimal takes, and no other file does
            raise InvalidOperation
        decimal = Decimal(written)
    except InvalidOperation:
        return "a number with a decimal point", "write 47.80, without a sign of the currency"
    highest = HIGHEST_PRICE_MICRO_PER_MWH // MICRO
    if not decimal.is_finite() or abs(decimal) > highest:
        return f"a price from {-highest:,} to {highest:,} a MWh", "correct the price"
    exponent = decimal.as_tuple().exponent
    # A fraction of a number with millions of decimals would fill the memory.
    micro = Fraction(decimal) * MICRO if int(exponent) >= -MOST_DECIMALS else Fraction(1, 2)
    if micro.denominator != 1:
        return "at most six decimals", "round the price in the file, and say so beside it"
    return micro.numerator
