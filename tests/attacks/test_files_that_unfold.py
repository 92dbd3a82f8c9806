"""Files that are small to send and large to read: refused by their head, or as they unfold."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledger.payments.camt import read_file
from ledger.payments.camt_entries import _Entry
from settlement.meters import cells, files, names
from settlement.meters.cells import read_readings
from tests.ledger.camt_files import details, entry, message, statement
from tests.settlement.meter_cases import HEADER


def parquet_of(rows, entity="M1", value="1"):
    """A file of equal rows, of which a writer stores one."""

    def same(text):
        return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([text]))

    columns = {
        "interval_start": same("2024-01-01T00:00Z"),
        "entity": same(entity),
        "measure": same("metered_demand_wh"),
        "value": same(value),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def only_finding(content):
    table, (finding,) = read_readings("bomb", content)
    assert table is None
    assert finding.code == "unreadable-file"
    assert finding.remedy == "send it in parts, a month each"
    return finding


def test_a_file_that_unfolds_a_thousandfold_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 100_000)
    monkeypatch.setattr(files, "_bounded_table", None)
    content = parquet_of(500_000)
    assert only_finding(content).value == (
        f"500,000 rows of 32,000,000 bytes when unpacked, from {len(content):,}"
    )


def test_a_file_that_lies_of_its_size_is_refused_as_it_unfolds(monkeypatch):
    monkeypatch.setattr(files, "FREE_BYTES", 1_000)
    monkeypatch.setattr(files, "MOST_TIMES", 1)
    monkeypatch.setattr(files, "BATCH_ROWS", 1_000)
    monkeypatch.setattr(files, "_require_readable", lambda *_: None)
    finding = only_finding(parquet_of(50_000))
    assert int(finding.value.split()[0].replace(",", "")) <= 2_000, "reading stopped there"


def test_a_long_text_that_every_row_shares_stays_one_text():
    before = pa.total_allocated_bytes()
    table, findings = read_readings("long", parquet_of(20_000, entity="x" * 100_000))
    assert (len(table.row), findings) == (20_000, [])
    assert [len(name) for name in table.entity.names] == [100_000]
    assert pa.default_memory_pool().max_memory() - before < 500_000_000, "two gigabytes written out"


def test_a_dictionary_with_blanks_and_twins_reads_as_its_texts():
    twins = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 2], pa.int8()), pa.array(["a", "b", "a"])
    )
    found, codes = names.encoded(pa.chunked_array([twins, twins]))
    assert [found[code] for code in codes] == ["a", "b", "", "a"] * 2
    assert len(found) == 3


def test_lines_of_csv_are_counted_before_they_are_read(monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", 50)
    assert only_finding(f"{HEADER}\n".encode() + b",,,\n" * 100).value == "101 lines"


def test_cells_that_cannot_be_read_are_told_up_to_a_number(monkeypatch):
    monkeypatch.setattr(cells, "MOST_TOLD", 10)
    monkeypatch.setattr(cells, "MOST_OF_A_CAUSE", 10)
    _, findings = read_readings("bad", parquet_of(1_000, value="none"))
    assert [finding.code for finding in findings].count("not-an-integer") == 10
    (told,) = [finding for finding in findings if finding.code == "too-many-wrong"]
    assert told.value == "1,000 cells that cannot be read"


@pytest.mark.parametrize("count", [10, 40])
def test_a_batch_is_searched_once_however_many_payments_it_has(count, monkeypatch):
    """Each payment had the whole batch searched again: twenty thousand took three minutes."""
    searched = []

    class Counted(_Entry):
        def __init__(self, element, *given):
            super().__init__(Spied(element), *given)

    class Spied:
        def __init__(self, element):
            self._element = element

        def findall(self, path):
            searched.append(path)
            return self._element.findall(path)

        def __getattr__(self, name):
            return getattr(self._element, name)

    monkeypatch.setattr("ledger.payments.camt_entries._Entry", Counted)
    batch = "".join(details(f"R{number}", value="1.00") for number in range(count))
    paid = entry(f"{count}.00", batch)
    (found,) = read_file(message(statement("S", "0.00", f"{count}.00", paid))).statements
    assert len(found.transactions) == count
    assert searched.count("{*}NtryDtls/{*}TxDtls") == 1
