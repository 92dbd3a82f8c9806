"""One part of a document of a working copy, as a form: saved as it is typed, whatever is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from common.refusals import Refused
from database.session import transaction
from portal import copies
from portal.access import SignedInRequest, open_to
from portal.curve_view import CurveFigure, layer_figure
from portal.editing.bodies import NOTHING, path_of, path_text, value_at
from portal.editing.caps import CAP, CapNote, cap_note, moves_with_cap, with_points_at_cap
from portal.editing.fields import Path
from portal.editing.items import Sheet
from portal.editing.keys import kind_of
from portal.editing.sheets import page_of_path, sheet_of
from portal.editing.typed import differences, do, place_words, with_taken, with_typed
from portal.models import WorkingCopy
from portal.views.draft_pages import beside_fields, found_on_page, part_title
from portal.views.drafts import open_document, writes_law
from portal.views.page_remedies import page_sentences
from rulebook.documents.market_rules import LayerRule
from rulebook.reading import validated

CONFLICT, UNPROCESSABLE = 409, 422
SAVE, TAKE = "save", "take"
FOLLOWS = "with-cap"
"""Of a form with a price cap: that the points which stand at it move with it."""
YOURS = "yours"


@dataclass(frozen=True)
class Opened:
    """A part of a document that is being edited."""

    copy: WorkingCopy
    key: str
    instrument: str
    path: Path
    page: int
    code: str

    @property
    def kind(self) -> str:
        """Kind of the document."""
        return kind_of(self.instrument)

    @property
    def body(self) -> dict[str, Any]:
        """The document as it is stored."""
        body: dict[str, Any] = self.copy.bodies[self.instrument]
        return body

    @property
    def base(self) -> dict[str, Any] | None:
        """The document that it was drawn from; None of a new one."""
        base: dict[str, Any] | None = self.copy.base.get(self.instrument)
        return base

    @property
    def address(self) -> str:
        """Where the part is."""
        return address_of(self.copy.pk, self.key, self.path, self.page)

    def sheet(self) -> Sheet:
        """Return the page of the part.

        Raises:
            Http404: the document has no such part.
        """
        found = sheet_of(self.kind, self.body, self.path, self.page, self.code)
        if found is None:
            raise Http404("no such part of the document")
        return found


def address_of(number: int, key: str, path: Path, page: int = 1, name: str = "") -> str:
    """Return the address of a part, of a page of a long list, and of a field of it."""
    part = path_text(path)
    route, parts = (
        ("draft-part", [number, key, part]) if part else ("draft-document", [number, key])
    )
    query = f"?{urlencode({'page': page})}" if page > 1 else ""
    return reverse(route, args=parts) + query + (f"#{name}" if name else "")


@require_http_methods(["GET", "HEAD", "POST"])
@open_to(writes_law)
def part(
    request: SignedInRequest, copy_number: int, document_key: str, part: str = ""
) -> HttpResponse:
    """Show a part of a document as a form, or save what was typed and do what a button says."""
    copy, instrument = open_document(request, copy_number, document_key)
    with transaction() as session:
        code = copies.currency_of_copy(session, copy)
    opened = Opened(copy, document_key, instrument, path_of(part), _page_asked(request), code)
    if request.method != "POST":
        return _page(request, opened, ())
    return _saved(request, opened)


def _page_asked(request: SignedInRequest) -> int:
    written = request.GET.get("page", "")
    is_one = written.isascii() and written.isdecimal() and len(written) <= 6
    return int(written) if is_one else 1


def _saved(request: SignedInRequest, opened: Opened) -> HttpResponse:
    action, sent = request.POST.get("do", SAVE), _sent(request.POST)
    is_current = request.POST.get("version", "") == str(opened.copy.version)
    if not is_current and action != TAKE:
        return _conflict(request, opened, sent)
    body, told = _typed(request, opened, action, sent), "Saved in your working copy."
    changed = opened.path
    try:
        if action not in (SAVE, TAKE):
            body, changed = do(opened.kind, body, action)
    except LookupError:
        told = "What was typed is saved; the row or part of that button is not there any more."
    tidy = copies.tidied(body)
    bodies = {**opened.copy.bodies, opened.instrument: tidy}
    try:
        is_saved = is_current and copies.save_copy(opened.copy, timezone.now(), bodies=bodies)
    except Refused as refused:
        # Shown as it was typed, though it is not stored.
        opened.copy.bodies = bodies
        return _page(request, opened, page_sentences(refused.findings))
    if not is_saved:
        # Somebody saved between our reading and our saving; the copy is read as they left it.
        copy, _ = open_document(request, opened.copy.pk, opened.key)
        return _conflict(request, replace(opened, copy=copy), sent)
    messages.success(request, told)
    return redirect(_address_after(opened, tidy, changed))


def _sent(posted: Mapping[str, str]) -> dict[str, str]:
    apart = {"csrfmiddlewaretoken", "do", "version", FOLLOWS}
    return {
        name: text
        for name, text in posted.items()
        if name not in apart and not name.startswith("choice:")
    }


def _typed(request: SignedInRequest, opened: Opened, action: str, sent: Mapping[str, str]) -> Any:
    """Return the document with what was typed, or with what was chosen of two windows."""
    if action == TAKE:
        chosen = {
            name: text for name, text in sent.items() if request.POST.get(f"choice:{name}") == YOURS
        }
        body = with_taken(opened.kind, opened.body, chosen, opened.code)
    else:
        body = with_typed(opened.body, opened.sheet(), sent)
    if moves_with_cap(opened.kind) and CAP in sent and request.POST.get(FOLLOWS):
        body = with_points_at_cap(opened.body, body, opened.base)
    return body


def _address_after(opened: Opened, body: Any, changed: Path) -> str:
    """Return where a form leads on to: the page of what was changed, or what is left around it."""
    if changed == opened.path and sheet_of(opened.kind, body, changed, 1, opened.code):
        return opened.address
    path, page = page_of_path(opened.kind, body, changed)
    if path == opened.path and isinstance(changed[-1], str):
        page = opened.page  # a row moved or went: the list stays where it was looked at
    is_there = value_at(body, changed) is not NOTHING
    name = path_text(changed) if is_there else ""
    return address_of(opened.copy.pk, opened.key, path, page, name)


def _page(request: SignedInRequest, opened: Opened, complaints: Sequence[str]) -> HttpResponse:
    sheet, copy = opened.sheet(), opened.copy
    with transaction() as session:
        found = copies.judge_copy(session, copy, opened.code, timezone.now())
    of_document = [each for each in found if each.document == opened.key]
    shown = found_on_page(copy, of_document, opened.code)
    paths = {path_text(each.path): each.path for each in of_document}
    beside, others = beside_fields(sheet, shown, paths)
    context = {
        "copy": copy,
        "key": opened.key,
        "kind": opened.kind,
        "part": path_text(opened.path),
        "title": part_title(opened.kind, opened.path, opened.body),
        "above": _above(opened),
        "sheet": sheet,
        "address": opened.address,
        "found": [each for of_name in beside.values() for each in of_name] + others,
        "beside": beside,
        "others": others,
        "elsewhere": len(found) - sum(map(len, beside.values())) - len(others),
        "cap": _cap_note(opened),
        "figure": _figure(opened),
        "is_old_dated": opened.instrument in copies.dated_as_before(copy),
        "complaints": complaints,
        "section": "drafts",
    }
    status = UNPROCESSABLE if complaints else 200
    return render(request, "drafts/part.html", context, status=status)


def _above(opened: Opened) -> list[tuple[str, str]]:
    """Return the parts around a part that have pages of their own, with title and address."""
    found = []
    for length in range(len(opened.path)):
        path = opened.path[:length]
        home, _ = page_of_path(opened.kind, opened.body, path)
        if home == path:
            title = place_words(opened.kind, path).rpartition(", ")[2] if path else opened.key
            found.append((title, address_of(opened.copy.pk, opened.key, path)))
    return found


def _cap_note(opened: Opened) -> CapNote | None:
    is_there = moves_with_cap(opened.kind) and not opened.path
    return cap_note(opened.body, opened.base) if is_there else None


def _figure(opened: Opened) -> CurveFigure | None:
    """Return the curves of the layer that is being edited, once they are curves."""
    path = opened.path
    if opened.kind != "market-rules" or path[:1] != ("layers",) or len(path) < 2:
        return None
    layer, _ = validated(LayerRule, value_at(opened.body, path[:2]), opened.key)
    return layer_figure(layer, opened.code) if layer else None


def _conflict(request: SignedInRequest, opened: Opened, sent: Mapping[str, str]) -> HttpResponse:
    """Show, field by field, what was typed and what somebody saved meanwhile."""
    found = list(differences(opened.kind, opened.body, sent, opened.code))
    context = {
        "copy": opened.copy,
        "key": opened.key,
        "part": path_text(opened.path),
        "title": part_title(opened.kind, opened.path, opened.body),
        "address": opened.address,
        "stored": _address_after(opened, opened.body, opened.path),
        "differences": found,
        "follows_cap": bool(request.POST.get(FOLLOWS)),
        "section": "drafts",
    }
    return render(request, "drafts/conflict.html", context, status=CONFLICT)
