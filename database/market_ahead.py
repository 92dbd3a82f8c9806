"""What a market says of intervals to come, kept beside its log, and what a participant is told.

None of it is a fact: who leads makes it anew of the log when an interval ends, in the place of what
was there. Pages show the outlook; whoever asks for a quote goes on from the standing, and need not
take a day's events again. Both are kept by `market.keep_ahead` alone, under the epoch of who leads.

What becomes of an event, and what a settlement owes, is told to whom it concerns by functions that
act as their owner, and tell nobody else anything: events and results are closed to pages.
"""

from collections.abc import Mapping
from types import MappingProxyType

_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"

HANDED_IN = "handed in"
"""What became of an event that waits in the inbox."""

CREATE_KEEP_AHEAD = """
CREATE FUNCTION market.keep_ahead(
    of_market text, of_epoch bigint, of_sequence bigint, of_state text, of_law text,
    clock timestamptz, begins timestamptz, minutes int, count int,
    tightness bigint[], prices bigint[], sell_prices bigint[], who_waits jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Shared, so that who leads next waits: it begins its epoch before it keeps anything.
    PERFORM FROM market.head
        WHERE market = of_market AND epoch = of_epoch AND sequence = of_sequence FOR SHARE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO market.standing AS held (market, sequence, state)
    VALUES (of_market, of_sequence, of_state)
    ON CONFLICT (market) DO UPDATE SET sequence = excluded.sequence, state = excluded.state;
    IF count IS NULL THEN
        DELETE FROM market.outlook WHERE market = of_market;
        RETURN;
    END IF;
    INSERT INTO market.outlook AS held (market, sequence, law, at, begins_at, interval_minutes,
        interval_count, tightness_ppm, price_micro_per_mwh, sell_price_micro_per_mwh, waiting)
    VALUES (of_market, of_sequence, of_law, clock, begins, minutes, count, tightness, prices,
        sell_prices, who_waits)
    ON CONFLICT (market) DO UPDATE SET sequence = excluded.sequence, law = excluded.law,
        at = excluded.at, begins_at = excluded.begins_at,
        interval_minutes = excluded.interval_minutes, interval_count = excluded.interval_count,
        tightness_ppm = excluded.tightness_ppm,
        price_micro_per_mwh = excluded.price_micro_per_mwh,
        sell_price_micro_per_mwh = excluded.sell_price_micro_per_mwh, waiting = excluded.waiting;
END
$$
"""

CREATE_OWN_OUTCOME = f"""
CREATE FUNCTION market.own_outcome(of_market text, of_day date, of_key text) RETURNS text
LANGUAGE sql {_DEFINER}
RETURN coalesce(
    (SELECT outcome FROM market.event
        WHERE day = of_day AND market = of_market AND key = of_key
            AND submitted_by = (SELECT people.acting())),
    (SELECT '{HANDED_IN}' FROM market.submission
        WHERE market = of_market AND day = of_day AND key = of_key
            AND submitted_by = (SELECT people.acting()))
)
"""

# As the law of that day stands now: whose a supply point was then.
CREATE_OWN_OWED = f"""
CREATE FUNCTION market.own_owed(of_market text) RETURNS TABLE (
    participant text, supply_point text, settlement_day date, owed_w bigint)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT owner.participant, result.entity, result.settlement_day,
        result.values[cardinality(result.values)]
    FROM (
            SELECT run.id, run.last_day FROM settlement.run
            WHERE run.market = of_market
                AND EXISTS (SELECT FROM ledger.journal WHERE journal.run_id = run.id)
            ORDER BY run.last_day DESC, run.created_at DESC LIMIT 1
        ) AS latest
        JOIN people.owned() AS owner ON owner.market = of_market
        JOIN rulebook.version ON version.market = of_market
            AND version.instrument = of_market || '/registration/' || owner.participant
            AND upper_inf(version.recorded)
            AND version.valid @> (latest.last_day::timestamp AT TIME ZONE (
                SELECT rules.body ->> 'time_zone' FROM rulebook.version AS rules
                WHERE rules.instrument = of_market || '/market-rules'
                    AND upper_inf(rules.recorded)
                LIMIT 1))
        CROSS JOIN LATERAL jsonb_array_elements(version.body -> 'supply_points') AS point
        JOIN settlement.result ON result.run_id = latest.id
            AND result.settlement_day = latest.last_day AND result.measure = 'owed_w'
            AND result.entity = point ->> 'supply_point'
    ORDER BY owner.participant, result.entity;
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "market.keep_ahead(text, bigint, bigint, text, text, timestamptz, timestamptz, int, int, "
        "bigint[], bigint[], bigint[], jsonb)": CREATE_KEEP_AHEAD,
        "market.own_outcome(text, date, text)": CREATE_OWN_OUTCOME,
        "market.own_owed(text)": CREATE_OWN_OWED,
    }
)
