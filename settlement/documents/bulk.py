"""Many documents at once, a process a core: rendering needs nothing but the document."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from common.refusals import Finding, Refused
from settlement.documents.formats import FORMATS
from settlement.documents.issued_document import IssuedDocument

AT_ONCE = 8
"""Documents that a process takes at a time."""

LEAST_FOR_PROCESSES = 16
"""Documents for which starting other processes is worth it."""


@dataclass(frozen=True)
class NotRendered:
    """Why a document has no file in a format; those after it have theirs."""

    findings: tuple[Finding, ...]


def render_all(
    documents: Sequence[IssuedDocument],
    format_name: str,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[IssuedDocument, bytes | NotRendered]]:
    """Yield each document with its rendering, or why it has none, in order.

    Args:
        documents: what to render.
        format_name: of `FORMATS`, one that needs nothing but a document.
        processes: how many at once; as many as there are cores by default.
        progress: called with (done, total).
    """
    count = processes or os.cpu_count() or 1
    if count == 1 or len(documents) < LEAST_FOR_PROCESSES:
        one_by_one = (_render(format_name, document) for document in documents)
        yield from _reported(documents, one_by_one, progress)
        return
    # Spawned, not forked: the page setter keeps threads, and a fork would copy them half.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        rendered = pool.map(_render, [format_name] * len(documents), documents, chunksize=AT_ONCE)
        yield from _reported(documents, rendered, progress)


def _reported(
    documents: Sequence[IssuedDocument],
    rendered: Iterator[bytes | NotRendered],
    progress: Callable[[int, int], None],
) -> Iterator[tuple[IssuedDocument, bytes | NotRendered]]:
    for done, (document, content) in enumerate(zip(documents, rendered, strict=True), start=1):
        progress(done, len(documents))
        yield document, content


def _render(format_name: str, document: IssuedDocument) -> bytes | NotRendered:
    render = FORMATS[format_name].render
    if render is None:
        raise ValueError(f"{format_name} is not rendered from a document alone")
    return render_or_say(document, format_name, lambda: render(document))


def render_or_say(
    document: IssuedDocument, format_name: str, render: Callable[[], bytes]
) -> bytes | NotRendered:
    """Return what `render` does of a document, or why it does not, so that others go on."""
    try:
        return render()
    except Refused as refused:
        return NotRendered(refused.findings)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # A fault of ours in one document; a month of others does not wait until it is mended.
        finding = Finding(
            "not-rendered",
            f"document {document.number}",
            f"{type(error).__name__}: {error}",
            f"every document can be written as {format_name}",
            "write it in another format, which states the same, and tell who runs the ledger",
        )
        return NotRendered((finding,))
