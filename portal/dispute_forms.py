"""What the forms of disputes send, read into a claim, a file or links; complaints are sentences."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from common.file_names import file_name
from ledger.disputes.attachments import LARGEST_BYTES, Attachment
from ledger.disputes.claims import Claim
from portal.amounts import amount_form, parse_micro, parse_quantity, quantity_form

CONFIRM = "Tick the box to confirm the step: it stays in the record."


@dataclass
class StepForm:
    """A form as it was sent; `complaints` says what to put right before anything is tried.

    `claim` is what amount and quantity were understood as; empty where neither was written.
    """

    reason: str = ""
    amount: str = ""
    quantity: str = ""
    settling: str = ""
    claim: Claim = field(default_factory=Claim)
    attachment: Attachment | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> dict[str, Any]:
        """The form as plain values, without the file's content; `kept_form` reads them."""
        return {
            "reason": self.reason,
            "amount": self.amount,
            "quantity": self.quantity,
            "settling": self.settling,
            "claim": [self.claim.amount_micro, self.claim.quantity],
            "attachment": self.attachment.name if self.attachment else None,
        }

    @property
    def links(self) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """The run and the note that were chosen."""
        run, _, note = self.settling.partition(" ")
        try:
            return (uuid.UUID(run) if run else None, uuid.UUID(note) if note else None)
        except ValueError:
            return None, None


def kept_form(arguments: Mapping[str, Any], content: bytes | None = None) -> StepForm:
    """Return a form that was kept as `StepForm.arguments`, with the file that came with it."""
    name = arguments["attachment"]
    return StepForm(
        **{field: arguments[field] for field in ("reason", "amount", "quantity", "settling")},
        claim=Claim(*arguments["claim"]),
        attachment=Attachment(name, content) if name is not None and content is not None else None,
    )


def read_form(request: HttpRequest, currency: str, unit: str | None) -> StepForm:
    """Return what a form about a line sent. No more of a file is read than is refused.

    Args:
        request: what was sent.
        currency: of the line's document.
        unit: of the line's quantity as it is stored; people type energy in MWh.
    """
    form = StepForm(
        # Browsers send line ends as CRLF; the reason is sealed as a command would have sent it.
        reason=request.POST.get("reason", "").replace("\r\n", "\n"),
        amount=request.POST.get("amount", "").strip(),
        quantity=request.POST.get("quantity", "").strip(),
        settling=request.POST.get("settling", ""),
    )
    file = request.FILES.get("attachment")
    if file is not None:
        form.attachment = Attachment(file_name(file.name or ""), file.read(LARGEST_BYTES + 1))
    micro = parse_micro(form.amount, currency) if form.amount else None
    if form.amount and micro is None:
        words = f"is not an amount in {currency}; {amount_form(currency)}."
        form.complaints.append(f"“{form.amount[:40]}” {words}")
    quantity = parse_quantity(form.quantity, unit) if form.quantity else None
    if form.quantity and quantity is None:
        form.complaints.append(f"“{form.quantity[:40]}” is not a quantity; {quantity_form(unit)}.")
    form.claim = Claim(micro, quantity)
    if request.POST.get("confirm") != "yes":
        form.complaints.append(CONFIRM)
    return form
