"""The law by which a machine takes a batch: what is in force, and what the batch puts in force."""

import datetime as dt
from collections.abc import Callable, Iterable

from market.core.events import Kind
from market.core.online import OnlineMarket
from market.log import Submitted

Resolve = Callable[[dt.date, dt.datetime], OnlineMarket | None]
"""Gives the law of a market on a day as it was known at a moment; None where it is not online."""


class LawBook(dict[str, OnlineMarket]):
    """Law by digest, for one batch at a time.

    A `rules` event is of a day, and came at a moment: the digest that it names is the one of that
    day's law as it was known then, or it is unknown. So whoever takes the event again finds the
    same, whatever became law since, and whatever else was read before.
    """

    def __init__(self, resolve: Resolve) -> None:
        super().__init__()
        self._resolve = resolve

    def open_for(self, batch: Iterable[Submitted]) -> None:
        """Hold the law of the batch's `rules` events, and no other: not the law in force, which is
        law of the day of an event only if it is found to be."""
        self.clear()
        for each in batch:
            if each.event.kind is Kind.RULES:
                self.learn(each)

    def learn(self, rules: Submitted) -> None:
        """Hold the law that a `rules` event names, where it is that of its day."""
        law = self._resolve(rules.event.day, rules.submitted_at)
        if law is not None and law.digest in rules.event.words:
            self[law.digest] = law
