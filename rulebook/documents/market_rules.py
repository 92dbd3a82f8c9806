"""Market rules: how time, scarcity and price are measured, and which products are sold."""

from typing import ClassVar, Literal

from rulebook.documents.base import (
    MILLION,
    CurrencyCode,
    Document,
    Flag,
    Identifier,
    Model,
    Slug,
    Text,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.meter_data import MeterDataRules

HIGHEST_PRICE_MICRO_PER_MWH = 100_000 * MILLION
"""No rule may price a megawatt hour above 100,000 currency units, nor below minus that."""

HIGHEST_TIGHTNESS_PPM = 1_000 * MILLION


class Knot(Model):
    """One point of a price curve; between two points the price runs in a straight line."""

    tightness_ppm: WholeNumber = described(
        "Tightness",
        "Demand over deliverable supply; 1_000_000 is all supply in use",
        "ppm",
        ge=0,
        le=HIGHEST_TIGHTNESS_PPM,
    )
    price_micro_per_mwh: WholeNumber = described(
        "Price",
        "Price at this tightness",
        "micro per MWh",
        ge=-HIGHEST_PRICE_MICRO_PER_MWH,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )


class LayerRule(Model):
    """How one scarcity layer prices."""

    layer: Slug = described("Layer", "Name of the layer, as in the grid model")
    in_use: Flag = described("In use", "Whether the layer takes part in the price of a node")
    curve: tuple[Knot, ...] = described(
        "Curve",
        "Price of energy taken against tightness, tightness rising",
        min_length=2,
        max_length=100,
    )
    sell_curve: tuple[Knot, ...] = described(
        "Sell curve",
        "Price paid for net export against tightness, never above the curve of energy taken; "
        "empty where net export is paid by that curve",
        default=(),
        max_length=100,
    )


class CalendarRun(Model):
    """A settlement run of the calendar."""

    run: Identifier = described("Run", "Short name of the run, such as II or R1")
    title: Text = described("Title", "Name of the run in full")
    lag_days: WholeNumber = described(
        "Lag", "Days from the settlement day to the run", "days", ge=0, le=3_650
    )


class Product(Model):
    """A three-dimensional contract: how much, when, and how reliably.

    How much is a power, which bounds what Fair Play entitles to, and an energy, which the contract
    covers; how reliably is a promise over a calendar month by the market's clock.
    """

    product: Identifier = described("Product", "Short name of the product, such as P1")
    title: Text = described("Title", "Name of the product in full")
    magnitude_w: WholeNumber | None = described(
        "Magnitude",
        "Power that one household may draw; empty where the contract sets none",
        "W",
        default=None,
        ge=1,
        le=10**12,
    )
    energy_wh: WholeNumber | None = described(
        "Energy covered",
        "Energy of a month that the contract of one household covers; empty where it covers all",
        "Wh",
        default=None,
        ge=1,
        le=10**12,
        exclude_if=is_absent,
    )
    excess_price_micro_per_mwh: WholeNumber | None = described(
        "Excess price",
        "Price of energy above what the contract covers; empty where that of the node holds",
        "micro per MWh",
        default=None,
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
        exclude_if=is_absent,
    )
    timing: Literal["essential", "flexible"] = described(
        "Timing", "Essential demand is served when it arises; flexible demand within its window"
    )
    window_minutes: WholeNumber | None = described(
        "Window",
        "Time within which flexible demand that was refused is served, from the end of the "
        "interval that refused it; empty for essential demand",
        "minutes",
        default=None,
        ge=1,
        le=7 * 24 * 60,
    )
    reliability_ppm: WholeNumber = described(
        "Reliability",
        "Share of the energy due in a calendar month that the contract promises to deliver",
        "ppm",
        ge=0,
        le=MILLION,
    )
    tier_weight_ppm: WholeNumber | None = described(
        "Tier weight",
        "Weight of the product where not all can be served, beside that of others; empty is one",
        "ppm",
        default=None,
        ge=1,
        le=100 * MILLION,
        exclude_if=is_absent,
    )


class Tax(Model):
    """How invoices of this market are taxed."""

    category: Literal["AE", "E", "O", "S", "Z"] = described(
        "Category", "Tax category code of UNCL 5305; AE is reverse charge"
    )
    rate_ppm: WholeNumber = described("Rate", "Tax rate", "ppm", ge=0, le=MILLION)
    note: Text = described("Note", "Sentence that the invoice prints about its tax")


class OnlineRules(Model):
    """How a market is priced and booked while its intervals run."""

    deadband_micro_per_mwh: WholeNumber = described(
        "Deadband",
        "A price is published anew once it lies further than this from what was last published",
        "micro per MWh",
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    accepted_delay_minutes: WholeNumber = described(
        "Accepted delay",
        "How much older than the latest that the market was told of an event may be and still move "
        "a price; what is older is kept apart",
        "minutes",
        ge=0,
        le=24 * 60,
    )
    tick_seconds: WholeNumber | None = described(
        "Tick",
        "How often every price is published while an interval runs; prices by `max-flow` are made "
        "no more often; empty where that is at the end of the interval alone",
        "seconds",
        default=None,
        ge=1,
        le=60 * 60,
        exclude_if=is_absent,
    )
    forward_hours: WholeNumber = described(
        "Forward time",
        "How far ahead flexible energy is quoted and booked",
        "hours",
        ge=1,
        le=7 * 24,
    )
    charged_price: Literal["ex-post", "published"] | None = described(
        "Charged price",
        "What energy pays that pays the price of its node: `ex-post` is the price made of the "
        "readings of the interval, `published` the mean of what was published while it ran, where "
        "that is known from its first moment to its last; empty where it is `ex-post`",
        default=None,
        exclude_if=is_absent,
    )
    begun_by: Literal["clock", "handed-in"] | None = described(
        "Begun by",
        "When an interval has begun, from when on nothing of it is booked, moved or given back: "
        "`clock` is when the market was told of a moment that late, `handed-in` also when whatever "
        "it was told was handed in that late, as in a market that runs in real time; empty where "
        "it is `clock`",
        default=None,
        exclude_if=is_absent,
    )


class MarketRules(Document):
    """Time, currency, scarcity layers, price curves, calendar, meter data, products and tax."""

    anchor_prefix: ClassVar[str] = "MR"

    kind: Literal["market-rules"] = described("Kind", "This is a set of market rules")
    time_zone: Text = described(
        "Time zone", "IANA name of the zone whose days are settlement days; fixed for a market"
    )
    interval_minutes: WholeNumber = described(
        "Interval", "Length of a settlement interval; divides 60", "minutes", ge=1, le=60
    )
    currency: CurrencyCode = described(
        "Currency", "ISO 4217 code of the currency that prices and invoices are in"
    )
    price_floor_micro_per_mwh: WholeNumber = described(
        "Price floor",
        "No price lies below this",
        "micro per MWh",
        ge=-HIGHEST_PRICE_MICRO_PER_MWH,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    price_cap_micro_per_mwh: WholeNumber = described(
        "Price cap",
        "No price lies above this",
        "micro per MWh",
        ge=-HIGHEST_PRICE_MICRO_PER_MWH,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    deliverability: Literal["boundary", "max-flow"] = described(
        "Deliverability",
        "How supply from outside a holon counts: `boundary` is the sum of the line ratings that "
        "cross into it, or the surplus outside if that is less; `max-flow` is the most that the "
        "lines can bring into it once the demand outside is served",
    )
    layers: tuple[LayerRule, ...] = described(
        "Layers", "Scarcity layers, outermost first", min_length=1, max_length=12
    )
    products: tuple[Product, ...] = described(
        "Products", "What suppliers may contract for", min_length=1, max_length=100
    )
    meter_data: MeterDataRules = described("Meter data", "Which readings settle")
    settlement_calendar: tuple[CalendarRun, ...] = described(
        "Settlement calendar", "Runs of every settlement day, in order", min_length=1, max_length=20
    )
    tax: Tax = described("Tax", "How invoices are taxed")
    consultation_days: WholeNumber | None = described(
        "Shortest consultation",
        "Days that a consultation on a law change is open at least, by the rules of the moment at "
        "which it opens; 28 where it is empty",
        "days",
        default=None,
        ge=1,
        le=366,
        exclude_if=is_absent,
    )
    online: OnlineRules | None = described(
        "Online",
        "How the market is priced while its intervals run; empty where it is settled alone",
        default=None,
        exclude_if=is_absent,
    )
