"""The allocation policy: which costs are recovered, by which measure, and who is charged how."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from rulebook.documents.base import (
    LARGEST_INTEGER,
    MILLION,
    Document,
    Flag,
    Identifier,
    Model,
    Slug,
    WholeNumber,
    described,
    is_absent,
)
from rulebook.documents.market_rules import HIGHEST_PRICE_MICRO_PER_MWH


class Target(Model):
    """How much the pots hold."""

    rule: Literal["cost-recovery", "equalisation"] = described(
        "Rule",
        "`cost-recovery`: the annual capital and fixed costs of every unit without regulated "
        "recovery, a day's part of them each day; `equalisation`: what the day's part of the "
        "benchmark revenue leaves when fuel, regulated recovery and reserve are paid",
    )
    benchmark_annual_units: WholeNumber | None = described(
        "Benchmark revenue",
        "Revenue of a year that all units together should reach; empty under cost recovery",
        "whole units of the currency per year",
        default=None,
        ge=0,
        le=LARGEST_INTEGER,
    )


class Pot(Model):
    """A share of the target, paid out by one measure of contribution."""

    pot: Literal["adequacy", "location", "flexibility", "reserve"] = described(
        "Pot", "Contribution that the pot rewards"
    )
    weight_ppm: WholeNumber = described(
        "Weight", "Share of the target that the pot holds", "ppm", ge=0, le=MILLION
    )
    timing: Literal["flat", "tightness", "served"] = described(
        "Timing",
        "How the pot of a day is spread over its intervals: equally, by tightness, or by the "
        "demand served",
    )


class Flexibility(Model):
    """How contribution to flexibility is measured."""

    response_minutes: WholeNumber = described(
        "Response time", "Time within which power must have changed", "minutes", ge=1, le=1_440
    )
    requirement_ppm: WholeNumber = described(
        "Requirement",
        "Change of power that the market needs, as a share of its demand",
        "ppm",
        ge=0,
        le=MILLION,
    )


class Reserve(Model):
    """What holding reserve earns."""

    availability_price_micro_per_mw_h: WholeNumber = described(
        "Availability price",
        "Price of one megawatt of reserve held for an hour; zero where none is bought",
        "micro per MW and hour",
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )


class Clusters(Model):
    """How units are gathered in clusters before contribution is measured."""

    trunk_nodes: tuple[Identifier, ...] = described(
        "Trunk nodes",
        "Nodes of the grid model that clusters gather around; units join only where the nearest "
        "of these is the same, the one named first where several are as near",
        min_length=1,
        max_length=100,
    )
    hop_limit: WholeNumber = described(
        "Hop limit", "Most lines between two clusters that merge", "lines", ge=0, le=100
    )
    rating_multiplier: WholeNumber = described(
        "Rating multiplier",
        "How many times its rating each line serves; clusters form on the ratings as they are",
        default=1,
        ge=1,
        le=10,
    )


class Sampled(Model):
    """How orders of units are drawn when contribution is estimated."""

    seed: WholeNumber = described(
        "Seed",
        "What the orders of every interval are drawn from, together with its day and number",
        ge=0,
        le=MILLION,
    )
    most_orders: WholeNumber = described(
        "Most orders",
        "Most orders drawn for an interval; they come in pairs, each with its reverse",
        "orders",
        default=10_000,
        ge=4,
        le=MILLION,
    )
    target_error_w: WholeNumber = described(
        "Target error",
        "No more orders are drawn once the standard error of every unit is at most this; 0 draws "
        "the most orders",
        "W",
        default=0,
        ge=0,
        le=LARGEST_INTEGER,
    )


class Shapley(Model):
    """How contribution is measured."""

    method: Literal["exact", "levels", "clusters", "sampled"] = described(
        "Method",
        "`exact` evaluates every coalition of units; `levels` the orders in which the units of a "
        "holon come one after another, on the boundaries of holons alone; `clusters` every "
        "coalition of clusters, shared inside by availability; `sampled` orders drawn by a seed",
    )
    clusters: Clusters | None = described(
        "Clusters", "How clusters form; empty for other methods", default=None
    )
    sampled: Sampled | None = described(
        "Sampled", "How orders are drawn; empty for other methods", default=None
    )


class Charging(Model):
    """How holders of one product are charged."""

    product: Identifier = described("Product", "Product of the market rules")
    mode: Literal["subscription", "dynamic", "mixed"] = described(
        "Mode",
        "`subscription` bears a share of the costs; `dynamic` pays the price of its node; `mixed` "
        "does both, in parts",
    )
    dynamic_ppm: WholeNumber | None = described(
        "Dynamic part",
        "Part of the energy of a mixed product that pays the price; empty for other modes",
        "ppm",
        default=None,
        ge=1,
        le=MILLION - 1,
    )
    capacity_weight_ppm: WholeNumber = described(
        "Capacity weight",
        "Weight of the product's energy in costs other than fuel, where these are shared by the "
        "interval; 1_000_000 is one",
        "ppm",
        default=MILLION,
        ge=1,
        le=1_000 * MILLION,
    )


class FairPlayProduct(Model):
    """How Fair Play treats holders of one product."""

    product: Identifier = described("Product", "Product of the market rules")
    indivisible: Flag = described(
        "Indivisible",
        "Whether a request is met whole or not at all, by a lottery that anyone can draw again",
        default=False,
    )
    compensation_micro_per_mwh: WholeNumber | None = described(
        "Compensation",
        "Price of energy that the product promises and that is not delivered; empty where the "
        "price for all products holds",
        "micro per MWh",
        default=None,
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )


class FairPlay(Model):
    """Who is served when there is not enough, and what over-take and missed reliability move."""

    least_fulfilment_ppm: WholeNumber = described(
        "Least fulfilment",
        "What was delivered of what was due in a month counts as at least this, so that nobody's "
        "weight is without bound",
        "ppm",
        ge=1,
        le=MILLION,
    )
    compensation_micro_per_mwh: WholeNumber = described(
        "Compensation",
        "Price of energy that a contract promises and that is not delivered",
        "micro per MWh",
        ge=0,
        le=HIGHEST_PRICE_MICRO_PER_MWH,
    )
    compensation_paid_by: Literal["equalisation", "over-take"] = described(
        "Compensation paid by",
        "`equalisation`: the equalisation account pays what over-take does not bring in; "
        "`over-take`: a month's compensation is at most what over-take is charged, in proportion",
        default="equalisation",
    )
    moves_money: Flag = described(
        "Moves money",
        "Whether over-take is charged at the price cap and missed reliability compensated; where "
        "not, both are stated only",
        default=True,
    )
    least_taken_ppm: WholeNumber | None = described(
        "Least taken",
        "A request known beside the meter counts where at least this part of what was offered in "
        "the interval is taken; where less is, what was refused counts as declined. Empty where "
        "every request counts",
        "ppm",
        default=None,
        ge=0,
        le=MILLION,
        exclude_if=is_absent,
    )
    products: tuple[FairPlayProduct, ...] = described(
        "Products",
        "Products whose requests are indivisible or whose compensation is of its own",
        default=(),
        max_length=100,
    )


class AllocationPolicy(Document):
    """Regulated recovery, pots and their weights, and the charging mode of each product."""

    anchor_prefix: ClassVar[str] = "AP"

    kind: Literal["allocation-policy"] = described("Kind", "This is an allocation policy")
    regulated_technologies: tuple[Slug, ...] = described(
        "Regulated technologies",
        "Technologies whose annual costs are recovered in full, outside the pots",
        max_length=50,
    )
    target: Target = described("Target", "How much the pots hold together")
    pots: tuple[Pot, ...] = described(
        "Pots", "Shares of the target; the weights make one million", min_length=1, max_length=4
    )
    shapley: Shapley = described("Shapley method", "How contribution is measured")
    flexibility: Flexibility | None = described(
        "Flexibility",
        "How the flexibility pot measures contribution; empty where it has no weight",
        default=None,
    )
    reserve: Reserve | None = described(
        "Reserve", "What holding reserve earns; empty where none is bought", default=None
    )
    non_fuel_basis: Literal["interval", "day"] = described(
        "Basis of costs other than fuel",
        "`interval`: shared by energy and capacity weight of the interval; `day`: by energy taken "
        "over the settlement day",
        default="interval",
    )
    equalisation_returned_to: Literal["nobody", "everyone", "subscription", "dynamic"] = described(
        "Equalisation returned to",
        "Who gets back what the equalisation account takes in, by energy taken over the day; "
        "`nobody` leaves it in the account",
        default="nobody",
    )
    charging: tuple[Charging, ...] = described(
        "Charging", "Charging mode of every product", min_length=1, max_length=100
    )
    fair_play: FairPlay | None = described(
        "Fair Play",
        "Who is served when there is not enough; empty where no rule says so",
        default=None,
    )

    def line_kinds(self) -> Iterator[str]:
        """Yield the kinds of invoice line that the policy gives rise to, such as `charge.fuel`."""
        components = ["fuel"]
        components += ["regulated"] if self.regulated_technologies else []
        components += ["availability"] if self.reserve is not None else []
        components += [pot.pot for pot in self.pots if pot.weight_ppm]
        modes = {charging.mode for charging in self.charging}
        if modes & {"dynamic", "mixed"}:
            yield "charge.dynamic"
        if self.equalisation_returned_to != "nobody":
            yield "charge.equalisation"
        if self.fair_play is not None and self.fair_play.moves_money:
            yield "charge.over_take"
            yield "charge.compensation"
        for component in components:
            yield f"payment.{component}"
            if modes & {"subscription", "mixed"}:
                yield f"charge.{component}"
