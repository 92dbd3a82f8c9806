"""Hold runs to the versions of the engine: of none that never was, nor of one that was over.

A run of an earlier version of the engine is settled again by nobody here, so whoever could invent
one would be believed. Once a later version has run, the log says so, and none earlier comes after.
"""

from collections.abc import Iterator

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from common.damage import damage
from common.refusals import Finding
from ledger.log.tables import LogLeaf
from settlement.runs.run import ENGINE_VERSION, is_earlier_engine
from settlement.tables import RunRow

RUN_ENGINE = "run-engine"
SOURCE = "settlement.run"


def verify_engines(session: Session) -> Iterator[Finding]:
    """Yield every run of a version that no release had, or that stands after a later version's."""
    leaf = (LogLeaf.source == SOURCE) & (LogLeaf.key == cast(RunRow.id, Text))
    # By the log, which a kept checkpoint holds; created_at is the word of who wrote the row.
    runs = (
        select(RunRow.id, RunRow.engine_version, LogLeaf.index)
        .join(LogLeaf, leaf)
        .order_by(LogLeaf.index)
    )
    latest = 0
    for run_id, version, index in session.execute(runs):
        place = f"{SOURCE} {run_id}"
        if version != ENGINE_VERSION and not is_earlier_engine(version):
            value = f"version {version!r} of the engine made it, and no release had that"
            yield damage(RUN_ENGINE, place, value)
        elif int(version) < latest:
            value = (
                f"version {version} of the engine made it, and version {latest} had run before its "
                f"leaf {index}"
            )
            yield damage(RUN_ENGINE, place, value)
        else:
            latest = int(version)
