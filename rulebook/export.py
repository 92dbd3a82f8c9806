"""Export the law as YAML files that `publish` accepts, and the schemas that editors check by."""

import datetime as dt
from pathlib import Path

from sqlalchemy.orm import Session

from common.refusals import Refused, refuse_any
from rulebook.akoma_ntoso import Act, akoma_ntoso
from rulebook.documents import Document
from rulebook.folders import file_name, unexpected_files, write_files
from rulebook.json_schema import editor_line, schema_texts
from rulebook.law import rules_at
from rulebook.yaml_text import write_yaml


def export(
    session: Session,
    market: str,
    effective: dt.date | dt.datetime,
    known: dt.datetime,
    folder: Path,
) -> list[Path]:
    """Write the law of `market` in force at `effective` as YAML files that `publish` accepts.

    Each names its schema in `folder`, which `write_schemas` puts there.

    Returns:
        The files written, one a document.

    Raises:
        Refused: the law has a gap then, or `folder` holds other YAML files.
    """
    rules = rules_at(session, market, effective, known)
    texts = dict(map(_file_of, rules.documents))
    findings = unexpected_files(folder, texts)
    if findings:
        raise Refused(findings)
    return write_files(folder, texts)


def export_akoma_ntoso(
    session: Session,
    market: str,
    effective: dt.date | dt.datetime,
    known: dt.datetime,
    folder: Path,
) -> list[Path]:
    """Write the law of `market` in force at `effective` as Akoma Ntoso, one act a document.

    Returns:
        The files written.

    Raises:
        Refused: the law has a gap then, or `folder` holds files of YAML.
    """
    rules = rules_at(session, market, effective, known)
    refuse_any(unexpected_files(folder, ()))
    versions = {version.instrument: version for version in rules.versions}
    zone, currency = rules.market_rules.time_zone, rules.market_rules.currency
    texts = {}
    for document in rules.documents:
        version = versions[document.instrument]
        times = version.valid_from, version.valid_to, version.recorded_from
        act = Act(document, version.digest, *times)
        texts[file_name(document).with_suffix(".xml")] = akoma_ntoso(act, zone, currency)
    return write_files(folder, texts)


def write_schemas(folder: Path) -> list[Path]:
    """Write the JSON Schema of every document kind into `folder`; return the files."""
    return write_files(folder, {Path(name): text for name, text in schema_texts().items()})


def _file_of(document: Document) -> tuple[Path, str]:
    """Return where in its folder a document is exported, and the text with its editor line."""
    name = file_name(document)
    return name, editor_line(document.kind, len(name.parts) - 1) + write_yaml(document)
