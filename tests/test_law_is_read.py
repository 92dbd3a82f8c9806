"""Every field of the law is read by the code that settles, bills or keeps accounts by it.

A field that no such code reads binds nobody: whoever publishes it believes that it does.
"""

import pytest

from tests.law_reads import fields, reads

OF_READERS = "words for readers; nothing is computed from them"
OF_LINE = "describes the line, which carries by its ratings and its reactance"
NOT_READ = {
    ("Document", "publication_date"): OF_READERS,
    ("CalendarRun", "title"): OF_READERS,
    ("Holon", "title"): OF_READERS,
    ("Node", "title"): OF_READERS,
    ("SubMeter", "title"): OF_READERS,
    ("Line", "length_m"): OF_LINE,
    ("Line", "voltage_kv"): OF_LINE,
}
"""Fields that no code of the engine reads, each with the reason why it stands all the same."""


def test_every_field_of_the_law_is_read_but_those_named():
    assert fields() - reads().closed() == set(NOT_READ)


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        (("Unit", "minimum_w"), "settlement/dispatch/"),
        (("Unit", "carbon_g_per_kwh"), "settlement/"),
        (("Unit", "expected_payback_years"), "settlement/fairness/"),
        (("Product", "window_minutes"), "settlement/"),
        (("Product", "timing"), "settlement/"),
        # By a property, by name of a field, and where the document is JSON still.
        (("NationalAccount", "sort_code"), "settlement/"),
        (("ChargeLink", "sub_meter"), "settlement/"),
        (("SettlementTerms", "payee_change_delay_days"), "database/"),
    ],
)
def test_a_field_is_read_until_its_reader_is_gone(name, reader):
    assert name in reads().closed()
    assert name not in reads().closed(without=reader)


def test_a_field_is_told_from_another_of_its_name():
    """The title of a unit stands on invoices; that of a node does not."""
    read = reads().closed()
    assert ("Unit", "title") in read
    assert ("Node", "title") not in read
