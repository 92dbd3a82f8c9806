"""An overlay: the shocks that a study lays over real days, as a document that is checked.

Every field has a title, a description, a unit and bounds, as in the documents of the rulebook.
Shocks work in this order, each on what the one before left, and each rounds down once:

===============  ================================================================
outages          available power x (1,000,000 - lost) // 1,000,000
wind droughts    available power x left // 1,000,000
demand surges    demand x factor // 1,000,000; net export stays as it is
fuel prices      offer x factor // 1,000,000 + added
line outages     rating x left // 1,000,000, in both directions
===============  ================================================================

Price responses come last: they move flexible demand in time (`settlement.studies.price_response`).

Example: a unit of 999 W that loses 500,000 ppm has 499 W left, and 249 W in a drought of another
500,000 ppm.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from common.refusals import Finding, Refused
from ledger.chain import encode
from ledger.tree import leaf_hash
from rulebook.digest import canonical_bytes
from rulebook.documents.base import (
    MILLION,
    Day,
    Identifier,
    Model,
    Slug,
    Text,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH
from rulebook.folders import read_text
from rulebook.reading import read_values, validated

OVERLAY_TAG = "tallystick.overlay.1"
LARGEST_FACTOR_PPM = 100 * MILLION
MOST_SHOCKS = 100
MOST_NAMES = 1_000

Clock = Annotated[
    str, Strict(), Field(max_length=5, pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
]
"""A time of the local clock, HH:MM; 24:00 is the end of the day."""

Names = tuple[Identifier, ...]

KINDS = (
    "outages",
    "wind_droughts",
    "demand_surges",
    "fuel_prices",
    "line_outages",
    "price_responses",
)
"""The lists of an overlay, in the order in which they work."""


class Shock(Model):
    """What every shock says: its first and last day."""

    first_day: Day | None = described(
        "First day",
        "First settlement day of the shock; empty for the first of the study",
        default=None,
    )
    last_day: Day | None = described(
        "Last day", "Last settlement day, included; empty for the last of the study", default=None
    )


class TimedShock(Shock):
    """A shock that may hold for a part of each of its days, by the local clock."""

    from_time: Clock = described(
        "From", "An interval that starts then or later is shocked, HH:MM local", default="00:00"
    )
    to_time: Clock = described(
        "To", "An interval that starts before it is shocked, HH:MM local", default="24:00"
    )


class Outage(TimedShock):
    """Units that lose a part of the power that they have available."""

    units: Names = described("Units", "Units that fail", min_length=1, max_length=MOST_NAMES)
    lost_ppm: WholeNumber = described(
        "Lost", "Part of the available power that is lost", "ppm", default=MILLION, ge=1, le=MILLION
    )


class WindDrought(TimedShock):
    """Technologies that have less available, everywhere at once."""

    technologies: tuple[Slug, ...] = described(
        "Technologies",
        "Technologies that have less",
        default=("wind",),
        min_length=1,
        max_length=50,
    )
    left_ppm: WholeNumber = described(
        "Left", "Part of the available power that is left", "ppm", ge=0, le=MILLION
    )


class DemandSurge(TimedShock):
    """Demand that is larger (or smaller) by a factor."""

    nodes: Names = described(
        "Nodes",
        "Nodes whose demand changes; empty for every node",
        default=(),
        max_length=MOST_NAMES,
    )
    products: Names = described(
        "Products",
        "Products whose demand changes; empty for all",
        default=(),
        max_length=MOST_NAMES,
    )
    factor_ppm: WholeNumber = described(
        "Factor", "Demand over demand without the shock", "ppm", ge=0, le=LARGEST_FACTOR_PPM
    )


class FuelPrice(Shock):
    """Offers that change for whole days."""

    technologies: tuple[Slug, ...] = described(
        "Technologies", "Technologies whose offers change", default=(), max_length=50
    )
    units: Names = described(
        "Units", "Single units whose offers change", default=(), max_length=MOST_NAMES
    )
    factor_ppm: WholeNumber = described(
        "Factor",
        "Offer over offer without the shock",
        "ppm",
        default=MILLION,
        ge=0,
        le=LARGEST_FACTOR_PPM,
    )
    added_micro_per_mwh: WholeNumber = described(
        "Added",
        "What is added to the offer after the factor",
        "micro per MWh",
        default=0,
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )


class LineOutage(Shock):
    """Lines that carry less for whole days."""

    lines: Names = described("Lines", "Lines that fail", min_length=1, max_length=MOST_NAMES)
    left_ppm: WholeNumber = described(
        "Left",
        "Part of the rating that is left, in both directions",
        "ppm",
        default=0,
        ge=0,
        le=MILLION,
    )


class PriceResponse(Shock):
    """Flexible demand that waits for a lower price: an assumption, and never part of a settlement.

    The part that waits is ``min(most, response x (price before - reference))``, rounded down.
    """

    products: Names = described(
        "Products",
        "Flexible products whose holders answer the price",
        min_length=1,
        max_length=MOST_NAMES,
    )
    reference_price_micro_per_mwh: WholeNumber = described(
        "Reference price",
        "Nobody waits while the price before is at most this",
        "micro per MWh",
        ge=-HIGHEST_PRICE_MICRO_PER_MWH,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    response_ppm_per_unit: WholeNumber = described(
        "Response",
        "Part of the demand that waits for each currency unit a MWh above the reference",
        "ppm",
        ge=1,
        le=MILLION,
    )
    most_moved_ppm: WholeNumber = described(
        "Most", "Part of the demand that waits at most", "ppm", default=MILLION, ge=1, le=MILLION
    )
    assumption: Text = described(
        "Assumption", "On what the response rests: its source, or why it is assumed"
    )


class Overlay(Model):
    """Shocks with a title and a reason; a list a kind."""

    kind: Literal["overlay"] = described("Kind", "This is an overlay")
    title: Text = described("Title", "What happens, in a few words")
    reason: Text = described("Reason", "Why this is studied")
    outages: tuple[Outage, ...] = described(
        "Outages", "Units that fail", default=(), max_length=MOST_SHOCKS
    )
    wind_droughts: tuple[WindDrought, ...] = described(
        "Wind droughts", "Technologies without wind or sun", default=(), max_length=MOST_SHOCKS
    )
    demand_surges: tuple[DemandSurge, ...] = described(
        "Demand surges", "Demand that is larger or smaller", default=(), max_length=MOST_SHOCKS
    )
    fuel_prices: tuple[FuelPrice, ...] = described(
        "Fuel prices", "Offers that change", default=(), max_length=MOST_SHOCKS
    )
    line_outages: tuple[LineOutage, ...] = described(
        "Line outages", "Lines that carry less", default=(), max_length=MOST_SHOCKS
    )
    price_responses: tuple[PriceResponse, ...] = described(
        "Price responses",
        "Flexible demand that answers the price of the interval before",
        default=(),
        max_length=MOST_SHOCKS,
        exclude_if=is_absent,
    )

    @property
    def shocks(self) -> Iterator[tuple[str, Shock]]:
        """Every shock in the order in which it works, with its place in the document."""
        for name in KINDS:
            for number, shock in enumerate(getattr(self, name)):
                yield f"{name}[{number}]", shock

    @property
    def body(self) -> dict[str, Any]:
        """The overlay as JSON values, every field written out, days as YYYY-MM-DD."""
        return self.model_dump(mode="json")

    @property
    def digest(self) -> bytes:
        """Digest over the one canonical writing of the overlay."""
        return body_digest(self.body)


def body_digest(body: dict[str, Any]) -> bytes:
    """Return the digest of an overlay's body, as it is stored."""
    return leaf_hash(encode(OVERLAY_TAG, (canonical_bytes(body),)))


def read_overlay(path: Path) -> Overlay:
    """Read an overlay file.

    Raises:
        Refused: with every finding about the file, each with its place.
    """
    text, findings = read_text(path)
    values: object = None
    overlay = None
    if text is not None:
        values, findings = read_values(text, str(path), "an overlay with its shocks")
    if not findings:
        overlay, findings = validated(Overlay, values, str(path))
    if overlay is not None and not any(overlay.shocks):
        findings = (refuse_empty_overlay(str(path)),)
    if findings or overlay is None:
        raise Refused(findings)
    return overlay


def refuse_empty_overlay(source: str) -> Finding:
    """Return what is wrong with an overlay in which nothing happens."""
    return Finding(
        "no-shock",
        source,
        "no shock",
        "an overlay has at least one shock",
        f"add {', '.join(KINDS[:-1])} or {KINDS[-1]}",
    )
