"""The zip of an evidence file, and its manifest: the same facts give the same bytes."""

import hashlib
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from verifier.archive import MANIFEST
from verifier.kinds import kind_of
from verifier.manifest import FORMATS, RUN_FORMAT, write_manifest
from verifier.zip_file import MOST_BYTES_OF_A_FILE

COMPRESSION_LEVEL = 6
UNIX, REGULAR_FILE = 3, 0o100644 << 16
FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can hold: no file says when it was exported."""


class Archive:
    """Writes files one after the other, and last the manifest that lists them."""

    def __init__(self, sink: IO[bytes], form: str = RUN_FORMAT) -> None:
        self._form = form
        # The verifier reads zips of one writing alone, without the extension for larger ones.
        self._zip = ZipFile(sink, "w", ZIP_DEFLATED, allowZip64=False)
        self._listed: list[dict[str, object]] = []

    def add(self, name: str, content: bytes) -> None:
        """Add a file.

        Raises:
            ValueError: it is of no kind that the format knows, or larger than a verifier reads.
        """
        _, kinds = FORMATS[self._form]
        kind = kind_of(name, kinds)
        if kind is None or len(content) > MOST_BYTES_OF_A_FILE:
            raise ValueError(f"{name}: of no kind of the format, or of {len(content):,} bytes")
        write_entry(self._zip, name, content)
        digest = hashlib.sha256(content).hexdigest()
        entry = {"path": name, "kind": kind, "bytes": len(content), "sha256": digest}
        self._listed.append(entry)

    def close(self, **subject: str) -> None:
        """Add the manifest, which says what the evidence is of, and finish the zip."""
        files = sorted(self._listed, key=lambda entry: str(entry["path"]))
        manifest = {"format": self._form, **subject, "files": files}
        write_entry(self._zip, MANIFEST, write_manifest(manifest).encode())
        self._zip.close()


def write_entry(archive: ZipFile, name: str, content: bytes) -> None:
    """Write a file into a zip, in the one form that the verifier reads."""
    entry = ZipInfo(name, FIXED_TIME)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system, entry.external_attr = UNIX, REGULAR_FILE
    archive.writestr(entry, content, compresslevel=COMPRESSION_LEVEL)
