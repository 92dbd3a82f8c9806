"""Filters and tags of the pages: money, energy, digests, local time, addresses of assets."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common import bank_accounts, currencies, quantities
from common.refusals import Finding
from ledger.journal import CHARGED, ENERGY, is_money
from ledger.queries import JournalSummary
from portal import amounts
from portal.charts.bars import cell_bar
from portal.editing.keys import key_of
from portal.views import page_remedies
from settlement.billing.lines import LINE_KINDS, account_title
from settlement.notices.notice import Change

UNIT_OF_COMMODITY = {ENERGY: "Wh"} | {commodity: unit for unit, commodity in CHARGED.items()}

register = template.Library()


@register.filter
def money(micro: int, currency: str) -> SafeString:
    """Write an exact amount; the digits below the minor unit stand back."""
    shown, below = amounts.money_parts(int(micro), currency)
    return format_html('<span class="money">{}<span class="below">{}</span></span>', shown, below)


@register.filter
def money_minor(minor: int, currency: str) -> SafeString:
    """Write an amount that is counted in minor units."""
    return format_html('<span class="money">{}</span>', amounts.money_minor(int(minor), currency))


@register.filter
def bank_account(printed: str) -> str:
    """Write a bank account with the word for what names it."""
    return bank_accounts.account_words(printed)


@register.filter
def below_minor(currency: str) -> SafeString:
    """Keep the room of the digits below the minor unit, so that amounts stand under each other."""
    _, below = amounts.money_parts(0, currency)
    return format_html('<span class="money"><span class="below pad">{}</span></span>', below)


@register.filter
def minor_name(currency: str) -> str:
    """Name the minor units of a currency, such as pence."""
    return currencies.currency(currency).minor_name


@register.filter
def with_sign(number: str, code: str) -> str:
    """Return a number that is written already as an amount of a currency.

    >>> with_sign("90.2450908985", "GBP"), with_sign("−1.5", "GBP")
    ('£90.2450908985', '−£1.5')
    """
    unsigned = number.removeprefix(quantities.MINUS)
    minus = quantities.MINUS if unsigned != number else ""
    return f"{minus}{currencies.currency(code).sign}{unsigned}"


@register.filter
def energy(wh: int) -> SafeString:
    """Write exact energy in MWh; the digits below the kWh stand back."""
    mwh, below = amounts.energy_parts(int(wh))
    return format_html('<span class="money">{}<span class="below">{}</span> MWh</span>', mwh, below)


@register.filter
def power(w: int) -> str:
    """Write power exactly."""
    return quantities.power(int(w))


@register.filter
def ppm(value: int) -> str:
    """Write parts per million as a percentage."""
    return quantities.ppm(int(value))


@register.filter
def change_amount(change: Change) -> SafeString | str:
    """Write by how much an account changed, in its commodity."""
    if is_money(change.commodity):
        return money(change.amount, change.commodity)
    return in_unit(change.amount, UNIT_OF_COMMODITY[change.commodity])


@register.filter
def account(change: Change) -> str:
    """Write the name of an account that changed."""
    return account_title(change.commodity, change.account_kind)


@register.filter
def in_unit(value: int, unit: str) -> str:
    """Write a quantity that is no money in the form that people read."""
    if unit == "Wh":
        return energy(value)
    return quantities.quantity(int(value), unit or "")


@register.filter
def typed_unit(unit: str | None) -> str:
    """Return the unit in which people type a quantity."""
    return amounts.typed_unit(unit)


@register.filter
def quantity_form(unit: str | None) -> str:
    """Return how a quantity is to be typed."""
    return amounts.quantity_form(unit)


@register.filter
def line_title(code: str) -> str:
    """Write what pages call a kind of line, such as `Charged: Dynamic price`."""
    kind = LINE_KINDS.get(code)
    # Law of before an edition may name a line that this one no longer bills.
    return code if kind is None else account_title("", kind.code)


@register.filter
def page_remedy(finding: Finding) -> str:
    """Write what the reader of a page does about a finding."""
    return page_remedies.page_remedy(finding)


@register.filter
def document_key(instrument: str) -> str:
    """Write what a document is called within its market."""
    return key_of(instrument)


@register.simple_tag
def value_in_unit(value: int, unit: str, currency: str) -> SafeString | str:
    """Write an amount, a price or a quantity in the form that people read."""
    if unit == "micro":
        return money(value, currency)
    if unit == "Wh":
        return energy(value)
    return quantities.with_unit(int(value), unit or "", currency)


@register.filter
def digest(value: bytes | memoryview) -> SafeString:
    """Write the first letters of a digest; the whole of it is in the title."""
    whole = bytes(value)
    return format_html(
        '<code class="digest" title="{}">{}</code>', whole.hex(), amounts.short_digest(whole)
    )


@register.filter
def whole_digest(value: bytes | memoryview) -> SafeString:
    """Write a whole digest in groups of eight, so that two can be compared by eye."""
    letters = bytes(value).hex()
    groups = [letters[start : start + 8] for start in range(0, len(letters), 8)]
    return format_html('<code class="digest whole">{}</code>', " ".join(groups))


@register.filter
def grouped(value: int) -> str:
    """Write a count with its thousands apart."""
    return f"{value:,}"


@register.filter
def hexadecimal(value: bytes | memoryview) -> str:
    """Write bytes in hexadecimal, for addresses."""
    return bytes(value).hex()


@register.filter
def day(value: dt.date) -> SafeString:
    """Write a day as `15 Jan 2024`, for machines too."""
    return _time(value.isoformat(), f"{value.day} {value:%b %Y}")


@register.filter
def month(value: dt.date) -> SafeString:
    """Write a month as `January 2024`."""
    return _time(f"{value:%Y-%m}", f"{value:%B %Y}")


def _time(machine: str, people: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', machine, people)


@register.filter
def moment(value: dt.datetime, zone: str = "UTC") -> SafeString:
    """Write an instant by the local clock, with its zone."""
    return _time(value.isoformat(), amounts.local_time(value, zone or "UTC"))


@register.filter
def seconds(value: float) -> str:
    """Write a duration with one decimal."""
    return f"{value:.1f}{currencies.NO_BREAK_SPACE}s"


@register.filter
def debits_in(journal: JournalSummary, commodities: tuple[str, ...]) -> list[SafeString | str]:
    """Return what a journal moved in each commodity, as its debits; a dash for nothing."""
    debits = {total.commodity: total.debit for total in journal.totals}
    return [
        "none"
        if commodity not in debits
        else energy(debits[commodity])
        if commodity == ENERGY
        else money(debits[commodity], commodity)
        for commodity in commodities
    ]


@register.filter
def bar(value: int, largest: int) -> SafeString:
    """Draw a value as a bar beside its figure, for the eye alone."""
    return SafeString(cell_bar(int(value), int(largest)))


@register.filter
def negated(value: int) -> int:
    """Return an amount with the other sign, for documents that state what the market pays."""
    return -int(value)


@register.filter
def get_item(values: dict[Any, Any], key: Any) -> Any:
    """Return what a mapping holds under a key; None where it holds nothing."""
    return values.get(key)


@register.filter
def zipped(values: Iterable[Any], others: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """Return values in pairs with as many others, such as cells with titles of columns."""
    return zip(values, others, strict=True)


@register.filter
def is_table(value: Any) -> bool:
    """Return whether a cell of a document holds a table of its own."""
    return hasattr(value, "columns")


@register.simple_tag
def asset(path: str) -> str:
    """Return the address of a static file, which changes when the file does."""
    return f"{static(path)}?v={_sha384(path).hex()[:12]}"


@register.simple_tag
def integrity(path: str) -> str:
    """Return the integrity attribute of a static file."""
    return f"sha384-{base64.b64encode(_sha384(path)).decode()}"


@cache
def _sha384(path: str) -> bytes:
    found = finders.find(path)
    if found is None:
        raise ValueError(f"no static file {path}")
    with open(found, "rb") as file:  # noqa: PTH123 - finders return a string
        return hashlib.file_digest(file, "sha384").digest()
