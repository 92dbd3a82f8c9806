"""The allocation policy: which costs are recovered, by which measure, and who is charged how."""

from typing import ClassVar, Literal

from rulebook.documents.base import MILLION, Document, Identifier, Model, Slug, Whole, described


class Target(Model):
    """How much the pots hold."""

    rule: Literal["cost-recovery"] = described(
        "Rule",
        "`cost-recovery`: the annual capital and fixed costs of every unit without regulated "
        "recovery, a day's part of them each day",
    )


class Pot(Model):
    """A share of the target, paid out by one measure of contribution."""

    pot: Literal["adequacy", "location", "flexibility", "reserve"] = described(
        "Pot", "Contribution that the pot rewards"
    )
    weight_ppm: Whole = described(
        "Weight", "Share of the target that the pot holds", "ppm", ge=0, le=MILLION
    )
    timing: Literal["flat", "tightness", "served"] = described(
        "Timing",
        "How the pot of a day is spread over its intervals: equally, by tightness, or by the "
        "demand served",
    )


class Shapley(Model):
    """How contribution is measured."""

    method: Literal["exact"] = described("Method", "`exact` evaluates every coalition of units")


class Charging(Model):
    """How holders of one product are charged."""

    product: Identifier = described("Product", "Product of the market rules")
    mode: Literal["subscription", "dynamic"] = described(
        "Mode",
        "`subscription` bears a share of the costs; `dynamic` pays the price of its node",
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
    charging: tuple[Charging, ...] = described(
        "Charging", "Charging mode of every product", min_length=1, max_length=100
    )
