"""Acts about who is paid: a participant's word on a change that somebody proposed."""

import datetime as dt

from sqlalchemy.orm import Session

from portal.acts.requests import Done, Entry
from portal.audit import Action
from portal.models import Act
from settlement.enactment.payees import answer


def answer_change(session: Session, act: Act, now: dt.datetime) -> Done:
    """Confirm a change, or object to it; who may is asked by what does it, of who acts."""
    number, agrees = act.arguments["number"], act.arguments["agrees"]
    owners = ", ".join(answer(session, number, act.arguments["digest"], now, agrees=agrees))
    told = (
        f"Confirmed for {owners}. It waits for the approval of another person."
        if agrees
        else f"You objected for {owners}. It cannot be approved any more."
    )
    action = Action.CHANGE_CONFIRMED if agrees else Action.CHANGE_OBJECTED
    return Done(told, ["change", str(number)], entries=[Entry(action, act.subject, owners)])
