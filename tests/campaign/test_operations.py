"""Random operations on the ledger keep every invariant, and an auditor written apart agrees.

The suite takes a few hundred steps; `make campaign` takes a hundred thousand
(TALLYSTICK_OPERATIONS), shared by the shards. Each run has a seed of its own, which it prints;
TALLYSTICK_SEED takes the same steps again.
"""

import os
import random
import secrets
from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from ledger.disputes.course import Action, Role
from ledger.verification import verify
from tests.campaign.books import DAYS, GENERATOR, KINDS, MONTHS, SUPPLIERS, Books
from tests.ledger.drafts import publish_drafted_runs

OPERATIONS = int(os.environ.get("TALLYSTICK_OPERATIONS", "800"))
SEED = int(os.environ.get("TALLYSTICK_SEED") or secrets.randbits(64))
SHARDS = 4
STEPS = 50

days, months = st.sampled_from(DAYS), st.sampled_from(MONTHS)
micro = st.integers(0, 9_000_000)
amounts = st.fixed_dictionaries(dict.fromkeys((*SUPPLIERS, GENERATOR), micro))
steps = st.sampled_from([one for one in Action if one not in (Action.OPEN, Action.SETTLE)])


class Operations(RuleBasedStateMachine):
    """Post, correct, seal, bill, pay, allocate, dispute, crash and cheat, in any order."""

    engine: ClassVar[Engine]
    done: ClassVar[Counter]

    def __init__(self):
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.books = Books(Session(self.connection, join_transaction_mode="create_savepoint"))
        publish_drafted_runs(self.books.session)

    def count(self, outcome):
        self.done[outcome] += 1
        self.books.tick()

    @initialize(is_opened=st.booleans(), amounts=amounts)
    def open_the_market(self, is_opened, amounts):
        """Let most of what follows have something to follow from."""
        if is_opened:
            for day in DAYS:
                self.count(f"post: {self.books.post(day, KINDS[0], amounts)}")
            for month in MONTHS:
                self.count(f"invoice: {self.books.invoice(month)}")

    @rule(day=days, kind=st.sampled_from(KINDS), amounts=amounts)
    def post(self, day, kind, amounts):
        self.count(f"post: {self.books.post(day, kind, amounts)}")

    @rule(day=days, amounts=amounts)
    def correct(self, day, amounts):
        free = [kind for kind in KINDS if (day, kind) not in self.books.posted]
        if free:
            self.count(f"correct: {self.books.post(day, free[0], amounts)}")

    @rule(day=days, amounts=amounts)
    def post_and_crash(self, day, amounts):
        free = [kind for kind in KINDS if (day, kind) not in self.books.posted]
        if free and day not in self.books.sealed:
            self.count(f"post: {self.books.post(day, free[-1], amounts, crash=True)}")

    @rule(day=days)
    def post_unbalanced(self, day):
        self.books.post_unbalanced(day)
        self.count("post unbalanced: refused")

    @rule(day=days)
    def seal(self, day):
        self.count(f"seal: {self.books.seal(day)}")

    @precondition(lambda self: self.books.posted)
    @rule(month=months, falsify=st.booleans(), crash=st.booleans())
    def invoice(self, month, falsify, crash):
        self.count(f"invoice: {self.books.invoice(month, falsify=falsify, crash=crash)}")

    @precondition(lambda self: self.books.posted)
    @rule(month=months)
    def invoice_truly(self, month):
        self.count(f"invoice: {self.books.invoice(month)}")

    @precondition(lambda self: self.books.due)
    @rule(data=st.data(), off=st.sampled_from((0, 0, 0, -1, 1, 500)), names_it=st.booleans())
    def pay(self, data, off, names_it):
        name = data.draw(st.sampled_from(sorted(self.books.due)))
        amount = self.books.due[name] + off
        self.count(f"pay: {self.books.pay(name, amount, names_it=names_it or off == 0)}")

    @precondition(lambda self: self.books.due)
    @rule(data=st.data(), part=st.sampled_from((1, -1, 2, -2)))
    def pay_or_refund_a_part(self, data, part):
        name = data.draw(st.sampled_from(sorted(self.books.due)))
        self.count(f"pay: {self.books.pay(name, self.books.due[name] // part, names_it=True)}")

    @precondition(lambda self: any(self.books.paid.values()))
    @rule(data=st.data(), off=st.sampled_from((0, 0, 1)))
    def take_back(self, data, off):
        paid = self.books.paid
        name = data.draw(st.sampled_from(sorted(name for name in paid if paid[name])))
        outcome = self.books.pay(name, off - paid[name], names_it=True, is_reversal=True)
        self.count(f"pay: {outcome}")

    @precondition(lambda self: self.books.payments)
    @rule(data=st.data())
    def allocate(self, data):
        place = data.draw(st.integers(0, len(self.books.payments) - 1))
        name = data.draw(st.sampled_from(sorted(self.books.due)))
        amount = self.books.payments[place][1]
        self.count(f"allocate: {self.books.allocate(place, {name: amount})}")

    @precondition(lambda self: self.books.payments)
    @rule(data=st.data(), parts=st.tuples(st.sampled_from((1, 2, 3)), st.sampled_from((0, 2, -2))))
    def allocate_in_parts(self, data, parts):
        place = data.draw(st.integers(0, len(self.books.payments) - 1))
        names = st.sampled_from(sorted(self.books.due))
        amount, (first, second) = self.books.payments[place][1], parts
        amounts = {data.draw(names): amount // first}
        if second:
            amounts[data.draw(names)] = amount // second
        self.count(f"allocate: {self.books.allocate(place, amounts)}")

    @precondition(lambda self: self.books.payments)
    @rule(data=st.data())
    def return_to_the_queue(self, data):
        place = data.draw(st.integers(0, len(self.books.payments) - 1))
        self.count(f"allocate: {self.books.allocate(place, {})}")

    @precondition(lambda self: self.books.lines)
    @rule(data=st.data(), claim=st.sampled_from((1, 1, 100, 10**9)))
    def open_dispute(self, data, claim):
        place = data.draw(st.integers(0, len(self.books.lines) - 1))
        self.count(f"dispute: {self.books.open_dispute(place, claim)}")

    @precondition(lambda self: self.books.disputes)
    @rule(data=st.data(), action=steps, role=st.sampled_from(list(Role)))
    def take_step(self, data, action, role):
        number = data.draw(st.sampled_from(sorted(self.books.disputes)))
        self.count(f"dispute: {self.books.step(number, action, role)}")

    @precondition(lambda self: self.books.disputes)
    @rule(data=st.data(), kind=st.sampled_from(KINDS), with_note=st.booleans())
    def settle_dispute(self, data, kind, with_note):
        number = data.draw(st.sampled_from(sorted(self.books.disputes)))
        note = data.draw(st.sampled_from(self.books.lines))[0] if with_note else None
        self.count(f"dispute: {self.books.settle(number, kind, note)}")

    @precondition(lambda self: self.books.disputes)
    @rule(days_on=st.integers(1, 40))
    def wait(self, days_on):
        self.books.tick(days_on)

    @invariant()
    def money_sums_to_zero(self):
        assert sum(self.books.balances.values()) == 0

    def teardown(self):
        try:
            self.books.audit()
            assert list(verify(self.books.session)) == []
        finally:
            self.books.session.close()
            self.outer.rollback()
            self.connection.close()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_any_operations_keep_every_invariant(database_engine, shard):
    wanted = OPERATIONS // SHARDS
    machine = type(f"Shard{shard}", (Operations,), {"engine": database_engine, "done": Counter()})
    chosen = settings(
        max_examples=max(1, wanted // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        # Not Phase.explain, which would run a failing sequence many times more.
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    print(f"\nshard {shard}: TALLYSTICK_SEED={SEED} TALLYSTICK_OPERATIONS={OPERATIONS}")
    seeds = random.Random(f"{SEED} {shard}")
    while sum(machine.done.values()) < wanted:
        run_state_machine_as_test(seed(seeds.getrandbits(64))(machine), settings=chosen)
    assert not {"post: posted", "invoice: issued"} - machine.done.keys()
    print(f"{sum(machine.done.values())} operations")
    for outcome, count in sorted(machine.done.items()):
        print(f"  {count:>7}  {outcome}")
