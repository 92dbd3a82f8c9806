"""What of fairness reports whoever is signed in reads, who may not read them whole.

A report holds the money and energy of every participant, so its rows are of those who oversee the
market. Everybody reads what its report tells everybody, and each participant its own units and
supply points. These functions act as their owner, and return no other part of a report.
"""

from collections.abc import Mapping
from types import MappingProxyType

_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"

CREATE_FAIRNESS_REPORTS = f"""
CREATE FUNCTION settlement.fairness_reports(of_market text) RETURNS TABLE (
    id uuid, market text, first_day date, last_day date, created_at timestamptz, digest bytea)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT stored.id, stored.market, stored.first_day, stored.last_day, stored.created_at,
        stored.digest
    FROM settlement.fairness_report AS stored
    WHERE of_market IS NULL OR stored.market = of_market;
END
"""

CREATE_PUBLIC_FAIRNESS = f"""
CREATE FUNCTION settlement.public_fairness(of_report uuid) RETURNS TABLE (
    id uuid, market text, first_day date, last_day date, created_at timestamptz, digest bytea,
    pins jsonb, public jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT stored.id, stored.market, stored.first_day, stored.last_day, stored.created_at,
        stored.digest, stored.pins, stored.report -> 'public'
    FROM settlement.fairness_report AS stored
    WHERE stored.id = of_report;
END
"""

# Paths are lax: a row that somebody forged hides no other.
CREATE_OWN_FAIRNESS = f"""
CREATE FUNCTION settlement.own_fairness(of_report uuid) RETURNS TABLE (
    participant text, units jsonb, supply_points jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT owner.participant,
        (SELECT coalesce(jsonb_agg(named.own ORDER BY named.place), '[]')
            FROM jsonb_path_query(stored.report, '$.units[*]') WITH ORDINALITY AS named (own, place)
            WHERE named.own ->> 'participant' = owner.participant),
        (SELECT coalesce(jsonb_agg(named.own ORDER BY named.place), '[]')
            FROM jsonb_path_query(stored.report, '$.supply_points[*]')
                WITH ORDINALITY AS named (own, place)
            WHERE named.own ->> 'participant' = owner.participant)
    FROM settlement.fairness_report AS stored
        JOIN people.owned() AS owner ON owner.market = stored.market
    WHERE stored.id = of_report;
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "settlement.fairness_reports(text)": CREATE_FAIRNESS_REPORTS,
        "settlement.public_fairness(uuid)": CREATE_PUBLIC_FAIRNESS,
        "settlement.own_fairness(uuid)": CREATE_OWN_FAIRNESS,
    }
)
