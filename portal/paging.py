"""Lists a page at a time: which part is shown, and the addresses of its neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.core.paginator import Paginator
from django.http import HttpRequest

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Listed(Protocol[T_co]):
    """What has a number of rows, and gives a part of them."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Sequence[T_co]: ...


@dataclass(frozen=True)
class ShownPage(Generic[T]):
    """A page of a list, numbered from 1.

    Attributes:
        rows: what it shows.
        row_count: how many there are on all pages.
        before, after: how the addresses of its neighbours end; empty where there is none.
    """

    rows: Sequence[T]
    row_count: int
    number: int
    page_count: int
    before: str
    after: str

    def __iter__(self) -> Iterator[T]:
        """Yield what it shows."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many rows it shows: an empty page is false."""
        return len(self.rows)


def page_of(request: HttpRequest, rows: Listed[T], size: int, name: str = "page") -> ShownPage[T]:
    """Return the page of a list that a request asks for; the first, or last, for one that is not.

    Args:
        request: names the page, and all else that its neighbours' addresses keep.
        rows: of which only those of the page are read.
        size: how many stand on a page.
        name: of the page in addresses; each list of one page has its own.
    """
    listed: Any = rows  # the stubs want what is sliced to be sliced again: no paginator does
    page = Paginator(listed, size).get_page(request.GET.get(name))
    shown: Any = page.object_list

    def address(number: int) -> str:
        kept = request.GET.copy()
        kept[name] = str(number)
        return f"?{kept.urlencode()}"

    return ShownPage(
        rows=shown,
        row_count=page.paginator.count,
        number=page.number,
        page_count=page.paginator.num_pages,
        before=address(page.previous_page_number()) if page.has_previous() else "",
        after=address(page.next_page_number()) if page.has_next() else "",
    )
