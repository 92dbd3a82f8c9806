"""Many documents at once, a process a core: rendering needs nothing but the statement."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from settlement.documents.service import FORMATS
from settlement.documents.statement import Statement

AT_ONCE = 8
"""Documents that a process takes at a time."""

LEAST_FOR_PROCESSES = 16
"""Documents for which starting other processes is worth it."""


def render_all(
    statements: Sequence[Statement],
    format_name: str,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Statement, bytes]]:
    """Yield each document with its rendering, in order.

    Args:
        statements: what to render.
        format_name: of `FORMATS`, one that needs nothing but a statement.
        processes: how many at once; as many as there are cores by default.
        progress: called with (done, total).
    """
    count = processes or os.cpu_count() or 1
    if count == 1 or len(statements) < LEAST_FOR_PROCESSES:
        one_by_one = (_render(format_name, one) for one in statements)
        yield from _reported(statements, one_by_one, progress)
        return
    # Spawned, not forked: the page setter keeps threads, and a fork would copy them half.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        rendered = pool.map(_render, [format_name] * len(statements), statements, chunksize=AT_ONCE)
        yield from _reported(statements, rendered, progress)


def _reported(
    statements: Sequence[Statement],
    rendered: Iterator[bytes],
    progress: Callable[[int, int], None],
) -> Iterator[tuple[Statement, bytes]]:
    for done, (statement, content) in enumerate(zip(statements, rendered, strict=True), start=1):
        progress(done, len(statements))
        yield statement, content


def _render(format_name: str, statement: Statement) -> bytes:
    render = FORMATS[format_name].render
    if render is None:
        raise ValueError(f"{format_name} is not rendered from a statement alone")
    return render(statement)
