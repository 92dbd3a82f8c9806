"""Hold the lines of every document to the journals that it covers, document by document."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.journal import CHARGED, ENERGY

DOCUMENT_LINES = "document-lines"

# Movements are gathered first: joined to documents by participant, the planner reads each posting
# once for every account of theirs.
BILLED_OTHERWISE = text(
    """
    WITH covered AS (
        SELECT market, participant, billing_month, last_journal_number AS up_to,
               coalesce(lag(last_journal_number) OVER (
                   PARTITION BY market, participant, billing_month ORDER BY last_journal_number
               ), 0) AS after
          FROM (SELECT DISTINCT market, participant, billing_month, last_journal_number
                  FROM ledger.invoice) AS document
    ), movement AS MATERIALIZED (
        SELECT journal.market, participant, number, settlement_day, commodity, kind, subject,
               amount
          FROM ledger.journal
          JOIN ledger.posting ON journal_number = number
          JOIN ledger.account ON code = posting.account
         WHERE commodity <> ALL(:not_money)
    ), moved AS (
        SELECT market, participant, billing_month, up_to, commodity AS currency, kind, subject,
               sum(amount) AS amount
          FROM covered
          JOIN movement USING (market, participant)
         WHERE number > after AND number <= up_to
           AND settlement_day >= billing_month
           AND settlement_day < billing_month + interval '1 month'
         GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), billed AS (
        SELECT market, participant, billing_month, last_journal_number AS up_to, currency,
               line.kind, line.subject, sum(line.amount_micro) AS amount
          FROM ledger.invoice
          JOIN ledger.invoice_line AS line ON line.invoice_id = invoice.id
         GROUP BY 1, 2, 3, 4, 5, 6, 7
    )
    SELECT market, participant, billing_month, up_to, currency, kind, subject,
           coalesce(billed.amount, 0), coalesce(moved.amount, 0)
      FROM moved
      FULL JOIN billed
     USING (market, participant, billing_month, up_to, currency, kind, subject)
     WHERE coalesce(billed.amount, 0) <> coalesce(moved.amount, 0)
     ORDER BY 1, 2, 3, 4, 5, 6, 7
    """
)
"""What the documents of a participant that reach up to one journal bill, and what the journals
after those of the documents before came to; where the two differ."""


def verify_lines(session: Session) -> Iterator[Finding]:
    """Yield every account that documents bill otherwise than their journals moved it."""
    parameters = {"not_money": [ENERGY, *CHARGED.values()]}
    for market, participant, month, up_to, currency, kind, subject, *amounts in session.execute(
        BILLED_OTHERWISE, parameters
    ):
        billed, moved = amounts
        place = f"ledger.invoice of {participant} in {market} {month:%Y-%m}, to journal {up_to}"
        value = (
            f"{kind} of {subject}: its lines sum to {billed} micro {currency}, and the journals "
            f"that it covers beyond those of the documents before it to {moved}"
        )
        yield damage(DOCUMENT_LINES, place, value)
