"""What a payment pays: a table of cases, and that no penny is lost or doubled whatever comes."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.payments.matching import Method, OpenDocument, match
from ledger.payments.reversals import Earlier
from ledger.payments.statements import TransactionRow

DAY = dt.date(2024, 2, 20)
CEDAR, SHARED, STRANGER = "GB41TSBX00003391422946", "GB94TSBX00003457937802", "GB00"
OWNERS = {CEDAR: frozenset({"cedar"}), SHARED: frozenset({"alder", "birch"})}


def document(number, due_minor, paid_minor=0, participant="cedar", series="gb12-invoice"):
    name = f"{series}-{number:06d}"
    due_on = DAY + dt.timedelta(days=number)
    return OpenDocument(series, number, name, participant, "GBP", due_on, due_minor, paid_minor)


DOCUMENTS = [
    document(1, 10_000),
    document(2, -2_000),
    document(3, 5_000, 5_000),
    document(4, 7_000),
    document(5, 7_000),
    document(12, 900),
    document(1, -30_000, participant="alder", series="gb12-self-billed"),
]
ALL_OF_CEDAR = 10_000 - 2_000 + 7_000 + 7_000 + 900


def transaction(amount_minor, text="", *, reference="", iban=CEDAR, reversal=False, line=1):
    return TransactionRow(
        "gb12", 1, line, line, 1, amount_minor, DAY, DAY, reversal, "", "", "Cedar", iban,
        reference, text,
    )  # fmt: skip


def matched(*rows):
    return match(rows, DOCUMENTS, OWNERS)


WRITTEN = [
    "gb12-invoice-000001",
    "GB12-INVOICE-000001",
    "gb12 invoice 000001",
    "Gb12Invoice000001",
    "gb12invoice 000 001",
    "gb12_invoice.00-00-01",
    "Thank you! Ref: gb12-invoice-000001, January",
    "gb12-invoice-\n000001",
    "gb12-invoice-000001 25 January",
]


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("where", ["text", "reference"])
def test_a_number_is_found_however_it_is_written(text, where):
    row = transaction(10_000, **{where: text}, iban=STRANGER)
    (found,) = matched(row)
    assert found.amounts == (("gb12-invoice-000001", 10_000),)
    assert (found.method, found.rest_minor) == (Method.REFERENCE, 0)


@pytest.mark.parametrize(
    "text",
    [
        "gb12-invoice-1",
        "gb12-invoice-0001 25 January",
        "gb12-invoice-0000011",
        "xgb12-invoice-000001",
        "gb13-invoice-000001",
        "invoice 000001",
        "",
    ],
)
def test_what_may_be_another_number_is_not_taken_for_one(text):
    (found,) = matched(transaction(10_000, text, iban=STRANGER))
    assert (found.amounts, found.rest_minor, found.method) == ((), 10_000, Method.NONE)


def named(*numbers):
    return " ".join(f"gb12-invoice-{number:06d}" for number in numbers)


CASES = {
    "exact": (10_000, named(1), {1: 10_000}, 0),
    "a part": (4_000, named(1), {1: 4_000}, 0),
    "more than is open": (11_000, named(1), {1: 10_000}, 1_000),
    "several": (17_000, named(4, 1), {1: 10_000, 4: 7_000}, 0),
    "a part of several, earliest due first": (12_000, named(4, 1), {1: 10_000, 4: 2_000}, 0),
    "an invoice less its credit note": (8_000, named(1, 2), {2: -2_000, 1: 10_000}, 0),
    "less than an invoice and its note": (7_000, named(1, 2), {2: -2_000, 1: 9_000}, 0),
    "twice the same number": (10_000, named(1, 1), {1: 10_000}, 0),
    "paid already": (5_000, named(3), {}, 5_000),
    "paid already, and another": (12_000, named(3, 1), {1: 10_000}, 2_000),
    "the wrong direction": (-500, named(1), {}, -500),
    "an unknown number": (500, named(77), {}, 500),
    "an unknown number beside a known": (10_000, named(77, 1), {1: 10_000}, 0),
    "a longer number": (900, "gb12-invoice-000012", {12: 900}, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_payment_that_names_documents(case):
    amount, text, amounts, rest = CASES[case]
    (found,) = matched(transaction(amount, text, iban=STRANGER))
    expected = {f"gb12-invoice-{number:06d}": paid for number, paid in amounts.items()}
    assert (dict(found.amounts), found.rest_minor) == (expected, rest)
    assert found.reason


OTHERS = "gb12-self-billed-000001"


@pytest.mark.parametrize(
    ("amount", "text"),
    {
        "an invoice less what another is owed": (1, f"{named(1)} {OTHERS}"),
        "two invoices less what another is owed": (5_000, f"{named(4, 5)} {OTHERS}"),
        "paid out to another, less an invoice of mine": (-20_000, f"{named(1)} {OTHERS}"),
    }.values(),
)
def test_nobody_pays_with_what_is_owed_to_another(amount, text):
    documents = [*DOCUMENTS[:-1], document(1, -9_999, participant="alder", series=OTHERS[:-7])]
    if amount == 5_000:
        documents[-1] = replace(documents[-1], due_minor=-9_000)
    if amount < 0:
        documents[-1] = replace(documents[-1], due_minor=-30_000)
    (found,) = match([transaction(amount, text, iban=STRANGER)], documents, OWNERS)
    assert (found.amounts, found.rest_minor, found.method) == ((), amount, Method.NONE)
    assert "would pay with what is owed to" in found.reason


def test_a_note_lowers_what_its_own_participant_pays_beside_another_who_pays_too():
    documents = [*DOCUMENTS[:2], document(6, 500, participant="alder")]
    (found,) = match([transaction(8_500, named(1, 2, 6), iban=STRANGER)], documents, OWNERS)
    assert sum(paid for _, paid in found.amounts) == 8_500
    assert len(found.amounts) == 3


BIRCH = {"00003457937802": frozenset({"alder"})}


@pytest.mark.parametrize(
    ("iban", "owners", "pays"),
    {
        "an account of the participant": (SHARED, OWNERS, True),
        "its IBAN, where the national number is registered": (SHARED, BIRCH, True),
        "an account of another": (CEDAR, OWNERS, False),
        "an account that nobody registered": (STRANGER, OWNERS, False),
        "an account that the bank does not name": ("", OWNERS, True),
        "a participant who registered none": (STRANGER, {CEDAR: frozenset({"cedar"})}, True),
    }.values(),
)
def test_money_that_goes_out_pays_where_its_participant_has_an_account(iban, owners, pays):
    rows = [transaction(-30_000, OTHERS, iban=iban)]
    (found,) = match(rows, DOCUMENTS, owners)
    assert found.amounts == (((OTHERS, -30_000),) if pays else ())
    assert ("went to an account that alder did not register" in found.reason) != pays


def test_a_payment_to_a_generator_pays_its_document():
    (found,) = matched(transaction(-30_000, "GB12 self billed 000001", iban=SHARED))
    assert found.amounts == (("gb12-self-billed-000001", -30_000),)


BY_ACCOUNT = {
    "its amount": (10_000, CEDAR, {"gb12-invoice-000001": 10_000}, "has its amount"),
    "two of its amount": (7_000, CEDAR, {}, "000004 and gb12-invoice-000005 have its amount"),
    "all that is open": (
        ALL_OF_CEDAR,
        CEDAR,
        {
            "gb12-invoice-000001": 10_000,
            "gb12-invoice-000002": -2_000,
            "gb12-invoice-000004": 7_000,
            "gb12-invoice-000005": 7_000,
            "gb12-invoice-000012": 900,
        },
        "all that is open",
    ),
    "no document of the amount": (123, CEDAR, {}, "none of cedar has its amount"),
    "of two participants": (10_000, SHARED, {}, "its account is of alder and birch"),
    "of nobody": (10_000, STRANGER, {}, "no participant registered its account"),
    "without account": (10_000, "", {}, "no participant registered its account"),
}


@pytest.mark.parametrize("case", BY_ACCOUNT)
def test_a_payment_that_names_nothing(case):
    amount, iban, amounts, reason = BY_ACCOUNT[case]
    (found,) = matched(transaction(amount, "thanks", iban=iban))
    assert dict(found.amounts) == amounts
    assert reason in found.reason
    assert found.method is (Method.ACCOUNT if amounts else Method.NONE)


def test_a_second_payment_of_a_document_finds_it_paid():
    first, second = matched(transaction(10_000, named(1)), transaction(10_000, named(1), line=2))
    assert (first.rest_minor, second.rest_minor) == (0, 10_000)
    assert "paid already" in second.reason


REVERSALS = {
    "takes back": (-5_000, named(3), {3: -5_000}),
    "takes back a part": (-2_000, named(3), {3: -2_000}),
    "of more than was paid": (-5_001, named(3), {}),
    "of what was not paid": (-500, named(1), {}),
    "of two": (-5_000, named(1, 3), {}),
    "of none": (-5_000, "", {}),
}


@pytest.mark.parametrize("case", REVERSALS)
def test_a_reversal(case):
    amount, text, amounts = REVERSALS[case]
    (found,) = matched(transaction(amount, text, reversal=True))
    assert dict(found.amounts) == {f"gb12-invoice-{n:06d}": paid for n, paid in amounts.items()}
    assert found.rest_minor == amount - sum(amounts.values())


TAKEN_BACK = {
    # payments before it: account, what they paid | the account of the reversal | what it takes back
    "of whoever paid": ([(CEDAR, named(3), 0)], CEDAR, -5_000),
    "of a payment whose account nobody names": ([("", named(3), 0)], CEDAR, -5_000),
    "of no account": ([(CEDAR, named(3), 0)], "", -5_000),
    "of another account": ([(CEDAR, named(3), 0)], STRANGER, 0),
    "of a payment that rests": ([(CEDAR, named(3), 0), (STRANGER, "", 5_000)], STRANGER, 0),
    "of one of two": ([(CEDAR, named(3), 0), (CEDAR, "", 5_000)], CEDAR, 0),
    "of no account, where one rests": ([(CEDAR, named(3), 0), (CEDAR, "", 5_000)], "", 0),
    "beside a smaller one that rests": ([(CEDAR, named(3), 0), (CEDAR, "", 4_999)], CEDAR, -5_000),
    "beside one of others that rests": ([(CEDAR, named(3), 0), (SHARED, "", 5_000)], CEDAR, -5_000),
    "beside money out that rests": ([(CEDAR, named(3), 0), (CEDAR, "", -5_000)], CEDAR, -5_000),
}


@pytest.mark.parametrize("case", TAKEN_BACK)
def test_a_reversal_takes_back_what_its_own_account_paid(case):
    payments, iban, taken = TAKEN_BACK[case]
    earlier = [
        Earlier(f"gb12-bank-000001/{line}", account, frozenset(filter(None, [name])), rest)
        for line, (account, name, rest) in enumerate(payments, start=1)
    ]
    row = transaction(-5_000, named(3), reversal=True, iban=iban)
    (found,) = match([row], DOCUMENTS, OWNERS, earlier)
    assert (sum(paid for _, paid in found.amounts), found.rest_minor) == (taken, -5_000 - taken)


def test_a_stranger_who_pays_what_is_paid_and_takes_it_back_takes_nothing_else():
    found = matched(
        transaction(10_000, named(1)),
        transaction(10_000, named(1), iban=STRANGER, line=2),
        transaction(-10_000, named(1), iban=STRANGER, line=3, reversal=True),
    )
    assert [each.rest_minor for each in found] == [0, 10_000, -10_000]
    assert "may be of gb12-bank-000001/2" in found[2].reason


texts = st.lists(st.integers(1, 6), max_size=3).map(lambda numbers: named(*numbers))
rows = st.lists(
    st.builds(
        transaction,
        st.one_of(st.integers(-12_000, 20_000), st.sampled_from([10_000, 7_000, ALL_OF_CEDAR])),
        texts,
        iban=st.sampled_from([CEDAR, SHARED, STRANGER]),
        reversal=st.booleans(),
    ),
    max_size=12,
)
dues = st.lists(st.integers(-12_000, 12_000), min_size=1, max_size=6)


@given(rows, dues)
def test_no_penny_is_lost_or_doubled_and_no_document_is_overpaid(rows, dues):
    documents = [document(number, due) for number, due in enumerate(dues, start=1)]
    paid = dict.fromkeys((one.name for one in documents), 0)
    found = match(rows, documents, OWNERS)
    assert len(found) == len(rows)
    for row, one in zip(rows, found, strict=True):
        assert sum(amount for _, amount in one.amounts) + one.rest_minor == row.amount_minor
        assert len({name for name, _ in one.amounts}) == len(one.amounts)
        assert all(amount for _, amount in one.amounts)
        assert bool(one.amounts) == (one.method is not Method.NONE)
        for name, amount in one.amounts:
            paid[name] += amount
    for one in documents:
        assert min(0, one.due_minor) <= paid[one.name] <= max(0, one.due_minor)
