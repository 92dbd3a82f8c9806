"""Evidence of a small settled market in memory, and ways to change it."""

import csv
import hashlib
import io
import json
from functools import cache
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy.orm import Session

from settlement.evidence.archive import write_entry
from settlement.evidence.export import write_evidence
from settlement.runs.run import Run
from verifier import log_notes
from verifier.checks import check_evidence
from verifier.ed25519 import verify_signature
from verifier.kinds import kind_of
from verifier.manifest import FORMATS, write_manifest
from verifier.report import Finding, Report

MANIFEST = "manifest.json"
verify_signature_once = cache(verify_signature)
"""What was signed in one evidence file is signed in its hundred forgeries, and takes 30 ms each."""


def exported(session: Session, run: Run) -> bytes:
    """Return the evidence of a run."""
    sink = io.BytesIO()
    write_evidence(session, run, sink, lambda done, total: None)
    return sink.getvalue()


class Memory(dict[str, bytes]):
    """The files of an evidence file, by name; what the verifier calls files."""

    @classmethod
    def of(cls, content: bytes) -> "Memory":
        """Return the files of a zip."""
        with ZipFile(io.BytesIO(content)) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()})

    def names(self) -> list[str]:
        """Return every name."""
        return list(self)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self[name]

    def with_file(self, name: str, content: bytes) -> "Memory":
        """Return the files with another content of one, and a manifest that agrees with it."""
        changed = Memory(self | {name: content})
        manifest = json.loads(self[MANIFEST])
        for entry in manifest["files"]:
            if entry["path"] == name:
                entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        changed[MANIFEST] = write_manifest(manifest).encode()
        return changed

    def with_manifest_made_again(self) -> "Memory":
        """Return the files with a manifest that lists what is there, whatever it is."""
        manifest = json.loads(self[MANIFEST])
        _, kinds = FORMATS[manifest["format"]]
        manifest["files"] = [
            {
                "path": name,
                "kind": kind_of(name, kinds) or "readme",
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in sorted(self.items())
            if name != MANIFEST
        ]
        return Memory(self | {MANIFEST: write_manifest(manifest).encode()})

    def findings(self) -> list[Finding]:
        """Return what the verifier finds."""
        report = Report()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_notes, "verify_signature", verify_signature_once)
            check_evidence(self, report)
        return report.findings

    def zipped(self) -> bytes:
        """Return the files as a zip."""
        sink = io.BytesIO()
        with ZipFile(sink, "w") as archive:
            for name, content in self.items():
                write_entry(archive, name, content)
        return sink.getvalue()


def rows(name: str, content: bytes) -> list[dict[str, Any]]:
    """Return the rows of a file of rows."""
    if name.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in content.decode().splitlines()]
    return [json.loads(content)]


def written(name: str, changed: list[dict[str, Any]]) -> bytes:
    """Return rows as a file holds them."""
    if name.endswith(".csv"):
        sink = io.StringIO(newline="")
        writer = csv.DictWriter(sink, list(changed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(changed)
        return sink.getvalue().encode()
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in changed]
    return ("\n".join(lines) + "\n").encode()


def changed(value: Any) -> Any:
    """Return another value of the same sort."""
    if isinstance(value, list):
        return value[:-1] if value else ["AA-1"]
    if isinstance(value, int):
        return value + 1
    if not value:
        return "1"
    return value[:-1] + _other(value[-1])


def _other(sign: str) -> str:
    """Return another sign: a digit for a digit, a letter for a letter."""
    return {"9": "8", "f": "e", "Z": "Y"}.get(sign, chr(ord(sign) + 1))
