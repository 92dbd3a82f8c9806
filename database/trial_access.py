"""What of trials whoever is signed in reads, who may not read them whole.

A trial's report holds the money of every participant, so its rows are of those who oversee the
market. Of a trial whose drafts were all put to consultation, or assessed, everybody reads what its
report tells everybody, but for what another trial of nearly the same days withholds, and each
participant its own rows. These functions act as their owner, and return no other part of a report.
"""

from collections.abc import Mapping
from types import MappingProxyType

_DEFINER = "STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp"

# A registration tells of costs and contacts, and so does a draft of one. Paths are lax: a row that
# somebody forged hides no other.
CREATE_IS_CONSULTED = f"""
CREATE FUNCTION settlement.is_consulted(of_market text, drafts jsonb) RETURNS boolean
LANGUAGE sql {_DEFINER}
RETURN jsonb_path_exists(drafts, '$[*].digest') AND NOT EXISTS (
    SELECT FROM jsonb_path_query(drafts, '$[*]') AS tried (draft)
    WHERE NOT EXISTS (
        SELECT FROM rulebook.revision
            JOIN rulebook.change ON change.number = revision.change
            JOIN rulebook.change_event AS event ON event.change = revision.change
                AND event.revision_digest = revision.digest
        WHERE change.market = of_market AND event.kind IN ('consult', 'assess')
            AND encode(revision.draft_digest, 'hex') = tried.draft ->> 'digest'
            AND NOT EXISTS (
                SELECT FROM jsonb_object_keys(revision.draft -> 'documents') AS named (instrument)
                WHERE named.instrument LIKE '%/registration/%')))
"""

CREATE_CONSULTED_TRIALS = f"""
CREATE FUNCTION settlement.consulted_trials(of_draft text) RETURNS TABLE (
    id uuid, market text, first_day date, last_day date, created_at timestamptz)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT trial.id, trial.market, trial.first_day, trial.last_day, trial.created_at
    FROM settlement.trial
    WHERE (of_draft IS NULL OR trial.drafts @> jsonb_build_array(
            jsonb_build_object('digest', of_draft)))
        AND settlement.is_consulted(trial.market, trial.drafts);
END
"""

_SAME_DAYS = """10 * (least(trial.last_day, other.last_day)
                        - greatest(trial.first_day, other.first_day) + 1)
                    >= 9 * (greatest(trial.last_day, other.last_day)
                        - least(trial.first_day, other.first_day) + 1)"""
"""That two trials share nine tenths of their days: what one tells is nearly what another would."""

_TOLD_BESIDE = """jsonb_build_object(
            'is_beside_another', cardinality(beside.names) > 0,
            'totals', (
                SELECT coalesce(jsonb_object_agg(side.key, side.value || (
                    SELECT coalesce(jsonb_object_agg(total.name, NULL::text), '{}')
                    FROM unnest(ARRAY['charges_micro', 'payments_micro', 'equalisation_micro'])
                        AS total (name)
                    WHERE EXISTS (SELECT FROM unnest(beside.reports) AS other (report)
                        WHERE other.report #> ARRAY['public', 'totals', 'law', total.name]
                            = 'null')
                        OR total.name = ANY (beside.names))), '{}')
                FROM jsonb_each(trial.report #> '{public,totals}') AS side),
            'moved', (
                SELECT coalesce(jsonb_object_agg(draft.key, CASE WHEN EXISTS (
                    SELECT FROM unnest(beside.reports) AS other (report)
                    WHERE other.report -> 'is_of_same_draft' = 'true'
                        AND jsonb_path_exists(other.report, '$.public.moved.*.* ? (@ == null)'))
                    OR 'moved' = ANY (beside.names)
                    THEN '{"gained_micro": null, "lost_micro": null}' ELSE draft.value END), '{}')
                FROM jsonb_each(trial.report #> '{public,moved}') AS draft),
            'groups', (
                SELECT coalesce(jsonb_object_agg(dimension.key, (
                    SELECT coalesce(jsonb_agg(CASE WHEN EXISTS (
                        SELECT FROM unnest(beside.reports) AS other (report)
                            CROSS JOIN jsonb_path_query(other.report
                                #> ARRAY['public', 'groups', dimension.key], '$[*]')
                                AS theirs (told)
                        WHERE theirs.told -> 'name' = own.told -> 'name'
                            AND NOT theirs.told ? 'law_micro')
                        OR dimension.key || ': ' || (own.told ->> 'name') = ANY (beside.names)
                        THEN jsonb_build_object('name', own.told -> 'name')
                        ELSE own.told END ORDER BY own.place), '[]')
                    FROM jsonb_path_query(dimension.value, '$[*]')
                        WITH ORDINALITY AS own (told, place))), '{}')
                FROM jsonb_each(trial.report #> '{public,groups}') AS dimension))"""
