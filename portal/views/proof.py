"""The transparency log, open to everyone: checkpoints, keys, proofs, and a check of proofs.

A proof shows that a document is in the log, by its number and digest; what the document says is for
its parties alone.
"""

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from common.refusals import Refused
from database.session import transaction
from ledger.log import store
from ledger.log.proof_file import MAX_FILE_CHARACTERS, MalformedProof, check_proof
from ledger.rules import LedgerRule
from portal.access import viewer_in
from portal.paging import page_of
from portal.queries import proof as queries
from portal.queries.invoices import invoice_owner
from settlement.evidence.verifier_file import verifier_digest, verifier_file

CHECKPOINTS_A_PAGE = 20
DAMAGED = LedgerRule.LOG_IS_DAMAGED.name
TEXT = "text/plain; charset=utf-8"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the log: its checkpoints and keys; find a document by number or short code."""
    asked = request.GET.get("document", "").strip()[:200]
    with transaction() as session:
        found = queries.documents_named(session, asked) if asked else []
        if len(found) == 1:
            return redirect("proof-of-document", number=found[0].leaf.key)
        latest = store.last_checkpoint(session)
        pages = page_of(request, queries.checkpoints(session), CHECKPOINTS_A_PAGE)
        context = {
            "asked": asked,
            "several": found,
            "latest": latest.size if latest else 0,
            "pages": pages,
            "checkpoints": queries.with_signers(session, pages.rows),
            "witnesses": queries.witnesses(session),
            "keys": queries.public_keys(session),
            "script": queries.check_script(),
            "verifier": verifier_digest(),
            "section": "proof",
        }
    return render(request, "proof/log.html", context)


@require_safe
def document(request: HttpRequest, number: str) -> HttpResponse:
    """Show the proof of a document, step by step; its parties get a link to the document."""
    with transaction() as session:
        try:
            shown = queries.shown_proof(session, number)
        except Refused as refused:
            return _unproven_page(request, number, refused)
        owner = invoice_owner(session, number)
        context = {
            "shown": shown,
            "may_open": owner is not None and viewer_in(request).may_see(*owner),
            "script": queries.check_script(),
            "section": "proof",
        }
    return render(request, "proof/document.html", context)


@require_safe
def document_json(request: HttpRequest, number: str) -> HttpResponse:
    """Send the proof of a document as JSON."""
    with transaction() as session:
        try:
            proof = queries.prove_document(session, number)
        except Refused as refused:
            return _unproven_page(request, number, refused)
    text = json.dumps(proof.as_dict(), indent=2) + "\n"
    return _as_download(text, f"{proof.leaf.key}.proof.json", "application/json")


@require_safe
def consistency_json(request: HttpRequest, old_size: int, size: int) -> HttpResponse:
    """Send the proof that one checkpoint's log is the beginning of another's, as JSON."""
    with transaction() as session:
        try:
            proof = queries.prove_checkpoints(session, old_size, size)
        except Refused as refused:
            # A damaged log is our fault and says so; a checkpoint that never was is the address's.
            if any(finding.code == DAMAGED for finding in refused.findings):
                return _unproven_page(request, f"The checkpoint of {old_size} leaves", refused)
            raise Http404("no such checkpoints") from None
    text = json.dumps(proof.as_dict(), indent=2) + "\n"
    return _as_download(text, f"consistency-{old_size}-{size}.proof.json", "application/json")


@require_safe
def note(request: HttpRequest, size: int) -> HttpResponse:
    """Send the signed note of a checkpoint."""
    with transaction() as session:
        text = queries.note_of(session, size)
    if text is None:
        raise Http404("no such checkpoint")
    return _as_download(text, f"checkpoint-{size}.txt", TEXT)


@require_safe
def kept(request: HttpRequest, size: int) -> HttpResponse:
    """Send the file of a checkpoint for those who keep it; with the trail to few of them."""
    has_trail = viewer_in(request).keeps_trail
    with transaction() as session:
        try:
            text = queries.kept_of(session, size, has_trail=has_trail)
        except Refused as refused:
            return _unproven_page(request, f"The checkpoint of {size} leaves", refused)
    if text is None:
        raise Http404("no such checkpoint")
    return _as_download(text, f"checkpoint-{size}-kept.txt", TEXT)


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """Send the lines of Python that check a proof."""
    return _as_download(queries.check_script(), "check_proof.py", TEXT)


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """Send what checks evidence files; the digest to hold it to is in the public source."""
    return _as_download(verifier_file().decode(), "verify.py", TEXT)


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Check a proof that was pasted or uploaded, against the keys of this log."""
    context: dict[str, object] = {"section": "proof"}
    if request.method == "POST":
        context |= _check_given_proof(request)
    return render(request, "proof/check.html", context)


def _check_given_proof(request: HttpRequest) -> dict[str, object]:
    given = request.FILES.get("file")
    if given is not None:
        # One more than is allowed, so that a longer file is refused and not cut to a proof.
        content = given.read(MAX_FILE_CHARACTERS + 1)
        text = content.decode("utf-8", errors="replace")
    else:
        text = request.POST.get("proof", "")
    if not text.strip():
        return {"complaint": "Paste a proof, or choose its file."}
    with transaction() as session:
        keys = queries.verifier_keys(session)
    try:
        checked = check_proof(text, keys)
    except MalformedProof as error:
        return {"complaint": f"This is no proof: {error}.", "text": text[:MAX_FILE_CHARACTERS]}
    return {"checked": checked, "holds": all(proof.holds for proof in checked), "text": text}


def _unproven_page(request: HttpRequest, number: str, refused: Refused) -> HttpResponse:
    (finding, *_) = refused.findings
    context = {
        "number": number,
        "state": _STATES.get(finding.code, "damaged"),
        "found": finding.value,
        "rule": finding.limit,
        "section": "proof",
    }
    # A monitor must notice a damaged log; the other states pass, or were never ours.
    status = 500 if finding.code == DAMAGED else 404
    return render(request, "proof/unproven.html", context, status=status)


_STATES = {
    LedgerRule.FACT_IS_UNKNOWN.name: "unknown",
    LedgerRule.FACT_IS_NOT_COVERED.name: "early",
    LedgerRule.LOG_HAS_NO_CHECKPOINT.name: "early",
}


def _as_download(text: str, name: str, kind: str) -> HttpResponse:
    answer = HttpResponse(text, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
