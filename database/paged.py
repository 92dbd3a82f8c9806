"""The rows of a query as a sequence of which a part is read: what a page shows, and no more."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

T = TypeVar("T")


class PagedRows(Generic[T]):
    """What the rows of a query say, in their order; rows are read when a part is asked for.

    It lives as long as its session's transaction.
    """

    def __init__(
        self,
        session: Session,
        query: Select[*tuple[Any, ...]],
        read: Callable[[Sequence[Any]], Sequence[T]],
    ) -> None:
        """Name the rows and how they are read.

        Args:
            session: the caller's session.
            query: its order is total, or a row could stand on two pages.
            read: makes some of the rows what they say, one for one.
        """
        self.session = session
        self.query = query
        self.read = read

    def __len__(self) -> int:
        """Return how many rows there are; none of them is read."""
        rows = self.query.order_by(None).subquery()
        return self.session.scalar(select(func.count()).select_from(rows)) or 0

    @overload
    def __getitem__(self, part: int) -> T: ...

    @overload
    def __getitem__(self, part: slice) -> Sequence[T]: ...

    def __getitem__(self, part: int | slice) -> T | Sequence[T]:
        """Return one of them, or a part, by numbers from 0 on; no other row leaves the database."""
        if isinstance(part, int):
            number = part if part >= 0 else len(self) + part
            found = self[number : number + 1]
            if not found:
                raise IndexError(part)
            return found[0]
        start = part.start or 0
        count = None if part.stop is None else max(0, part.stop - start)
        return self.read(self.session.execute(self.query.offset(start).limit(count)).all())

    def __iter__(self) -> Iterator[T]:
        """Yield all."""
        return iter(self[:])
