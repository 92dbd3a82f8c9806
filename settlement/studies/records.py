"""A study as it is stored: which runs it compares, under which overlay, and what came out."""

import uuid
from dataclasses import dataclass
from typing import Any

from common.one_writing import canonical
from ledger.chain import encode
from ledger.tree import leaf_hash

STUDY_TAG = "tallystick.study.1"


@dataclass(frozen=True, eq=False)
class Study:
    """Two runs of kind `study` over the same days, and the report on both.

    Attributes:
        run_id: the run under the overlay.
        before_run_id: the run of the same days without it.
        overlay: the overlay's body, as it was read.
        report: see `settlement.studies.report`.
    """

    run_id: uuid.UUID
    before_run_id: uuid.UUID
    overlay: dict[str, Any]
    report: dict[str, Any]

    @property
    def digest(self) -> bytes:
        """Digest over every column of the study's row."""
        content = tuple(canonical(body) for body in (self.overlay, self.report))
        return leaf_hash(encode(STUDY_TAG, (self.run_id, self.before_run_id, *content)))
