"""The tiny market under Fair Play, on the last days of a month: there promises are held to it."""

import datetime as dt

from sqlalchemy.orm import Session

from rulebook.documents import AllocationPolicy, Document, MarketRules, Registration
from rulebook.documents.base import Clause
from settlement.billing.post import post
from settlement.runs import store
from settlement.runs.run import Run
from settlement.runs.settle import settle
from tests.worlds import tiny_market
from tests.worlds.settled import RESETTLED, SETTLED, ingest_tiny, publish_tiny

FIRST, LAST = dt.date(2024, 1, 29), dt.date(2024, 1, 31)
MIDDLE = dt.date(2024, 1, 30)
NEXT_MONTH = dt.date(2024, 2, 1)
DAYS = (FIRST, MIDDLE, LAST)
JANUARY = dt.date(2024, 1, 1)
POINTS = ("B-home", "B-office", "C-home", "C-office")
KNOWN = ("B-home", "C-office")
"""The points in whose readings it stands what they desired, beside what was metered."""

FAIR_PLAY = {
    "least_fulfilment_ppm": 10_000,
    "compensation_micro_per_mwh": 100_000_000,
    "products": [{"product": "office", "compensation_micro_per_mwh": 40_000_000}],
}
DOUBTED = FAIR_PLAY | {"least_taken_ppm": 950_000}
DRAWN = FAIR_PLAY | {"products": [{"product": "office", "indivisible": True}]}
SCARCE = 40
"""What units have available, in percent of what they have in other worlds."""

LIMIT_WH = {"B-home": 15_000_000, "C-home": 15_000_000}
"""In a half-hour: 10,000 households of 3 kW; offices have no limit."""
BLOCK_WH = 60_000
"""That covers a household for a month; 10,000 of them take it in about a day."""


def law_with(
    fair_play: dict, timing: str = "flexible", block_wh: int | None = None
) -> list[Document]:
    """Return the tiny law with Fair Play; homes are essential, offices of the `timing` named."""
    rules, *others = tiny_market.documents(fair_play=fair_play)
    if "least_taken_ppm" in fair_play:
        others = [_citing_doubt(each) for each in others]
    home, office = rules.products
    window = 240 if timing == "flexible" else None
    office = office.model_copy(update={"timing": timing, "window_minutes": window})
    changes = {"products": (home.model_copy(update={"energy_wh": block_wh}), office)}
    if block_wh is not None:
        above = Clause(
            anchor="MR-9",
            text="Energy above what a contract covers.",
            fields=("products.energy_wh",),
            lines=("charge.excess",),
        )
        changes |= {"clauses": (*rules.clauses, above)}
    return [MarketRules.model_validate(rules.model_copy(update=changes).model_dump()), *others]


def _citing_doubt(document: Document) -> Document:
    """Return a document; an allocation policy with the clause by which a request may not count."""
    if not isinstance(document, AllocationPolicy):
        return document
    doubt = Clause(
        anchor="AP-8",
        text="A request counts where {fair_play.least_taken} of what is offered is taken.",
        fields=("fair_play.least_taken_ppm",),
    )
    return document.model_copy(update={"clauses": (*document.clauses, doubt)})


def publish_with(session: Session, fair_play: dict, timing: str = "flexible", **options) -> None:
    """Publish the tiny law with Fair Play."""
    publish_tiny(session, law_with(fair_play, timing, **options))


def with_products(law: list[Document], supplier: str, products: dict[str, str]) -> Registration:
    """Return a supplier's registration of a law, in which some points have products of homes."""
    (registration,) = (
        each for each in law if isinstance(each, Registration) and each.participant == supplier
    )
    points = [
        point.model_copy(update={"product": product, "household_count": 10_000})
        if (product := products.get(point.supply_point))
        else point
        for point in registration.supply_points
    ]
    return registration.model_copy(update={"supply_points": tuple(points)})


def ingest_month_end(session: Session, first=FIRST, last=LAST, desiring=KNOWN, **options) -> None:
    """Ingest seeded readings of the last days of the month, or of those named.

    Units have so little available that promises cannot be kept.
    """
    ingest_tiny(session, first, last, desiring=desiring, available_percent=SCARCE, **options)


def settle_days(session: Session, first, last, now=RESETTLED, kind="II", **options) -> Run:
    """Settle some days, without posting them."""
    return settle(session, "tiny", kind, first, last, known_at=now, now=now, **options).run


def settle_month_end(session: Session, kind="II", now=SETTLED) -> Run:
    """Settle and post the last days of the month."""
    run = settle_days(session, FIRST, LAST, now=now, kind=kind)
    post(session, run, now=now)
    return run


def vectors(session: Session, run: Run, day: dt.date):
    """Return the stored results of a day by measure and entity."""
    return store.stored_values(store.day_vectors(session, run.id, day))
