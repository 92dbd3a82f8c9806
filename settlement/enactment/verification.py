"""Verification of how law was made: every version rests on a proposal that two people decided."""

import json

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.people.roles import Kind
from ledger.people.tables import Proposal
from ledger.verification import Findings
from settlement.enactment.approval_verification import verify_approvals
from settlement.enactment.content import check_texts

UNDECIDED = "version-undecided"
UNCONFIRMED = "payee-unconfirmed"
ALTERED = "proposal-altered"

# As the trigger of the database, but for who acted, which the rows of people say.
VERSIONS = text(
    """
    WITH decided AS MATERIALIZED (
        SELECT proposal.number, proposal.kind, proposal.market, proposed_by, approved_by,
            CASE WHEN content IS JSON OBJECT THEN content::jsonb END AS content
        FROM people.proposal JOIN people.approval ON approval.proposal = proposal.number
        WHERE proposal.kind <> 'grant'
    ), named AS MATERIALIZED (
        SELECT decided.number, each.key AS instrument, decode(each.value, 'hex') AS digest
        FROM decided, jsonb_each_text(
            CASE jsonb_typeof(decided.content -> 'documents')
                WHEN 'object' THEN decided.content -> 'documents' END
        ) AS each
    )
    SELECT version.instrument, version.id, version.approval
    FROM rulebook.version LEFT JOIN decided ON decided.number = version.approval
        LEFT JOIN named ON named.number = version.approval
            AND named.instrument = version.instrument
        LEFT JOIN rulebook.version AS origin ON origin.id = version.origin
    WHERE (
        decided.market = version.market AND decided.proposed_by = version.author
        AND decided.approved_by = version.approver
        AND CASE
            WHEN version.origin IS NOT NULL THEN
                origin.digest = version.digest AND origin.approval = version.approval
            WHEN decided.kind = 'publication' THEN
                named.digest = version.digest
                AND lower(version.valid) = (decided.content ->> 'valid_from')::timestamptz
                AND upper(version.valid)
                    IS NOT DISTINCT FROM (decided.content ->> 'valid_to')::timestamptz
                AND version.reason = decided.content ->> 'reason'
            ELSE version.instrument = decided.content ->> 'instrument'
                AND upper(version.valid) = (decided.content ->> 'ends')::timestamptz
                AND version.reason = decided.content ->> 'reason'
            END
    ) IS NOT TRUE
    ORDER BY version.instrument, version.id
    """
)

# As the guard of the database, in the order in which versions say that they were recorded.
PAYEES = text(
    """
    SELECT fresh.market, change.participant, fresh.approval
    FROM (
        SELECT market, approval, valid, lower(recorded) AS at, origin IS NOT NULL AS is_remainder,
            jsonb_object_agg(instrument, body) AS documents
        FROM rulebook.version WHERE instrument LIKE '%/registration/%'
        GROUP BY market, approval, valid, lower(recorded), origin IS NOT NULL
    ) AS fresh
        LEFT JOIN people.proposal ON proposal.number = fresh.approval
        LEFT JOIN people.approval ON approval.proposal = proposal.number
        CROSS JOIN LATERAL rulebook.payee_delay(
            fresh.market, coalesce(proposal.proposed_at, fresh.at), lower(fresh.valid), fresh.at,
            fresh.approval) AS terms
        CROSS JOIN LATERAL rulebook.payee_changes(
            fresh.market, fresh.documents, lower(fresh.valid), upper(fresh.valid), fresh.at,
            fresh.approval, fresh.is_remainder) AS change
    WHERE terms.is_bound AND (
        (change.taker IS NOT NULL OR lower(fresh.valid)
            >= proposal.proposed_at + make_interval(hours => 24 * terms.delay_days))
        AND EXISTS (
            SELECT FROM people.answer
                JOIN people.account AS confirms ON confirms.id = answer.answered_by
                LEFT JOIN people.account AS proposes ON proposes.id = proposal.proposed_by
                LEFT JOIN people.account AS approves ON approves.id = approval.approved_by
            WHERE answer.proposal = proposal.number AND answer.market = fresh.market
                AND answer.participant = change.participant AND answer.agrees
                AND answer.answered_at BETWEEN proposal.proposed_at AND approval.approved_at
                AND confirms.person NOT IN (proposes.person, approves.person))
    ) IS NOT TRUE
    ORDER BY fresh.market, change.participant, fresh.approval
    """
)

