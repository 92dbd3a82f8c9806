"""Each day under its own law, whatever the order in which days are settled and billed."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ledger.invoice import Family, Tax
from ledger.journal import Account, DayMovement
from rulebook.documents import (
    AllocationPolicy,
    Document,
    GridModel,
    MarketRules,
    Registration,
)
from rulebook.resolve import PinnedVersion, RuleSet
from settlement.billing.day_law import (
    EXEMPT,
    UNTAXED_NOTE,
    DayLaw,
    LineTax,
    PostedDay,
    PostedMonth,
)
from settlement.billing.invoicing import draft_invoices
from settlement.billing.line_quality import LineQualities
from settlement.billing.parties import StatedParties
from tests.ledger.drafts import OPERATOR, PARTY
from tests.worlds import tiny_market

MONTH = dt.date(2024, 1, 1)
DAYS = [MONTH + dt.timedelta(days=offset) for offset in range(4)]
RUN = uuid.UUID(int=1)
PUBLISHED = dt.datetime(2023, 12, 1, tzinfo=dt.UTC)
CHARGE = Account("tiny", "GBP", "cedar", "charge.fuel", "B-home")
DEMAND = Account("tiny", "WH", "cedar", "demand", "B-home")
STATED = StatedParties(OPERATOR, {"cedar": PARTY}, 14)


def law(
    category: str, rate_ppm: int = 0, registrations: Sequence[Registration] = (), **charges
) -> DayLaw:
    """The law of the tiny market under a tax; with a charge list where that is changed."""
    documents = tiny_market.documents()
    rules, grid, policy = (
        next(each for each in documents if isinstance(each, kind))
        for kind in (MarketRules, GridModel, AllocationPolicy)
    )
    stated = rules.tax.model_copy(
        update={"category": category, "rate_ppm": rate_ppm, "note": f"{category} {rate_ppm}."}
    )
    listed = (tiny_market.charge_list(**charges),) if charges else ()
    return DayLaw(
        RuleSet(
            market="tiny",
            effective=MONTH,
            versions=tuple(map(pinned, (*documents, *listed))),
            market_rules=rules.model_copy(update={"tax": stated}),
            grid_model=grid,
            allocation_policy=policy,
            registrations=tuple(registrations or tiny_market.registrations()),
            charge_lists=listed,
        )
    )


def pinned(document: Document) -> PinnedVersion:
    digest = sha256(document.instrument.encode()).digest()
    return PinnedVersion(RUN, document.instrument, digest, PUBLISHED, None, PUBLISHED)


LAWS = [law("S", 190_000), law("S", 160_000), law("E"), law("O")]
TAXES = [each.tax_of("charge.fuel", "B-home").tax for each in LAWS]


class Books:
    """What is posted and billed of one account, in the order in which it happens."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.posted: list[PostedDay] = []
        self.moved: list[tuple[dt.date, int, int]] = []
        self.held: dict[dt.date, tuple[DayLaw, int]] = {}
        self.billed: Counter[Tax] = Counter()
        self.counted: Counter[Tax] = Counter()
        self.covered = 0

    def post(self, day: dt.date, under: DayLaw, amount: int) -> None:
        """Post what a run under a law says of a day: the difference from what is posted."""
        number = len(self.posted) + 1
        before = self.held.get(day, (under, 0))[1]
        self.posted.append(PostedDay(day, number, RUN, under))
        self.moved.append((day, number, amount - before))
        self.held[day] = (under, amount)

    def bill(self):
        """Bill what is posted and not yet billed; return the drafts."""
        month = PostedMonth(self.posted)
        drafts = draft_invoices(
            MONTH,
            month,
            [movement for account in (CHARGE, DEMAND) for movement in self.movements(account)],
            LineQualities(month, {"cedar": self.covered}, {}),
            RUN,
            STATED,
        )
        for draft in drafts:
            for line in draft.lines:
                self.billed[line.tax] += line.amount_micro
                self.counted[line.tax] += line.quantity
        self.covered = len(self.posted)
        return drafts

    def movements(self, account: Account):
        for day in dict.fromkeys(day for day, _, _ in self.moved):
            of_day = [(number, amount) for other, number, amount in self.moved if other == day]
            yield DayMovement(
                account,
                day,
                sum(amount for _, amount in of_day),
                sum(amount for number, amount in of_day if number <= self.covered),
            )

    def due(self) -> Counter[Tax]:
        """What the days come to by the law that holds for each, reckoned without the product."""
        due: Counter[Tax] = Counter()
        for under, amount in self.held.values():
            due[TAXES[LAWS.index(under)]] += amount
        return due


