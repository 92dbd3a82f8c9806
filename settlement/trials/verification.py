"""Every trial hashed again, and held to the law of its days as it knew it."""

import uuid
from collections.abc import Iterator

from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from rulebook.law import rules_for_period
from settlement.runs.inputs import pins_of
from settlement.runs.pinned import UNREADABLE
from settlement.trials.records import Trial
from settlement.trials.replay import stored_draft
from settlement.trials.store import trial_rows


def verify_trials(session: Session) -> Iterator[Finding]:
    """Re-hash every trial, and hold its law and its drafts to what was published.

    What came out is not computed again here, as no money rests on it: `replay` does that.
    """
    seen: set[uuid.UUID] = set()
    for trial_id, trial, stored_digest in trial_rows(session):
        place = f"settlement.trial {trial_id}"
        if trial_id in seen:
            yield damage("trial-twice", place, "the row stands twice")
        seen.add(trial_id)
        if trial is None:
            yield damage("trial-unreadable", place, "its columns cannot be read")
            continue
        if trial.digest != stored_digest:
            yield damage("trial-digest", place, "its columns do not give its digest")
        yield from _verify_law(session, trial, place)


def _verify_law(session: Session, trial: Trial, place: str) -> Iterator[Finding]:
    try:
        days = (trial.first_day, trial.last_day)
        law = pins_of(rules_for_period(session, trial.market, *days, trial.known_at))
        drafts = [(record, stored_draft(session, trial, record)) for record in trial.drafts]
        digests = [(record["digest"], draft.digest.hex()) for record, draft in drafts]
    except UNREADABLE as unreadable:
        reason = str(unreadable).partition("\n")[0]
        yield damage("trial-law", place, f"what it was tried on cannot be read: {reason}")
        return
    if set(law) != set(trial.pins):
        yield damage("trial-law", place, "the law in force on its days, as it knew it, is another")
    for stated, found in digests:
        if stated != found:
            yield damage(
                "trial-draft", place, f"a draft has digest {found}, and it states {stated}"
            )
