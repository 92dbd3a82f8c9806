"""What Fair Play moves in journals and on documents, and why each of its numbers is so."""

import datetime as dt
import re
from fractions import Fraction
from hashlib import sha256
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import text

from database.session import make_engine, transaction
from rulebook.documents.base import Clause
from rulebook.documents.market_rules import OnlineRules
from settlement.billing.issuing import issue_month
from settlement.core.booked import BOOKED, CHARGE, DECLINED, LATE
from settlement.core.lottery import draw_winners, make_drawing
from settlement.core.periods import interval_starts
from settlement.explanations.bookings import BookingCharges
from settlement.explanations.charges import Charges
from settlement.explanations.explain import day_facts, explain_interval, find_line, line_day
from settlement.explanations.fair_play import FairPlayCharges
from settlement.meters.ingest import MeterFile, ingest
from settlement.runs.online_day_store import append_online_day
from settlement.runs.online_days import HandedBooking, HandedDay, HandedPlace, StoredOnlineDay
from settlement.verification import list_checks
from tests.market.test_feed import BOOKINGS, ONLINE
from tests.settlement.people_units import storage_units_in
from tests.worlds import tiny_market
from tests.worlds.fair_play import (
    BLOCK_WH,
    DAYS,
    DOUBTED,
    DRAWN,
    FAIR_PLAY,
    FIRST,
    JANUARY,
    KNOWN,
    LAST,
    MIDDLE,
    POINTS,
    ingest_month_end,
    law_with,
    publish_with,
    settle_days,
    settle_month_end,
    vectors,
)
from tests.worlds.rolled_back import rolled_back
from tests.worlds.settled import (
    CORRECTED,
    INGESTED,
    PUBLISHED,
    RESETTLED,
    SETTLED,
    publish_tiny,
)

LAWS = {
    "essential": (FAIR_PLAY, {"timing": "essential"}),
    "flexible": (FAIR_PLAY, {"block_wh": BLOCK_WH}),
    "by lot": (DRAWN, {}),
    "doubted": (DOUBTED, {}),
}
LINES = {
    "charge.over_take": ("over_take_wh", "AP-7"),
    "charge.compensation": ("shortfall_wh", "AP-7"),
    "charge.excess": ("excess_wh", "MR-9"),
}
"""What a line counts, and the clause that it rests on."""


BOOKED_LAW = "flexible"
"""The law by which the market is online, and offices booked a part of what they take."""


def online(document):
    """Return a document of a law; market rules with the part by which anybody books."""
    if document.kind != "market-rules":
        return document
    clauses = [*document.clauses, Clause.model_validate(BOOKINGS | {"anchor": "MR-10"})]
    return document.model_copy(update={"online": OnlineRules(**ONLINE), "clauses": tuple(clauses)})


def hand_over_bookings(session) -> None:
    """Hand over two bookings of each office, of 1 MWh and of 300 kWh in most intervals."""
    nothing, known = np.zeros((2, 48), dtype=np.int64), np.zeros(48, dtype=np.bool_)
    for day in DAYS:
        bookings = tuple(
            HandedBooking(number, f"{number}", "doric", point, "buy", tuple(
                HandedPlace(interval, energy_wh, (20 + interval) * 10**6)
                for interval in range(48)
                if interval % (number + 1)
            ))
            for number, point, energy_wh in (
                (1, "B-office", 10**6), (2, "B-office", 3 * 10**5),
                (3, "C-office", 10**6), (4, "C-office", 3 * 10**5),
            )
        )  # fmt: skip
        said = HandedDay("tiny", day, 30, ("B", "C"), known, nothing, nothing, bookings)
        append_online_day(session, StoredOnlineDay("tiny", day, 1, 1, said.content, INGESTED))


@pytest.fixture(scope="module", params=LAWS)
def settled_market(clone_database, request):
    """A database with the days settled by one law of Fair Play, the run, and which law."""
    fair_play, options = LAWS[request.param]
    made = make_engine(clone_database())
    with transaction(made) as opened:
        law = law_with(fair_play, **options)
        publish_tiny(opened, [*map(online, law)] if request.param == BOOKED_LAW else law)
        ingest_month_end(opened, taken_percent=50 if "least_taken_ppm" in fair_play else 100)
        if request.param == BOOKED_LAW:
            hand_over_bookings(opened)
        settled = settle_month_end(opened)
    yield made, settled, request.param
    made.dispose()


