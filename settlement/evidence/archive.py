"""The zip of an evidence file, and its manifest: the same facts give the same bytes."""

import hashlib
import json
import uuid
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FORMAT = "tallystick.evidence.1"
MANIFEST = "manifest.json"
COMPRESSION_LEVEL = 6
UNIX, REGULAR_FILE = 3, 0o100644 << 16
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: no file says when it was exported."""


class Archive:
    """Writes files one after the other, and last the manifest that lists them."""

    def __init__(self, sink: IO[bytes]) -> None:
        self._zip = ZipFile(sink, "w", ZIP_DEFLATED)
        self._listed: list[dict[str, str | int]] = []

    def add(self, name: str, content: bytes) -> None:
        """Add a file."""
        self._write(name, content)
        digest = hashlib.sha256(content).hexdigest()
        self._listed.append({"path": name, "bytes": len(content), "sha256": digest})

    def close(self, run_id: uuid.UUID) -> None:
        """Add the manifest and finish the zip."""
        files = sorted(self._listed, key=lambda entry: entry["path"])
        manifest = {"format": FORMAT, "run": str(run_id), "files": files}
        self._write(MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
        self._zip.close()

    def _write(self, name: str, content: bytes) -> None:
        entry = ZipInfo(name, FIXED_TIME)
        entry.compress_type = ZIP_DEFLATED
        entry.create_system, entry.external_attr = UNIX, REGULAR_FILE
        self._zip.writestr(entry, content, compresslevel=COMPRESSION_LEVEL)
