"""What all document kinds share: strict, frozen models, and the vocabulary of their fields."""

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
)
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from common import currencies

LARGEST_INTEGER = 9_007_199_254_740_991
"""2^53 - 1: the largest integer that every JSON reader holds exactly, so digests agree."""

MILLION = 1_000_000
"""One whole in parts per million, and one currency unit in micro."""

# Spelled out, since ECMA-262 and Python differ in what \s is and Python knows no \p{...}: these
# mean the same to both, and to pydantic.
CONTROLS = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
"""Members of a class in a pattern: control characters, and what ends a line or a paragraph."""

SPACES = r"\u0020\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Members of a class in a pattern: white space that is no control character."""

TEXT_PATTERN = rf"^[^{CONTROLS}{SPACES}]([^{CONTROLS}]*[^{CONTROLS}{SPACES}])?$"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Model(BaseModel):
    """A part of a document: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class SchemaPattern:
    """The pattern that the JSON Schema states where the field's own is not for every reader."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the field's schema with this pattern; pydantic calls it."""
        return handler(core_schema) | {"pattern": self.pattern}


@dataclass(frozen=True)
class SchemaChoices:
    """The values that the JSON Schema offers, where a check with a reason refuses the others."""

    choices: tuple[str, ...]

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the field's schema with these values; pydantic calls it."""
        return handler(core_schema) | {"enum": list(self.choices)}


def _only_a_day(value: object) -> object:
    """Refuse the instants and numbers that pydantic would quietly turn into a day."""
    if isinstance(value, datetime.datetime):
        raise ValueError("an instant is not a day")
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, str) and _ISO_DAY.fullmatch(value):
        return value
    raise ValueError("not a day")


WholeNumber = Annotated[int, Strict()]
"""An integer; true, 1.0 and "1" are refused."""

Flag = Annotated[bool, Strict()]
"""true or false, and nothing that merely resembles them."""

Day = Annotated[datetime.date, BeforeValidator(_only_a_day)]
"""A calendar day, written YYYY-MM-DD."""

Text = Annotated[str, Strict(), Field(min_length=1, max_length=2_000, pattern=TEXT_PATTERN)]
"""One line of text, without control characters or space at either end."""

Identifier = Annotated[
    str, Strict(), Field(max_length=64, pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$")
]
"""Name of a node, line, unit, product: letters, digits, dot, dash, underscore; never `/` or `:`."""

Slug = Annotated[str, Strict(), Field(max_length=48, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""Name of a market or participant: lower-case words joined by dashes."""

Anchor = Annotated[str, Strict(), Field(max_length=24, pattern=r"^[A-Z]{2}-[0-9]+(\.[0-9]+)*$")]
"""Stable name of a clause, such as MR-4.2."""

if TYPE_CHECKING:
    CurrencyCode = str
else:
    # The table is the one list of currencies, and type checkers read literals alone.
    CurrencyCode = Annotated[
        Literal[tuple(sorted(currencies.DECIMALS))], SchemaChoices(currencies.BILLABLE)
    ]
    """Code of ISO 4217; a check says which of them documents can be written in, and why not."""

FieldPath = Annotated[
    str, Strict(), Field(max_length=120, pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")
]
"""Dotted names from the document down, list positions left out: `layers.curve`."""


LineKind = Annotated[
    str, Strict(), Field(max_length=64, pattern=r"^(charge|payment)\.[a-z][a-z0-9_]*$")
]
"""Kind of an invoice line: what is charged or paid, and for which component of cost."""


def described(title: str, description: str, unit: str | None = None, **bounds: Any) -> Any:
    """Return a pydantic field with the title, description, unit and bounds every field must have.

    `unit` is None where a field has none; the unit is published in the JSON Schema, because
    forms, comparisons and explanation pages are made from it.
    """
    extra: JsonDict | None = {"unit": unit} if unit is not None else None
    return Field(title=title, description=description, json_schema_extra=extra, **bounds)


def is_absent(value: object) -> bool:
    """Return whether a field has no value; `exclude_if` of a field that came after the first laws.

    The body of a document then leaves the field out, so that law which never knew it keeps its
    digest.
    """
    return value is None or value == ()


class Clause(Model):
    """A sentence of the law, with the anchor by which invoices and explanations cite it."""

    anchor: Anchor = described("Anchor", "Stable name of the clause, such as MR-4.2")
    text: Text = described("Text", "The clause itself, in words that bind")
    fields: tuple[FieldPath, ...] = described(
        "Fields", "Paths of the fields that the clause governs", max_length=50
    )
    lines: tuple[LineKind, ...] = described(
        "Invoice lines",
        "Kinds of invoice line that rest on the clause, such as charge.fuel; where there are any, "
        "the clause speaks of these alone",
        default=(),
        max_length=50,
    )


Clauses = Annotated[
    tuple[Clause, ...],
    Field(
        title="Clauses",
        description="The text of the document; each clause names the fields that it governs",
        min_length=1,
        max_length=500,
    ),
]


class Document(Model):
    """A document of a market: its kind and title, values, and the clauses that govern them."""

    anchor_prefix: ClassVar[str]
    """The letters that open every clause anchor of this kind."""

    withheld_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that not every reader of the clauses may see, so that no clause may name them."""

    kind: str = described("Kind", "Which of the document kinds this is")
    market: Slug = described("Market", "Market that the document belongs to")
    title: Text = described("Title", "Name of the document, as a reader would cite it")
    publication_date: Day = described(
        "Publication date", "Day on which the document was made public"
    )
    clauses: Clauses

    @property
    def instrument(self) -> str:
        """Return what stays the same from version to version: `gb12/market-rules`."""
        return f"{self.market}/{self.kind}"

    @property
    def name(self) -> str:
        """Return the instrument without its market: `registration/northwind`."""
        return self.instrument.removeprefix(f"{self.market}/")

    def clauses_governing(self, path: str) -> tuple[str, ...]:
        """Return the anchors of the clauses that govern field `path`, in the document's order."""
        return tuple(clause.anchor for clause in self.clauses if path in clause.fields)

    def clauses_of_line(self, line: str) -> tuple[Clause, ...]:
        """Return the clauses on which a kind of invoice line rests, in the document's order."""
        return tuple(clause for clause in self.clauses if line in clause.lines)