# In the order of the log: a version that says that it was recorded earlier would pass for a first.
BACKDATED = text(
    """
    SELECT instrument, id FROM (
        SELECT version.instrument, version.id, version.market, lower(version.recorded) AS at,
            max(lower(version.recorded)) OVER (
                PARTITION BY version.market ORDER BY leaf.index) AS latest
        FROM rulebook.version JOIN ledger.log_leaf AS leaf
            ON leaf.source = 'rulebook.version' AND leaf.key = version.id::text
    ) AS recorded
    WHERE at < latest ORDER BY instrument, id
    """
)


# As its guard asks; and what a publication left of a version is there, which no row tells alone.
STRAY = text(
    """
    SELECT instrument, id FROM rulebook.version
    WHERE rulebook.follows_decision(id) IS NOT TRUE ORDER BY instrument, id
    """
)
CUT_OFF = text(
    """
    SELECT closed.instrument, closed.id
    FROM rulebook.version AS closed CROSS JOIN LATERAL (
        SELECT range_agg(next.valid) AS valid, bool_or(
            decided.kind = 'ending' AND next.origin IS NULL) AS ended
        FROM rulebook.version AS next
            LEFT JOIN people.proposal AS decided ON decided.number = next.approval
        WHERE closed.id = ANY (next.supersedes) AND lower(next.recorded) = upper(closed.recorded)
    ) AS after
    WHERE NOT upper_inf(closed.recorded) AND after.ended IS NOT TRUE
        AND tstzmultirange(closed.valid) <@ after.valid IS NOT TRUE
    ORDER BY closed.instrument, closed.id
    """
)


def verify_enactment(session: Session) -> Findings:
    """Hold every version of law to its proposal, and every proposal to its texts."""
    for instrument, identity, approval in session.execute(VERSIONS):
        place = f"rulebook.version {instrument} {identity} approval"
        yield damage(UNDECIDED, place, f"proposal {approval} and its approval do not say so")
    for instrument, identity in session.execute(STRAY):
        place = f"rulebook.version {instrument} {identity} recorded"
        value = "it is neither what was published when it was approved, nor what was left of that"
        yield damage(UNDECIDED, place, value)
    for instrument, identity in session.execute(CUT_OFF):
        place = f"rulebook.version {instrument} {identity} recorded"
        yield damage(UNDECIDED, place, "what took its place does not apply for all of its days")
    for instrument, identity in session.execute(BACKDATED):
        place = f"rulebook.version {instrument} {identity} recorded"
        yield damage(UNDECIDED, place, "the log holds one before it that was recorded later")
    for market, participant, approval in session.execute(PAYEES):
        place = f"rulebook.version {market}/registration/{participant} approval"
        value = f"proposal {approval} changes its account, name, tax number or units"
        yield damage(UNCONFIRMED, place, f"{value}, too early or unconfirmed")
    yield from _verify_texts(session)
    yield from verify_approvals(session)


def _verify_texts(session: Session) -> Findings:
    proposed = select(Proposal.number, Proposal.kind, Proposal.content, Proposal.texts)
    for number, kind, content, texts in session.execute(proposed.order_by(Proposal.number)):
        if kind == Kind.PUBLICATION:
            yield from _publication_texts(number, content, texts)
        elif texts:
            yield damage(ALTERED, f"people.proposal {number} texts", "it has none")


def _publication_texts(number: int, content: str, texts: str) -> list[Finding]:
    try:
        return list(check_texts(number, json.loads(content)["documents"], json.loads(texts)))
    except (ValueError, LookupError, TypeError, AttributeError):  # of another form than was sealed
        return [damage(ALTERED, f"people.proposal {number} texts", "what it says cannot be read")]
