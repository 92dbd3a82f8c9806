"""What is said of the law of a day beside its text: how it stands, and what is scheduled after it.

Whoever shows law, a page or a command, shows this with it: law that is about to change, or of which
a part was taken since, reads as if it stood for good.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from rulebook import store
from rulebook.days import day_of, day_start
from rulebook.resolve import RuleSet
from rulebook.standing import Ahead, Span, State, TextStanding, ahead_of, state_of, text_standing


@dataclass(frozen=True)
class Outlook:
    """How the documents of a rule set stand, and what changes after it.

    Attributes:
        standings: of each instrument of the rule set, as it is known.
        ahead: the next change of each instrument that changes, begins or ends later.
        zone: of the market.
        known: when.
    """

    standings: Mapping[str, TextStanding]
    ahead: Mapping[str, Ahead]
    zone: str
    known: dt.datetime

    def state_of(self, span: Span) -> State:
        """Return how law that stands for a span stands, by what is known."""
        return state_of(span, self.known)

    def day_of(self, change: Ahead) -> dt.date:
        """Return the day of the market on which a change comes."""
        return day_of(change.at, self.zone)


def outlook_of(session: Session, rules: RuleSet, known: dt.datetime) -> Outlook:
    """Return how the law that `rules_at` gave stands, by what was known at `known`."""
    zone, day = rules.market_rules.time_zone, rules.effective
    instant = day if isinstance(day, dt.datetime) else day_start(day, zone)
    histories = store.records(session, rules.market, rules.digests)
    standings = {
        instrument: standing
        for instrument, digest in rules.digests.items()
        if (standing := text_standing(digest, histories[instrument], known)) is not None
    }
    return Outlook(standings, changes_ahead(session, rules.market, instant, known), zone, known)


def changes_ahead(
    session: Session, market: str, instant: dt.datetime, known: dt.datetime
) -> dict[str, Ahead]:
    """Return the next change after an instant of each document of which one was known to come."""
    following = store.records_from(session, market, instant, known)
    found = {name: ahead_of(rows, instant, known) for name, rows in following.items()}
    return {name: change for name, change in sorted(found.items()) if change is not None}
