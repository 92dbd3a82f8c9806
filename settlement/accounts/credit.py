"""How the debt of each participant stands to the cover that it has lodged; pure.

The settlement terms say what counts as exposure; what the market owes a participant lowers it, and
it is never below zero. A level is reached when exposure over cover comes to its share: with a cover
of nothing, any exposure reaches the last.

    exposure 760 of a cover of 1,000, levels at 75 %, 90 %, 100 %:   notice, headroom 240
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.payments.account import Standing
from rulebook.documents import Registration
from rulebook.documents.base import MILLION
from rulebook.documents.settlement_terms import CreditTerms, WarningLevel

FORMS = {"cash": "cash", "guarantee": "guarantee", "letter-of-credit": "letter of credit"}
"""What people call the forms of cover."""


@dataclass(frozen=True)
class Lodged:
    """A deposit or an instrument that covers debts, by its number or name; amounts in micro."""

    form: str
    reference: str
    amount_micro: int


@dataclass(frozen=True)
class Credit:
    """Exposure and cover of a participant at a moment, in micro.

    Attributes:
        unpaid_micro, unbilled_micro: documents not paid, and what is settled and not billed.
        exposure_micro: of these, what counts by the terms; never below zero.
        lodged: what covers it.
        level: the highest level that is reached; None below the first.
    """

    participant: str
    legal_name: str
    unpaid_micro: int
    unbilled_micro: int
    exposure_micro: int
    lodged: tuple[Lodged, ...]
    level: WarningLevel | None

    @property
    def cover_micro(self) -> int:
        """All that is lodged."""
        return sum(each.amount_micro for each in self.lodged)

    @property
    def headroom_micro(self) -> int:
        """Cover less exposure; below zero, what is to be lodged."""
        return self.cover_micro - self.exposure_micro

    @property
    def used_ppm(self) -> int | None:
        """Exposure over cover, rounded down; None without cover."""
        return self.exposure_micro * MILLION // self.cover_micro if self.cover_micro else None

    @property
    def used_percent(self) -> int | None:
        """The same in ppm, rounded down to a tenth of a per cent, for tables."""
        used = self.used_ppm
        return None if used is None else used - used % 1_000


def credit_of(
    participant: str, registration: Registration | None, standing: Standing, terms: CreditTerms
) -> Credit:
    """Return how a participant's debt stands to its cover; without registration it has none."""
    parts = {"unpaid": standing.balance_micro, "unbilled": standing.unbilled_micro}
    exposure = max(0, sum(parts[name] for name in terms.exposure))
    lodged = tuple(
        Lodged(FORMS[deposit.form], deposit.reference, deposit.amount_micro)
        for deposit in (registration.credit_cover if registration is not None else ())
    )
    cover = sum(each.amount_micro for each in lodged)
    return Credit(
        participant=participant,
        legal_name=registration.legal_name if registration is not None else participant,
        unpaid_micro=standing.balance_micro,
        unbilled_micro=standing.unbilled_micro,
        exposure_micro=exposure,
        lodged=lodged,
        level=_level(exposure, cover, terms),
    )


def _level(exposure: int, cover: int, terms: CreditTerms) -> WarningLevel | None:
    reached = [level for level in terms.levels if exposure * MILLION >= level.from_ppm * cover]
    return reached[-1] if reached and exposure else None


def credits_of(
    registrations: Mapping[str, Registration],
    standings: Mapping[str, Standing],
    terms: CreditTerms,
) -> list[Credit]:
    """Return the credit of every participant that is registered or has an account, by name."""
    return [
        credit_of(name, registrations.get(name), standings.get(name, Standing()), terms)
        for name in sorted(registrations.keys() | standings.keys())
    ]