def not_zero(sums: Counter[Tax]) -> dict[Tax, int]:
    return {tax: amount for tax, amount in sums.items() if amount}


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(DAYS), st.sampled_from(LAWS), st.integers(-(10**9), 10**9)),
        st.just("bill"),
    ),
    max_size=14,
)


@given(steps)
def test_what_is_billed_is_each_day_under_the_tax_of_the_law_that_holds_for_it(taken):
    books = Books()
    for step in (*taken, "bill"):
        if step != "bill":
            books.post(*step)
        elif books.posted:
            for draft in books.bill():
                assert len({line.tax.category == "O" for line in draft.lines}) == 1
            assert not_zero(books.billed) == not_zero(books.due())
            assert {tax: books.counted[tax] for tax in not_zero(books.billed)} == not_zero(
                books.billed
            )
            assert books.bill() == []


@given(
    st.dictionaries(
        st.sampled_from(DAYS),
        st.tuples(st.sampled_from(LAWS), st.integers(1, 10**9)),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_days_are_settled_changes_no_tax(days, random):
    first, other = Books(), Books()
    for day, (under, amount) in sorted(days.items()):
        first.post(day, under, amount)
    first.bill()
    shuffled = list(days.items())
    random.shuffle(shuffled)
    for day, (under, amount) in shuffled:
        other.post(day, under, amount)
        if random.random() < 0.5:
            other.bill()
    other.bill()
    assert not_zero(first.billed) == not_zero(other.billed)


def test_a_line_is_named_by_the_days_that_it_bills():
    renamed = [
        each.model_copy(
            update={
                "supply_points": tuple(
                    point.model_copy(update={"title": f"{point.title}, renamed"})
                    for point in each.supply_points
                )
            }
        )
        for each in tiny_market.registrations()
    ]
    books = Books()
    books.post(DAYS[0], LAWS[0], 5)
    books.post(DAYS[2], law("S", 190_000, renamed), 7)
    (draft,) = books.bill()
    (line,) = draft.lines
    assert line.amount_micro == 12
    assert line.description == (
        "Home at B: share of the fuel cost, as bid; "
        "from 3 January 2024 Home at B, renamed: share of the fuel cost, as bid"
    )
    assert line.tax_note == "S 190000."


def test_what_bears_no_tax_is_exempt_beside_lines_that_do_and_outside_the_scope_beside_none():
    taxed, outside = law("S", 190_000, owner="elder"), law("O", owner="elder")
    assert taxed.tax_of("charge.tariff", "grid") == LineTax(Tax("S", 190_000), "S 190000.")
    assert taxed.tax_of("charge.tariff", "levy") == LineTax(EXEMPT, UNTAXED_NOTE)
    assert taxed.tax_of("payment.interest", "tiny-invoice-000001") == LineTax(EXEMPT, UNTAXED_NOTE)
    assert outside.tax_of("charge.tariff", "levy") == LineTax(Tax("O", 0), UNTAXED_NOTE)


def test_a_day_without_a_run_goes_by_the_day_before_it_and_else_by_the_first_after():
    month = PostedMonth([PostedDay(DAYS[2], 1, RUN, LAWS[1]), PostedDay(DAYS[1], 2, RUN, LAWS[0])])
    assert month.law_on(DAYS[3]) is LAWS[1]
    assert month.law_on(DAYS[0]) is LAWS[0]
    assert month.law_on(DAYS[0], 1) is LAWS[1]
    assert month.law_on(DAYS[0], 0) is None


def test_both_families_of_documents_bill_each_day_under_its_law():
    paid = Account("tiny", "GBP", "cedar", "payment.fuel", "U1")
    month = PostedMonth([PostedDay(DAYS[0], 1, RUN, LAWS[0]), PostedDay(DAYS[1], 2, RUN, LAWS[1])])
    moved = [
        DayMovement(account, day, sign * 100, 0)
        for account, sign in ((CHARGE, 1), (paid, -1))
        for day in DAYS[:2]
    ]
    drafts = draft_invoices(MONTH, month, moved, LineQualities(month, {}, {}), RUN, STATED)
    found = {
        draft.family: [(line.tax, line.amount_micro) for line in draft.lines] for draft in drafts
    }
    assert found == {
        Family.INVOICE: [(TAXES[0], 100), (TAXES[1], 100)],
        Family.SELF_BILLED: [(TAXES[0], -100), (TAXES[1], -100)],
    }
