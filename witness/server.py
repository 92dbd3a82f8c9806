"""A witness as C2SP tlog-witness has it: `POST /add-checkpoint`, and its note of a log to read.

For logs that bring their checkpoints. It is small and bounds what it reads, but counts no
connections: it stands behind a proxy, or on a network of its own.
"""

import datetime as dt
import re
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.refusals import Refused
from witness.cosigning import add_checkpoint
from witness.folder import Folder
from witness.judging import Answer
from witness.requests import LARGEST_BYTES

TEXT = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"
PATIENCE_SECONDS = 10
_CHECKPOINT = re.compile(r"/([0-9a-f]{64})/checkpoint")


class WitnessServer(ThreadingHTTPServer):
    """A server that answers for a witness; `read_clock` gives the moment of each answer."""

    def __init__(
        self, folder: Folder, host: str, port: int, read_clock: Callable[[], dt.datetime]
    ) -> None:
        self.folder = folder
        self.read_clock = read_clock
        super().__init__((host, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    timeout = PATIENCE_SECONDS

    def do_POST(self) -> None:
        """Answer add-checkpoint."""
        stated = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self._send(Answer(HTTPStatus.NOT_FOUND))
        elif not (stated.isascii() and stated.isdecimal() and len(stated) < 10):
            self._send(Answer(HTTPStatus.LENGTH_REQUIRED))
        elif int(stated) > LARGEST_BYTES:
            self._send(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
        else:
            content = self.rfile.read(int(stated))
            try:
                answer = add_checkpoint(self.server.folder, content, self.server.read_clock())
            except Refused as refused:  # its own folder or clock: no fault of who asked
                self.log_error("%s", refused)
                answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
            self._send(answer)

    def do_GET(self) -> None:
        """Answer with the note that was co-signed last of a log, by the hash of its origin."""
        asked = _CHECKPOINT.fullmatch(self.path)
        note = self.server.folder.log_of_hash(asked[1]).checkpoint() if asked else None
        self._send(Answer(HTTPStatus.OK, note) if note else Answer(HTTPStatus.NOT_FOUND))

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", SIZE if answer.status == HTTPStatus.CONFLICT else TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")  # or a silent client would keep its thread
        self.end_headers()
        self.wfile.write(body)
