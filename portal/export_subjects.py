"""What a file that the worker makes is of: a run, a document, or a participant's own documents."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class RunEvidence:
    """The evidence of a run."""

    kind: ClassVar[str] = "evidence"
    run_id: uuid.UUID

    def __str__(self) -> str:
        return str(self.run_id)

    def as_dict(self) -> dict[str, str | None]:
        """Return it as its row holds it."""
        return {"run": str(self.run_id)}


@dataclass(frozen=True)
class DocumentIntervals:
    """The intervals of a document, by its printed number."""

    kind: ClassVar[str] = "intervals"
    number: str

    def __str__(self) -> str:
        return self.number

    def as_dict(self) -> dict[str, str | None]:
        """Return it as its row holds it."""
        return {"document": self.number}


@dataclass(frozen=True)
class OwnEvidence:
    """The evidence of a participant's documents, of a month written as 2024-01 or of all."""

    kind: ClassVar[str] = "own"
    market: str
    participant: str
    month: str | None

    @property
    def words(self) -> tuple[str, ...]:
        """Market, participant and, where it is of one, month."""
        return tuple(each for each in (self.market, self.participant, self.month) if each)

    def __str__(self) -> str:
        return " ".join(self.words)

    def as_dict(self) -> dict[str, str | None]:
        """Return it as its row holds it."""
        return {"market": self.market, "participant": self.participant, "month": self.month}


Subject = RunEvidence | DocumentIntervals | OwnEvidence


def subject_of(kind: str, row: Mapping[str, str | None]) -> Subject:
    """Return what a file of a kind is of, as its row holds it.

    Raises:
        ValueError: no row of such a kind holds this.
    """
    match kind, row:
        case RunEvidence.kind, {"run": str(run)}:
            return RunEvidence(uuid.UUID(run))
        case DocumentIntervals.kind, {"document": str(number)}:
            return DocumentIntervals(number)
        case OwnEvidence.kind, {"market": str(market), "participant": str(name), "month": month}:
            return OwnEvidence(market, name, month)
    raise ValueError(f"no file of kind {kind} is of {dict(row)}")