@pytest.fixture
def run(settled_market):
    return settled_market[1]


@pytest.fixture
def law(settled_market):
    return settled_market[2]


@pytest.fixture
def session(request, database_engine):
    """A session that is rolled back, in the settled market where the test asks for its run."""
    is_settled = "run" in request.fixturenames
    made = request.getfixturevalue("settled_market")[0] if is_settled else database_engine
    with rolled_back(made) as opened:
        yield opened


def test_journals_and_documents_carry_the_money_and_its_energy(session, run, law):
    invoices = issue_month(session, "tiny", JANUARY, now=SETTLED).invoices
    lines = {(line.kind, line.subject): line for invoice in invoices for line in invoice.lines}
    found = [vectors(session, run, day) for day in DAYS]
    billed = set()
    for kind, (measure, clause) in LINES.items():
        for point in POINTS:
            nothing = np.zeros(48, dtype=np.int64)
            amount = sum(int(day.get((f"{kind}_micro", point), nothing).sum()) for day in found)
            assert amount * (-1 if kind == "charge.compensation" else 1) >= 0
            if not amount:
                assert (kind, point) not in lines
                continue
            line = lines[kind, point]
            assert line.amount_micro == amount
            assert line.quantity == sum(int(day[measure, point].sum()) for day in found)
            assert line.clauses == (clause,)
            billed.add(kind)
    assert billed == set(LINES) - (set() if law == "flexible" else {"charge.excess"})
    assert lines["charge.over_take", "C-office"].description == (
        "Office at C: energy taken above its entitlement, at the price cap"
    )
    compensated = {
        line.description for (kind, _), line in lines.items() if kind == "charge.compensation"
    }
    assert compensated
    assert all(
        words.endswith(": compensation for energy promised and not delivered")
        for words in compensated
    )
    unbalanced = session.execute(
        text(
            "SELECT journal_number FROM ledger.posting JOIN ledger.account ON code = account "
            "GROUP BY journal_number, commodity HAVING sum(amount) <> 0"
        )
    ).all()
    assert unbalanced == []
    assert [found for check in list_checks() for found in check.findings(session)] == []


def test_a_promise_is_compensated_where_its_month_ends_and_nowhere_before(session, run):
    for day in DAYS:
        found = vectors(session, run, day)
        for point in POINTS:
            before = slice(None, -1) if day == LAST else slice(None)
            assert not found["charge.compensation_micro", point][before].any()
            assert not found["shortfall_wh", point][before].any()
    found = vectors(session, run, LAST)
    assert any(found["charge.compensation_micro", point][-1] < 0 for point in POINTS)


def test_a_correction_posts_and_bills_the_difference(session, run):
    issue_month(session, "tiny", JANUARY, now=SETTLED)
    ingest_month_end(session, seed=2, only=["B-home"], received_at=CORRECTED)
    later = settle_month_end(session, "SF", RESETTLED)
    issue_month(session, "tiny", JANUARY, now=RESETTLED)
    billed = dict(
        session.execute(
            text(
                "SELECT kind, sum(amount_micro)::bigint FROM ledger.invoice_line "
                "WHERE kind = ANY(:kinds) GROUP BY kind"
            ),
            {"kinds": list(LINES)},
        ).all()
    )
    for kind, amount in billed.items():
        assert amount == sum(
            int(values.sum())
            for day in DAYS
            for (measure, _), values in vectors(session, later, day).items()
            if measure == f"{kind}_micro"
        )
    assert set(billed) >= {"charge.over_take", "charge.compensation"}


def nodes(explanation):
    yield explanation
    for child in explanation.children:
        yield from nodes(child)


