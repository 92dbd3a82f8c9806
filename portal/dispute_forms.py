"""What the forms of disputes send, read into a claim, a file or links; complaints are sentences."""

import re
import uuid
from dataclasses import dataclass, field

from django.http import HttpRequest

from common.file_names import file_name
from ledger.disputes.attachments import LARGEST_BYTES, Attachment
from ledger.disputes.claims import Claim
from portal.amounts import amount_form, parse_micro

CONFIRM = "Tick the box to confirm the step: it stays in the record."
QUANTITY_DIGITS = 18

_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")


@dataclass
class StepForm:
    """A form as it was sent; `complaints` says what to put right before anything is tried."""

    reason: str = ""
    amount: str = ""
    quantity: str = ""
    settling: str = ""
    attachment: Attachment | None = None
    complaints: list[str] = field(default_factory=list)

    @property
    def claim(self) -> Claim:
        """The amount or quantity that was written; empty where neither was."""
        return Claim(
            parse_micro(self.amount) if self.amount else None,
            int(self.quantity) if self.quantity.isdecimal() else None,
        )

    @property
    def links(self) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        """The run and the note that were chosen."""
        run, _, note = self.settling.partition(" ")
        try:
            return (uuid.UUID(run) if run else None, uuid.UUID(note) if note else None)
        except ValueError:
            return None, None


def read_form(request: HttpRequest) -> StepForm:
    """Return what a form sent. No more of a file is read than is refused."""
    form = StepForm(
        # Browsers send line ends as CRLF; the reason is sealed as a command would have sent it.
        reason=request.POST.get("reason", "").replace("\r\n", "\n"),
        amount=request.POST.get("amount", "").strip(),
        quantity=_without_thousands(request.POST.get("quantity", "").strip()),
        settling=request.POST.get("settling", ""),
    )
    file = request.FILES.get("attachment")
    if file is not None:
        form.attachment = Attachment(file_name(file.name or ""), file.read(LARGEST_BYTES + 1))
    if form.amount and parse_micro(form.amount) is None:
        form.complaints.append(f"“{form.amount[:40]}” is not an amount; {amount_form()}.")
    # 18 digits always fit int8. Without isascii, isdigit is true of "²", which int refuses.
    digits = form.quantity
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= QUANTITY_DIGITS):
        form.complaints.append(f"“{digits[:40]}” is not a whole quantity.")
        form.quantity = ""
    if request.POST.get("confirm") != "yes":
        form.complaints.append(CONFIRM)
    return form


def _without_thousands(text: str) -> str:
    """Return a quantity without the commas between its thousands; any other comma stays, wrong."""
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text
