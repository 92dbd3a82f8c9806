"""Fetch from and post to a portal that may be hostile: bounded bytes and time, and no redirect.

What comes is held to the log's key, so that the way there need not be believed; but a server may
still send without end, a byte a minute, or point elsewhere, such as into the witness's own network.
"""

import http.client
import urllib.error
import urllib.request
from email.message import Message
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO
from urllib.parse import urlsplit

from common.refusals import Finding, Refused, shown

UNFETCHED = "witness-unfetched"
LARGEST_BYTES = 64 * 2**20
"""Of a checkpoint with its leaf hashes: over a million leaves, 45 bytes each."""
LARGEST_ANSWER_BYTES = 10_000
SAID_BYTES = 200
"""Of the page of a refusal, to show why."""
SILENCE_SECONDS = 10
WHOLE_SECONDS = 120


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A witness was told where the log is; who sends it elsewhere is refused."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> None:
        return None


def fetch(url: str, *, largest_bytes: int = LARGEST_BYTES, seconds: int = WHOLE_SECONDS) -> str:
    """Return the text at an address.

    Raises:
        Refused: it is no address of the web, does not answer in time, points elsewhere, is not
            there, is no text, or is longer than `largest_bytes`.
    """
    return _answer(urllib.request.Request(_checked(url)), largest_bytes, seconds)


def post(url: str, text: str, *, seconds: int = WHOLE_SECONDS) -> str:
    """Post a text, and return what is answered; refusals as `fetch`."""
    request = urllib.request.Request(
        _checked(url), text.encode(), {"Content-Type": "text/plain; charset=utf-8"}
    )
    return _answer(request, LARGEST_ANSWER_BYTES, seconds)


def _answer(request: urllib.request.Request, largest_bytes: int, seconds: int) -> str:
    """Answer within the time: a socket's own limit starts anew with every byte that comes."""
    answers: SimpleQueue[str | Refused] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_read_answer(request, largest_bytes))
        except Refused as refused:
            answers.put(refused)

    # It dies with the process, and holds one socket until then.
    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise _unfetched(request.full_url, f"not whole after {seconds:g} seconds") from None
    if isinstance(answer, Refused):
        raise answer
    return answer


def _read_answer(request: urllib.request.Request, largest_bytes: int) -> str:
    opener, place = urllib.request.build_opener(_NoRedirects), request.full_url
    try:
        with opener.open(request, timeout=SILENCE_SECONDS) as answer:
            content: bytes = answer.read(largest_bytes + 1)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(SAID_BYTES).decode(errors="replace")
        where = " to another address" if 300 <= error.code < 400 else ""
        raise _unfetched(place, f"status {error.code}{where}: {shown(said)}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unfetched(place, shown(str(getattr(error, "reason", error)))) from None
    if len(content) > largest_bytes:
        raise _unfetched(place, f"more than {largest_bytes:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _unfetched(place, "no text in UTF-8") from None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not url.isascii() or not url.isprintable() or " " in url:
        raise _unfetched(shown(url), "no address of the web")
    return url


def _unfetched(place: str, value: str) -> Refused:
    limit = "a portal answers by itself, in time, with no more than was asked for"
    remedy = "look whether the address is that of the portal, such as https://portal.example"
    return Refused([Finding(UNFETCHED, place, value, limit, remedy)])
