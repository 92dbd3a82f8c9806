"""What witnesses of the log ask of the portal: the newest checkpoint, and to take what they signed.

Both are open to everyone. A co-signature needs no account: its key says whose it is, and those of
others than registered witnesses are refused.
"""

import datetime as dt

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from common.refusals import Refused
from database.session import transaction
from ledger.log.witness_rules import WitnessRule
from ledger.log.witnesses import LARGEST_BYTES, take_cosignatures
from ledger.rules import LedgerRule
from portal.form_alone import takes_form
from portal.queries import proof as queries

TEXT = "text/plain; charset=utf-8"
TOO_LARGE = 413
_STATUSES = {
    LedgerRule.CHECKPOINT_IS_UNKNOWN.name: 404,
    WitnessRule.WITNESS_IS_UNKNOWN.name: 403,
    WitnessRule.COSIGNATURE_DOES_NOT_HOLD.name: 422,
    WitnessRule.COSIGNATURES_ARE_TOO_MANY.name: 429,
}


@require_safe
def newest_kept(request: HttpRequest) -> HttpResponse:
    """Send the file of the newest checkpoint, without the trail, as witnesses keep it."""
    with transaction() as session:
        last = queries.last_checkpoint(session)
        if last is None:
            raise Http404("no checkpoint yet")
        try:
            text = queries.kept_of(session, last.size, has_trail=False)
        except Refused as refused:
            # A witness shows its operator the words, and not a page.
            return HttpResponse(f"{refused}\n", content_type=TEXT, status=500)
    return HttpResponse(text, content_type=TEXT)


# No form of ours leads here, and nobody's sign-in counts: there is nothing to forge by a visitor.
@csrf_exempt
@takes_form
def cosignatures(request: HttpRequest, size: int) -> HttpResponse:
    """Take the co-signatures of a checkpoint: lines of a note, as tlog-witness answers them."""
    content = request.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        words = f"at most {LARGEST_BYTES:,} bytes: a line of each of your keys\n"
        return HttpResponse(words, content_type=TEXT, status=TOO_LARGE)
    try:
        text = content.decode()
        with transaction() as session:
            taken = take_cosignatures(session, size, text, dt.datetime.now(dt.UTC))
    except UnicodeDecodeError:
        return HttpResponse("no text in UTF-8\n", content_type=TEXT, status=400)
    except Refused as refused:
        status = _STATUSES.get(refused.findings[0].code, 400)
        return HttpResponse(f"{refused}\n", content_type=TEXT, status=status)
    return HttpResponse("".join(row.line.text for row in taken), content_type=TEXT)
