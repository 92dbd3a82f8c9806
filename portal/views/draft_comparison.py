"""Drafts beside the law that they were drawn from, and revisions of a change beside each other."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from sqlalchemy.orm import Session

from database.session import transaction
from portal import copies
from portal.access import SignedInRequest, open_to
from portal.dispute_words import day_in_words
from portal.editing.keys import key_of
from portal.law_access import is_open, withheld_from
from portal.queries import drafts as queries
from portal.queries.revisable import bodies_of
from portal.queries.rules import market_zone
from portal.views.comparison import document_page
from portal.views.drafts import copy_of, writes_law
from portal.views.law_changes import reads_law
from rulebook.changes import store
from rulebook.changes.life import Life
from rulebook.changes.records import RevisionRow
from rulebook.comparison import Comparison, Text, compare
from rulebook.days import day_of
from rulebook.digest import document_body
from rulebook.documents import Document, MarketRules
from rulebook.reading import document_of
from settlement.enactment.changes import currency_of

MOST_DIGITS = 9
"""Of the number of a revision, as in other addresses."""


class Sides(NamedTuple):
    """What stands beside what: in words, the page of the later one, and where both are compared."""

    title: str
    words: str
    back: str
    address: str

    def of(self, instrument: str) -> str:
        """Return where a document of the comparison is shown whole."""
        joined = "&" if "?" in self.address else "?"
        return f"{self.address}{joined}{urlencode({'document': instrument})}"


@require_safe
@open_to(writes_law)
def copy_compared(request: SignedInRequest, copy_number: int) -> HttpResponse:
    """Show a working copy beside the law that it was drawn from."""
    copy = copy_of(request, copy_number)
    mine = {
        name: body
        for name, body in copy.bodies.items()
        if queries.may_write(request.viewer, copy.market, name)
    }
    before, _ = _read({name: copy.base[name] for name in mine if name in copy.base})
    after, unread = _read(mine)
    with transaction() as session:
        code = copies.currency_of_copy(session, copy)
    title = f"Working copy {copy.pk}"
    sides = Sides(
        title,
        f"The law of {day_in_words(copy.law_day)}, and {title.lower()}",
        reverse("draft", args=[copy.pk]),
        reverse("draft-compared", args=[copy.pk]),
    )
    # What cannot be read has no text on either side yet.
    before = {name: document for name, document in before.items() if name not in unread}
    return _page(request, _compared(request, before, after, code), sides, unread)


@require_safe
@open_to(reads_law)
def revision_compared(request: SignedInRequest, number: int, revision: int) -> HttpResponse:
    """Show a revision of a change beside the law that it was drawn from, or beside another."""
    with transaction() as session:
        life = store.life(session, number)
        if life is None:
            raise Http404("no such change for this user")
        row, other = _revision(life, str(revision)), None
        if request.GET.get("with"):
            other = _revision(life, request.GET["with"])
        code = currency_of(session, life.change.market, timezone.now())
        sides = _sides(session, life, row, other)
    if other:
        before, _ = _read(bodies_of(other))
        base, _ = _read(row.draft["base"])
        # A document that one of them alone has is beside it as in the law.
        before = {name: base[name] for name in bodies_of(row) if name in base} | before
        after, _ = _read(bodies_of(row))
        law, _ = _read(other.draft["base"])
        after = {name: law[name] for name in bodies_of(other) if name in law} | after
    else:
        before, _ = _read(row.draft["base"])
        after, _ = _read(bodies_of(row))
    return _page(request, _compared(request, before, after, code), sides, ())


def _sides(session: Session, life: Life, row: RevisionRow, other: RevisionRow | None) -> Sides:
    number = life.change.number
    day = day_in_words(day_of(row.drawn_from, market_zone(session, life.change.market)))
    address = reverse("law-change-compared", args=[number, row.number])
    beside = f"Revision {other.number}" if other else f"The law of {day}"
    return Sides(
        f"Law change {number}",
        f"{beside}, and revision {row.number} of law change {number}, {life.change.title}",
        reverse("law-change", args=[number]),
        f"{address}?with={other.number}" if other else address,
    )


def _revision(life: Life, number: str) -> RevisionRow:
    """Return the revision of a number; one that is closed to the reader looks like none.

    Raises:
        Http404: there is none.
    """
    is_number = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    wanted = int(number) if is_number else 0
    for row in life.revisions:
        if row.number == wanted:
            return row
    raise Http404("no such revision for this user")


def _read(
    bodies: Mapping[str, Mapping[str, object]],
) -> tuple[dict[str, Document], tuple[str, ...]]:
    """Return the documents that can be read, by instrument, and the names of the others."""
    found = {name: document_of(body, key_of(name))[0] for name, body in bodies.items()}
    read = {name: document for name, document in found.items() if document is not None}
    return read, tuple(sorted(found.keys() - read.keys()))


def _compared(
    request: SignedInRequest,
    before: Mapping[str, Document],
    after: Mapping[str, Document],
    code: str,
) -> list[Comparison]:
    """Return the documents that differ and are open to the reader, in the order of their names."""
    names = sorted({*before, *after})
    return [
        compare(
            _text(before.get(name), before.values(), code),
            _text(after.get(name), after.values(), code),
            withheld_from(name, request.viewer),
        )
        for name in names
        if is_open(name, request.viewer) and _body(before.get(name)) != _body(after.get(name))
    ]


def _body(document: Document | None) -> object:
    return None if document is None else document_body(document)


def _text(document: Document | None, beside: Iterable[Document], code: str) -> Text | None:
    own = (each.currency for each in beside if isinstance(each, MarketRules))
    return None if document is None else Text(document, next(own, code))


def _page(
    request: SignedInRequest,
    found: list[Comparison],
    sides: Sides,
    unread: tuple[str, ...],
) -> HttpResponse:
    section = "drafts" if sides.back.startswith(reverse("drafts")) else "law-changes"
    context: dict[str, Any] = {"sides": sides, "section": section, "complaint": ""}
    chosen = request.GET.get("document", "")
    if chosen:
        one = next((each for each in found if each.document.instrument == chosen), None)
        if one is None:
            raise Http404("no such document of either side for this user")
        return document_page(request, request.viewer, one, context)
    context["rows"] = [(each, sides.of(each.document.instrument)) for each in found]
    context["unread"] = unread
    return render(request, "compare/drafts.html", context)