"""Of what a trial tells, what each of the others beside it tells as well.

The law's side is one in all of them, and so is that of a draft tried twice: each withholds one sum
more than the small ones, and if it were another in each, all of them would follow.
"""

CREATE_PUBLIC_TRIAL = f"""
CREATE FUNCTION settlement.public_trial(of_trial uuid) RETURNS TABLE (
    id uuid, market text, first_day date, last_day date, known_at timestamptz, mode text,
    drafts jsonb, engine_version text, created_at timestamptz, digest bytea, currency text,
    readings jsonb, public jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT trial.id, trial.market, trial.first_day, trial.last_day, trial.known_at,
        CASE WHEN jsonb_path_exists(trial.sides, '$[*].made_digest')
            THEN 'made-again' ELSE 'as-metered' END,
        (SELECT jsonb_agg(jsonb_build_object(
            'name', tried.draft -> 'name', 'digest', tried.draft -> 'digest',
            'drawn_from', tried.draft -> 'drawn_from') ORDER BY tried.place)
            FROM jsonb_path_query(trial.drafts, '$[*]') WITH ORDINALITY AS tried (draft, place)),
        trial.engine_version, trial.created_at, trial.digest, trial.report ->> 'currency',
        trial.report -> 'readings',
        CASE WHEN cardinality(beside.reports) + cardinality(beside.names) = 0
            THEN trial.report -> 'public'
            ELSE (trial.report -> 'public') || {_TOLD_BESIDE} END
    FROM settlement.trial
        CROSS JOIN LATERAL (
            SELECT ARRAY(
                SELECT jsonb_build_object('public', other.report -> 'public',
                    'is_of_same_draft', EXISTS (
                        SELECT FROM jsonb_path_query(trial.drafts, '$[*].digest') AS own (digest)
                            JOIN jsonb_path_query(other.drafts, '$[*].digest') AS theirs (digest)
                                USING (digest)))
                FROM settlement.trial AS other
                WHERE other.market = trial.market AND other.id <> trial.id
                    AND {_SAME_DAYS} AND settlement.is_consulted(other.market, other.drafts))
            , ARRAY(
                SELECT DISTINCT withheld.name
                FROM settlement.trial AS other
                    CROSS JOIN LATERAL (
                        SELECT own.told FROM jsonb_path_query(trial.report, '$.beside[*]')
                            AS own (told) WHERE own.told ->> 'trial' = other.id::text
                        UNION ALL
                        SELECT theirs.told FROM jsonb_path_query(other.report, '$.beside[*]')
                            AS theirs (told) WHERE theirs.told ->> 'trial' = trial.id::text
                    ) AS named
                    CROSS JOIN LATERAL (
                        SELECT jsonb_path_query(named.told, '$.withheld[*]') #>> '{{}}'
                    ) AS withheld (name)
                WHERE other.market = trial.market AND other.id <> trial.id
                    AND settlement.is_consulted(other.market, other.drafts))
        ) AS beside (reports, names)
    WHERE trial.id = of_trial AND settlement.is_consulted(trial.market, trial.drafts);
END
"""

CREATE_OWN_TRIAL_ROWS = f"""
CREATE FUNCTION settlement.own_trial_rows(of_trial uuid) RETURNS TABLE (
    participant text, total jsonb, cells jsonb)
LANGUAGE sql {_DEFINER}
BEGIN ATOMIC
    SELECT owner.participant, row.total,
        (SELECT coalesce(jsonb_agg(cell.own ORDER BY cell.place), '[]')
            FROM jsonb_path_query(trial.report, '$.cells[*]') WITH ORDINALITY AS cell (own, place)
            WHERE cell.own ->> 'participant' = owner.participant)
    FROM settlement.trial
        JOIN people.owned() AS owner ON owner.market = trial.market
        CROSS JOIN LATERAL jsonb_path_query(trial.report, '$.participants[*]') AS row (total)
    WHERE trial.id = of_trial AND trial.report ? 'cells'
        AND row.total ->> 'participant' = owner.participant
        AND settlement.is_consulted(trial.market, trial.drafts);
END
"""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "settlement.is_consulted(text, jsonb)": CREATE_IS_CONSULTED,
        "settlement.consulted_trials(text)": CREATE_CONSULTED_TRIALS,
        "settlement.public_trial(uuid)": CREATE_PUBLIC_TRIAL,
        "settlement.own_trial_rows(uuid)": CREATE_OWN_TRIAL_ROWS,
    }
)
