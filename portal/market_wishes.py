"""What a form asks a market for: as it was typed, as numbers, and what is wrong beside which field.

Energy is typed in kWh and power in kW, as a household has them, moments by the market's clock. The
form has a key of its own, so that one that is sent twice asks once.
"""

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.http import QueryDict

from common.currencies import currency
from common.refusals import Finding, shown
from market.core.quotes import MOST_PRICE_MICRO_PER_MWH, Request, Side
from market.requesting import check_request, minutes_of
from portal.amounts import amount_form, parse_milli, parse_signed_micro
from portal.days import is_left_out, parse_day, parse_known

KEY = re.compile(r"[0-9a-f]{32}")
LONGEST_WORD = 60
TYPED = ("point", "side", "energy", "power", "earliest", "latest", "limit")
FIELD_OF = {
    "supply-point-unknown": "point",
    "supply-point-of-another": "point",
    "request-energy": "energy",
    "request-power": "power",
    "request-window": "latest",
    "request-limit": "limit",
}
"""By code of a finding, the field that it is about."""
_ANY_MOMENT = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KILO_FORM = (
    "write {} as 7.5 or 1,250.00, to a thousandth, with a point before decimals; the most is "
    "10,000,000 M{}"
)
_MOMENT_FORM = "write it as 2024-03-01 09:00, by the clock of {}"
_LEFT_OUT = "The clock of {} goes forward over that moment: choose one before or after it."


@dataclass
class WishForm:
    """A form that asks for energy.

    Attributes:
        typed: by field, as it was typed.
        key: that of the form.
        request: what it came to; None while something is wrong.
        beside: by field, what is wrong there; under "" what is of no field.
    """

    typed: dict[str, str]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    request: Request | None = None
    beside: dict[str, list[str]] = field(default_factory=dict)

    def complain(self, name: str, sentence: str) -> None:
        """Say something beside a field."""
        self.beside.setdefault(name, []).append(sentence)

    def refuse(
        self,
        findings: Iterable[Finding],
        remedy_of: Callable[[Finding], str] = lambda finding: finding.remedy,
    ) -> None:
        """Say each finding beside its field, with the remedy that its reader can follow."""
        for finding in findings:
            words = f"{finding.limit}, found {finding.value}; {remedy_of(finding)}."
            name = FIELD_OF.get(finding.code, "")
            place = "" if name else f"{finding.place}: "
            self.complain(name, f"{place}{words}"[:1].upper() + f"{place}{words}"[1:])

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the form as plain values, of which `kept_form` makes it again."""
        assert self.request is not None, "a form without a fault"
        asked = self.request
        return {
            "typed": self.typed,
            "key": self.key,
            "point": asked.point,
            "side": asked.side.value,
            "numbers": [
                asked.energy_wh,
                asked.power_w,
                asked.earliest_minute,
                asked.latest_minute,
                asked.limit_micro_per_mwh,
            ],
        }


def kept_form(arguments: Mapping[str, Any]) -> WishForm:
    """Return a form that was kept as `WishForm.arguments`."""
    return WishForm(dict(arguments["typed"]), arguments["key"], kept_request(arguments))


def refused_form(arguments: Mapping[str, Any]) -> WishForm:
    """Return a form of which nothing was handed in, with a key of its own: it may be sent again."""
    return WishForm(dict(arguments["typed"]), request=kept_request(arguments))


def kept_request(arguments: Mapping[str, Any]) -> Request:
    """Return what a form that was kept asks for, without the product of its contract."""
    return Request(arguments["point"], "", Side(arguments["side"]), *arguments["numbers"])


def event_key(account: str, market: str, form_key: str) -> str:
    """Return the key of the event of a form: no other account can have it."""
    return sha256(f"{account} {market} {form_key}".encode()).hexdigest()[:32]


def read_key(sent: QueryDict) -> str:
    """Return the key of a form that was sent; a new one where it has none."""
    key = sent.get("key", "")
    return key if KEY.fullmatch(key) else uuid.uuid4().hex


def read_wish(sent: QueryDict, points: Iterable[str], zone: str, code: str) -> WishForm:
    """Return what a form sent; what is wrong with it stands beside its fields, all at once.

    Args:
        sent: the form.
        points: supply points that whoever sent it may ask for.
        zone: by whose clock moments are typed.
        code: of the currency of prices.
    """
    form = WishForm({name: sent.get(name, "").strip() for name in TYPED}, read_key(sent))
    if form.typed["point"] not in set(points):
        form.complain("point", "Choose one of your supply points.")
    if form.typed["side"] not in tuple(Side):
        form.complain("side", "Choose whether to buy or to sell.")
        return form
    side = Side(form.typed["side"])
    read = _read_numbers(form, side, zone, code)
    asked = Request(form.typed["point"], "", side, *(value or 0 for value in read.values()))
    form.refuse(
        finding
        for finding in check_request(asked)
        # What could not be read is complained of already, and a window has two ends.
        if not form.beside.get(FIELD_OF[finding.code])
        and not (finding.code == "request-window" and None in (read["earliest"], read["latest"]))
    )
    form.request = None if form.beside else asked
    return form


def _read_numbers(form: WishForm, side: Side, zone: str, code: str) -> dict[str, int | None]:
    any_price = MOST_PRICE_MICRO_PER_MWH if side is Side.BUY else -MOST_PRICE_MICRO_PER_MWH
    sign = currency(code).sign.strip()
    fields: Mapping[str, tuple[Callable[[str], int | None], str]] = {
        "energy": (parse_milli, _KILO_FORM.format("kWh", "Wh")),
        "power": (parse_milli, _KILO_FORM.format("kW", "W")),
        "earliest": (lambda text: _minute(text, zone), _MOMENT_FORM.format(zone)),
        "latest": (lambda text: _minute(text, zone), _MOMENT_FORM.format(zone)),
        "limit": (
            lambda text: parse_signed_micro(text, code),
            f"{amount_form(code)}, in {sign} per MWh, or leave it empty",
        ),
    }
    read: dict[str, int | None] = {}
    for name, (parse, how) in fields.items():
        text = form.typed[name]
        if not text:
            read[name] = any_price if name == "limit" else None
            if name != "limit":
                form.complain(name, "Fill it in.")
            continue
        read[name] = parse(text)
        if read[name] is None:
            form.complain(name, f"{shown(text[:LONGEST_WORD])} cannot be read; {how}.")
        elif name in ("earliest", "latest") and is_left_out(text, zone):
            form.complain(name, _LEFT_OUT.format(zone))
            read[name] = None
    return read


def _minute(text: str, zone: str) -> int | None:
    """Return a moment by the local clock in minutes since 1970; None where it is none."""
    if parse_day(text) is not None:
        return None
    moment = parse_known(text, zone, _ANY_MOMENT)
    return None if moment is None else minutes_of(moment)