def numbers_of(formula: str) -> list[Fraction]:
    return [
        Fraction(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", formula)
    ]


def test_every_line_explains_itself_to_its_amount(session, run):
    invoices = issue_month(session, "tiny", JANUARY, now=SETTLED).invoices
    explained = dict.fromkeys(LINES, 0)
    for invoice in invoices:
        for line in invoice.lines:
            if line.kind not in LINES:
                continue
            reference = find_line(session, invoice.row.id, line.line)
            of_day = line_day(session, reference, LAST)
            for interval in (0, 17, 30, 47):
                tree = explain_interval(reference, of_day, interval)
                assert tree.value == of_day.amounts_micro[interval]
                charge = tree.children[0]
                assert charge.value == tree.value
                assert storage_units_in(tree) == []
                assert [clause.anchor for clause in charge.clauses] == [LINES[line.kind][1]]
                explained[line.kind] += bool(tree.value)
                if line.kind == "charge.excess":
                    above, price = numbers_of(charge.formula)[:2]
                    assert abs(tree.value - above * price * 10**6) <= 1
                    assert of_day.facts.result("excess_wh", line.subject, interval) == (
                        above * 10**6
                    )
                    continue
                quantity, price = charge.children
                exact = quantity.value * price.value // 10**6
                assert abs(abs(tree.value) - exact) <= 1
    assert explained["charge.over_take"] >= 4
    assert explained["charge.compensation"] >= 1


def named(tree, words):
    return [node for node in nodes(tree) if node.label.startswith(words)]


def test_entitlements_explain_themselves_down_to_the_cut(session, run, law):
    facts = day_facts(session, run, LAST)
    owed = {point: int(vectors(session, run, DAYS[1])["owed_w", point][-1]) for point in POINTS}
    seen, booked_turns = set(), 0
    for interval in range(48):
        for point in POINTS:
            tree = FairPlayCharges(facts, interval).entitlement(point)
            assert storage_units_in(tree) == []
            assert tree.value == facts.result("entitlement_w", point, interval)
            desired = facts.result("desired_w", point, interval)
            metered = 2 * max(tree.children[0].value, 0)
            limit = 30_000_000 if point.endswith("home") else metered
            assert desired == min(metered, limit)
            assert sum(node.value for node in named(tree, "Owed since")) == owed[point]
            parts = [child for child in tree.children if child.label.startswith("Served of")]
            assert parts or tree.value == desired + owed[point]
            assert not parts or sum(part.value for part in parts) == tree.value
            for part in parts:
                hold_part(part, is_drawn=law == "by lot" and point.endswith("office"))
                seen |= {node.label.partition(" ")[0] for node in nodes(part)}
            owed[point] = facts.result("owed_w", point, interval)
        whole = facts.fair_play_shares.served.services[interval]
        booked_turns += whole is not None and whole.booked_w.any()
    assert booked_turns > 5 or law != BOOKED_LAW
    assert seen >= {"What", "Supply", "Lines", "Weight", "Tier", "Fulfilment", "Promise"}


def test_why_a_refused_wish_does_not_count_is_told_where_it_does_not(session, run, law):
    facts, told = day_facts(session, run, LAST), 0
    for interval in range(48):
        for point in POINTS:
            tree = FairPlayCharges(facts, interval).entitlement(point)
            metered = 2 * max(int(facts.readings["metered_demand_wh", point].values[interval]), 0)
            doubted = named(tree, "Refused, and counted as declined")
            if law != "doubted" or point not in KNOWN or metered * 100 >= tree.value * 95:
                assert not doubted
                continue
            missed, owed, declined = (
                facts.result(measure, point, interval)
                for measure in ("missed_w", "owed_w", "declined_w")
            )
            assert (missed, owed) == (0, 0)
            refused = sum(each.value for each in doubted)
            assert refused + tree.value - metered == declined
            for each in doubted:
                assert numbers_of(each.formula)[0] == Fraction(metered, 10**6)
                assert [clause.anchor for clause in each.clauses] == ["AP-8"]
                told += 1
    assert (told > 5) == (law == "doubted")
    due = [
        node
        for point in POINTS
        for node in named(FairPlayCharges(facts, 47).charge_of("compensation", point), "Due to")
    ]
    assert len(due) == len(POINTS)
    assert all(("do not count" in node.formula) == (law == "doubted") for node in due)


def hold_part(part, *, is_drawn):
    """Hold what a point is served of one deadline to the turns in which its group was."""
    served = sum(turn.value for turn in part.children)
    assert part.value <= served if is_drawn else part.value == served
    for cut in named(part, "What the grid can serve"):
        assert cut.value == sum(child.value for child in cut.children)
    for supply in named(part, "Supply at"):
        assert supply.value == sum(child.value for child in supply.children)
    for turn in part.children:
        cuts = [node for node in turn.children if node.label.startswith("What the grid")]
        if not cuts:
            assert turn.value == numbers_of(turn.formula)[0] * 10**6
            continue
        weight, wanted, total, pull = numbers_of(turn.formula)
        exact = weight * wanted * total * 10**12 / pull
        assert exact - 1 < turn.value <= exact + 1
        assert total * 10**6 <= cuts[0].value
    for weight in named(part, "Weight ("):
        tier, fulfilment, _ = numbers_of(weight.formula)
        assert weight.value == tier * 10**6 // fulfilment
    for fulfilment in named(part, "Fulfilment"):
        if not fulfilment.is_missing:
            delivered, matured = numbers_of(fulfilment.formula)[:2]
            assert abs(fulfilment.value - delivered * 10**6 // matured) <= 1


def test_a_booking_explains_what_came_of_it_in_and_after_its_interval(session, run, law):
    facts = {day: day_facts(session, run, day) for day in DAYS}
    late = declined = 0
    for day, interval in product(DAYS, range(48)):
        for entity in sorted(
            {entity for measure, entity in facts[day].results if measure == CHARGE}
        ):
            tree = BookingCharges(facts[day], interval).booking(entity)
            assert tree.value == facts[day].result(CHARGE, entity, interval)
            assert storage_units_in(tree) == []
            for words, measure in (("Served late", LATE), ("Offered late", DECLINED)):
                found = facts[day].results.get((measure, entity))
                told = sum(node.value for node in named(tree, words))
                assert told == (0 if found is None else found[interval])
            late += len(named(tree, "Served late"))
            declined += len(named(tree, "Offered late"))
            parts = [node.value for node in tree.children if node.label in CAME_OF_IT]
            assert sum(parts) == facts[day].result(BOOKED, entity, interval)
    assert (late > 20 and declined > 0) == (law == BOOKED_LAW)


WINDOW = 8
BOOKED_OR_NOT = "", "is booked and "
CAME_OF_IT = "Taken of it", "Wished for and refused", "Not taken"
STARTS = [start for day in DAYS for start in interval_starts(day, tiny_market.ZONE, 30)]


def clock(number: int, day: dt.date) -> str:
    """Return the local start of an interval of the days, as a tree of `day` writes it."""
    start = STARTS[0] + number * dt.timedelta(minutes=30)
    local = start.astimezone(ZoneInfo(tiny_market.ZONE))
    words = f"{local:%H:%M %Z}"
    return words if local.date() == day else f"{local.day} {local:%B %Y}, {words}"


@pytest.mark.parametrize("point", ["B-office", "C-office"])
def test_owed_energy_is_followed_from_the_interval_that_refused_it_to_those_that_serve_it(
    session, run, law, point
):
    facts = {day: day_facts(session, run, day) for day in DAYS}

    def result(measure, number):
        return facts[DAYS[number // 48]].result(measure, point, number % 48)

    def served_at(number, refused_at):
        """What is served at an interval of what one before it refused, by the tree of it."""
        day = DAYS[number // 48]
        tree = FairPlayCharges(facts[day], number % 48).entitlement(point)
        owed = [n for n in named(tree, "Owed since") if n.label.endswith(clock(refused_at, day))]
        closes = clock(refused_at + WINDOW + 1, day)
        labels = [f"Served of what {what}may wait until {closes}" for what in BOOKED_OR_NOT]
        if number == refused_at + WINDOW:
            labels = ["Served of what is due"]
        parts = [child for child in tree.children if child.label in labels]
        if not owed:
            return 0
        assert f"closes at {closes}" in owed[0].formula
        is_short = any(child.label.startswith("Served of") for child in tree.children)
        return sum(part.value for part in parts) if is_short else owed[0].value

    followed = across = 0
    for number in range(len(STARTS) - WINDOW):
        new = result("delivered_w", number) - result("late_w", number)
        refused = result("desired_w", number) - new
        if law == "essential":
            # What was offered of it and not taken, where the request is known, is declined.
            missed = result("missed_w", number)
            assert missed <= refused if point in KNOWN else missed == refused
            continue
        if point in KNOWN:  # served is what was metered, whatever it was entitled to
            continue
        later = [served_at(number + after, number) for after in range(1, WINDOW + 1)]
        assert sum(later) + result("missed_w", number + WINDOW) == refused
        followed += bool(sum(later))
        across += any(
            later[after - 1] for after in range(1, WINDOW + 1) if number % 48 + after > 47
        )
    assert (followed > 20 and across > 0) == (law != "essential" and point not in KNOWN)


def test_what_is_taken_is_explained_by_what_was_refused_and_what_had_been_owed(session, run):
    facts, carried = day_facts(session, run, LAST), 0
    for interval in range(48):
        tree = Charges(facts, interval).taken("B-office")
        assert tree.value == facts.result("taken_wh", "B-office", interval)
        if not tree.children:
            continue
        metered, entitlement = tree.children
        refused, late = numbers_of(tree.formula)[:2]
        assert abs(tree.value - (metered.value + (late - refused) * 10**6 / 2)) <= 1
        assert entitlement.value == facts.result("entitlement_w", "B-office", interval)
        carried += 1
    assert carried > 10


def test_net_export_that_serves_its_own_node_is_among_the_supply(session):
    publish_with(session, FAIR_PLAY, "essential")
    content = tiny_market.readings_csv(FIRST, FIRST).decode()
    # C has 2 MW of its offices and the 30 MW of the line for homes that desire 8 to 48 MW.
    sent = re.sub(r"(C-office,metered_demand_wh,)\d+", r"\g<1>-1000000", content)
    sent = re.sub(r"(U4,available_w,)\d+", r"\g<1>0", sent)
    ingest(session, "tiny", [MeterFile("export.csv", sent.encode())], received_at=INGESTED)
    run = settle_days(session, FIRST, FIRST)
    facts = day_facts(session, run, FIRST)
    told = 0
    for interval in range(48):
        for point in ("B-home", "C-home"):
            tree = FairPlayCharges(facts, interval).entitlement(point)
            for supply in named(tree, "Supply at"):
                assert supply.value == sum(child.value for child in supply.children)
                told += supply.children[-1].label.startswith("Net export")
    exported = facts.readings["metered_demand_wh", "C-office"].values
    assert (exported < 0).all()
    assert not facts.results["desired_w", "C-office"].any()
    found = facts.results
    assert np.array_equal(
        sum(found["entitlement_w", point] for point in POINTS),
        found["fair_play_maximum_w", "market"],
    )
    assert told > 10


def test_a_drawing_can_be_drawn_again_from_its_explanation(session, run, law):
    facts, drawn = day_facts(session, run, FIRST), 0
    for interval in range(48):
        tree = FairPlayCharges(facts, interval).entitlement("B-office")
        lotteries = [node for node in nodes(tree) if "by lottery" in node.formula]
        assert not lotteries or law == "by lot"
        for lottery in lotteries:
            digest = bytes.fromhex(re.search(r"[0-9a-f]{64}", lottery.formula).group())
            due = lottery.label == "Served of what is due"
            after = re.search(r"“(\S+ \d+ B office \S+(?: \d+)?)”", lottery.formula).group(1)
            assert after.startswith(f"{FIRST} {interval} B office ")
            assert after.endswith(" due") == due
            seed = sha256(b"tallystick lottery 1\n" + digest + after.encode()).digest()
            # One indivisible request at its node: it is met if it fits in what it would get.
            amount = sum(turn.value for turn in lottery.children)
            wanted = sum(numbers_of(turn.formula)[1] for turn in lottery.children) * 10**6
            met = draw_winners(amount, [int(wanted)], [1], make_drawing(seed))
            assert bool(met) == (lottery.value > 0)
            drawn += 1
    assert (drawn > 5) == (law == "by lot")


def test_what_another_version_of_the_law_refused_is_owed_since_before_it(session):
    """Offices wait 4 hours up to the 29th, then 2: of what was refused before, the close holds."""
    publish_with(session, FAIR_PLAY)
    rules, *_ = law_with(FAIR_PLAY)
    home, office = rules.products
    shorter = office.model_copy(update={"window_minutes": 120})
    publish_tiny(
        session,
        [rules.model_copy(update={"products": (home, shorter)})],
        valid_from=MIDDLE,
        known=PUBLISHED + dt.timedelta(minutes=1),
    )
    ingest_month_end(session)
    settled = settle_month_end(session)
    owed = vectors(session, settled, FIRST)["owed_w", "B-office"][-1]
    facts = day_facts(session, settled, MIDDLE)
    found = named(FairPlayCharges(facts, 0).entitlement("B-office"), "Owed since")
    assert sum(node.value for node in found) == owed > 0
    assert {node.label for node in found} == {"Owed since before 00:00 GMT"}
    assert all("under law of before" in node.formula for node in found)
    later = named(FairPlayCharges(facts, 12).entitlement("B-office"), "Owed since")
    assert not any("before" in node.label for node in later)
