"""What of transition reports whoever is signed in reads, who may not read them whole.

A report holds the money and energy of every participant, so its rows are of those who oversee the
market. Everybody reads what its report tells everybody, and each participant its own rows. These
functions act as their owner, and return no other part of a report.
"""

from collections.abc import Mapping
from types import MappingProxyType

_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"

CREATE_TRANSITION_REPORTS = f"""
CREATE FUNCTION settlement.transition_reports() RETURNS TABLE (
    id uuid, market text, first_day date, last_day date, created_at timestamptz, price text)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT stored.id, stored.market, stored.first_day, stored.last_day, stored.created_at,
        stored.prices ->> 'column'
    FROM settlement.transition_report AS stored;
END
"""

CREATE_PUBLIC_TRANSITION = f"""
CREATE FUNCTION settlement.public_transition(of_report uuid) RETURNS TABLE (
    id uuid, created_at timestamptz, digest bytea, public jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT stored.id, stored.created_at, stored.digest, stored.report -> 'public'
    FROM settlement.transition_report AS stored
    WHERE stored.id = of_report;
END
"""

# Paths are lax: a row that somebody forged hides no other.
CREATE_OWN_TRANSITION = f"""
CREATE FUNCTION settlement.own_transition(of_report uuid) RETURNS TABLE (
    participant text, parties jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT owner.participant,
        (SELECT coalesce(jsonb_agg(named.own ORDER BY named.place), '[]')
            FROM jsonb_path_query(stored.report, '$.parties[*]')
                WITH ORDINALITY AS named (own, place)
            WHERE named.own ->> 'participant' = owner.participant)
    FROM settlement.transition_report AS stored
        JOIN people.owned() AS owner ON owner.market = stored.market
    WHERE stored.id = of_report;
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "settlement.transition_reports()": CREATE_TRANSITION_REPORTS,
        "settlement.public_transition(uuid)": CREATE_PUBLIC_TRANSITION,
        "settlement.own_transition(uuid)": CREATE_OWN_TRANSITION,
    }
)
