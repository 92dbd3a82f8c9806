"""From documents to the law of a market as its state machine needs it."""

from common.refusals import Finding, Refused
from ledger.chain import encode
from ledger.tree import leaf_hash, merkle_root
from market.core.online import OnlineMarket
from market.moments import midnight_us
from rulebook.resolve import RuleSet
from settlement.rules.compile import compile_rules
from settlement.rules.register import register_of

LAW_TAG = "tallystick.market-law.1"
HANDED_IN = "handed-in"
"""Of `begun_by`: the market runs in real time."""
US_PER_MINUTE = 60_000_000
US_PER_SECOND = 1_000_000


def law_digest(rules: RuleSet) -> str:
    """Return the digest by which a `rules` event names the whole law of a day, in hexadecimal.

    It is the Merkle root over every instrument in force and the digest of its document, by
    instrument. So it is the same on each day on which no document is another, whatever versions
    hold them; and whoever has the day can find the law by it, as `RuleSet.digests` has the parts.
    """
    leaves = [encode(LAW_TAG, part) for part in sorted(rules.digests.items())]
    return merkle_root([leaf_hash(leaf) for leaf in leaves]).hex()


def online_market(rules: RuleSet) -> OnlineMarket | None:
    """Return the law of a market compiled; None where its market rules have no part `online`."""
    market_rules = rules.market_rules
    online = market_rules.online
    if online is None:
        return None
    register, model = register_of(rules.registrations), compile_rules(rules)
    return OnlineMarket(
        digest=law_digest(rules),
        model=model,
        # By id, as the compiled grid has them.
        lines=tuple(sorted(line.line for line in rules.grid_model.lines)),
        suppliers=tuple(map(register.supplier, model.supply_points)),
        zone=market_rules.time_zone,
        deadband_micro_per_mwh=online.deadband_micro_per_mwh,
        accepted_delay_us=online.accepted_delay_minutes * US_PER_MINUTE,
        tick_us=(online.tick_seconds or 0) * US_PER_SECOND,
        late_after_days=market_rules.meter_data.late_after_days,
        forward_hours=online.forward_hours,
        begun_by_handing_in=online.begun_by == HANDED_IN,
        offset_us=_offset_us(rules, model.interval_minutes),
    )


def _offset_us(rules: RuleSet, interval_minutes: int) -> int:
    """Return how far local midnight lies behind a whole interval of UTC.

    It is that of every day: rules of a zone whose clocks change it are refused
    (`clock-change-splits-interval`).
    """
    return midnight_us(rules.effective, rules.market_rules.time_zone) % (
        interval_minutes * US_PER_MINUTE
    )


def required_online_market(rules: RuleSet) -> OnlineMarket:
    """Return the law of a market compiled.

    Raises:
        Refused: its market rules have no part `online` (`market-not-online`).
    """
    market = online_market(rules)
    if market is None:
        finding = Finding(
            "market-not-online",
            f"{rules.market_rules.instrument}: online",
            f"empty on {rules.effective}",
            "a market is online while its market rules say how: deadband, delay and forward time",
            "publish market rules with the part `online`, or choose a day on which they have it",
        )
        raise Refused([finding])
    return market
