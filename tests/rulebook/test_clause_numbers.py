"""A clause names the field that it governs, and does not repeat a number; 20 cases each way."""

import doctest

import pytest

from common.quantities import with_unit
from rulebook import clause_numbers, clause_units, clause_words
from rulebook.checks import check_document
from rulebook.clause_names import values_governed
from rulebook.clause_numbers import stated_numbers
from rulebook.clause_units import says_the_same
from rulebook.yaml_text import read_yaml
from tests.rulebook.law import (
    GRID,
    HEARTH,
    HIGHLAND,
    POLICY,
    RULES,
    TERMS,
    body,
    made,
    scenario,
    with_clause,
)

CHARGES = "gb12/charge-list/isles-networks"
CURVE = ["layers.curve"]
PRICE = "layers.curve.price_micro_per_mwh"
SHARE = "layers.curve.tightness_ppm"

REFUSED = [
    (RULES, CURVE, "It rises to 80 pounds.", "80 pounds", PRICE, "layers.system.curve"),
    (RULES, CURVE, "It rises to eighty pounds.", "eighty pounds", PRICE, "layers.system.curve"),
    (RULES, CURVE, "£300/MWh when all is in use", "£300/MWh", PRICE, "layers.system.curve"),
    (RULES, CURVE, "4p a kWh, or £0.08 per kWh", "£0.08 per kWh", PRICE, "layers.system.curve"),
    (RULES, CURVE, "at a tightness of nine tenths", "nine tenths", SHARE, "layers.system.curve"),
    (RULES, CURVE, "from 30 on", "30", SHARE, "layers.system.curve"),
    (
        RULES,
        ["price_cap_micro_per_mwh"],
        "No price is above 6,000.",
        "6,000",
        "price_cap_micro_per_mwh",
        "price_cap",
    ),
    (
        RULES,
        ["price_cap_micro_per_mwh"],
        "No price is above six thousand pounds a megawatt hour.",
        "six thousand pounds a megawatt hour",
        "price_cap_micro_per_mwh",
        "price_cap",
    ),
    (
        RULES,
        ["interval_minutes"],
        "An interval is thirty minutes.",
        "thirty minutes",
        "interval_minutes",
        "interval",
    ),
    (
        RULES,
        ["interval_minutes"],
        "It lasts half an hour.",
        "half an hour",
        "interval_minutes",
        "interval",
    ),
    (
        RULES,
        ["products"],
        "Basic is promised 99.5 % of it.",
        "99.5 %",
        "products.reliability_ppm",
        "products.P1.reliability",
    ),
    (
        RULES,
        ["products.window_minutes"],
        "within three or eight hours",
        "eight hours",
        "products.window_minutes",
        "products.P2.window",
    ),
    (
        RULES,
        ["settlement_calendar"],
        "SF comes sixteen days later.",
        "sixteen days",
        "settlement_calendar.lag_days",
        "settlement_calendar.SF.lag",
    ),
    (
        GRID,
        ["lines.rating_w"],
        "Up to 9 GW flow.",
        "9 GW",
        "lines.rating_w",
        "lines.N0-N1.rating",
    ),
    (
        GRID,
        ["lines.length_m"],
        "The line is 200,000 metres long.",
        "200,000 metres",
        "lines.length_m",
        "lines.N0-N1.length",
    ),
    (
        POLICY,
        ["fair_play.least_fulfilment_ppm"],
        "no part counting as less than a tenth, or 10 %",
        "10 %",
        "fair_play.least_fulfilment_ppm",
        "fair_play.least_fulfilment",
    ),
    (
        TERMS,
        ["payment_term_days"],
        "due on the 14th day after its issue",
        "14th day",
        "payment_term_days",
        "payment_term",
    ),
    (
        TERMS,
        ["late_payment"],
        "eight parts in a hundred a year",
        "eight parts in a hundred",
        "late_payment.annual_rate_ppm",
        "late_payment.annual_rate",
    ),
    (
        HIGHLAND,
        ["units.annual_capital_micro"],
        "recovered with £680 million a year",
        "£680 million",
        "units.annual_capital_micro",
        "units.G3.annual_capital",
    ),
    (
        CHARGES,
        ["tariffs.prices"],
        "dearest in the hours before seven in the evening",
        "seven in the evening",
        "tariffs.prices.to_hour",
        "tariffs.TUOS.prices",
    ),
]
LAWFUL = [
    (RULES, CURVE, "The price is read from {layers.node.curve}."),
    (RULES, CURVE, "It is as MR-2.90, MR-90 and MR-6000.400 say."),
    (RULES, CURVE, "It holds since 30 September 2023, 20 October and 2024-09-30."),
    (RULES, CURVE, "It is read in ninety parts of the grid and thirty others."),
    (RULES, CURVE, "It is read within 90 minutes, 20 days and 9 MW."),
    (RULES, CURVE, "The price N90 of P20 and AMM400 is read from it."),
    (RULES, CURVE, "Between them it rises by 310 pounds, which follows from the curve."),
    (RULES, ["time_zone"], "An interval is thirty minutes of that zone."),
    (
        RULES,
        ["time_zone", "interval_minutes"],
        "It holds 46 half-hours when the clocks go forward and 50 when they go back.",
    ),
    (RULES, ["interval_minutes"], "A settlement day holds 48 of them, an hour two."),
    (RULES, ["price_floor_micro_per_mwh"], "No price is above 6,000 pounds."),
    (RULES, ["price_cap_micro_per_mwh"], "£6,000 per kWh is 1000 times as much as the cap."),
    (RULES, ["products.timing"], "Flexible demand is served within eight hours."),
    (RULES, ["settlement_calendar"], "Its runs are five, in their order; SF is the second."),
    (GRID, ["layers"], "The grid is divided in five layers, one in another."),
    (GRID, ["lines.rating_w"], "A line of 9 kV is 9 km long."),
    (POLICY, ["fair_play.least_fulfilment_ppm"], "After 7 days: {fair_play.least_fulfilment}."),
    (TERMS, ["payment_term_days"], "A year has 365 days, and February 28 or 29."),
    (TERMS, ["operator", "operator.iban"], "Amounts of 14 days go to its account."),
    (HEARTH, ["supply_points.supply_point"], "Each of the 2,400,000 households takes a product."),
]  # fmt: skip

CAP = "price_cap_micro_per_mwh"
WRITTEN_OTHERWISE = [
    (RULES, CAP, "No price is above £6\u00ad000.", "£6000"),
    (RULES, CAP, "No price is above £6\u200b000.", "£6000"),
    (RULES, CAP, "No price is above £6\u034f000.", "£6000"),
    (RULES, CAP, "No price is above £6\ufe0f000.", "£6000"),
    (RULES, CAP, "No price is above £6\u0336000.", "£6000"),
    (RULES, CAP, "No price is above £6\u2009000.", "£6 000"),
    (RULES, CAP, "No price is above £6\u2007000.", "£6 000"),
    (RULES, CAP, "No price is above 6\u202fthousand pounds.", "6 thousand pounds"),
    (RULES, CAP, "No price is above six  thousand  pounds.", "six thousand pounds"),
    (RULES, CAP, "No price is above s\u0456x thousand pounds.", "six thousand pounds"),
    (RULES, CAP, "No price is above \u0455\u0456\u0445 thousand pounds.", "six thousand pounds"),
    (RULES, CAP, "No price is above six\u2010thousand pounds.", "six-thousand pounds"),
    (RULES, CAP, "No price is above £\uff16,\uff10\uff10\uff10.", "£6,000"),
    (RULES, CAP, "No price is above £6,000\u00b9.", "£6,000"),
    (RULES, CAP, "No price is above £6,OOO.", "£6,000"),
    (RULES, CAP, "No price is above\u20266,000 pounds.", "6,000 pounds"),
    (RULES, "interval_minutes", "It lasts ½ hour.", "1/2 hour"),
    (RULES, "interval_minutes", "It lasts half\u2011an\u00a0hour.", "half-an hour"),
]  # fmt: skip
TERM, RATE = "payment_term_days", "late_payment"
IN_OTHER_UNITS = [
    (RULES, CAP, "No price is above six thousand British pounds.", "six thousand British pounds"),
    (RULES, CAP, "No price is above six thousand british pounds.", "six thousand british pounds"),
    (RULES, CAP, "No price is above 6000 pounds sterling.", "6000 pounds sterling"),
    (RULES, CAP, "No price is above 6k pounds.", "6k pounds"),
    (RULES, CAP, "No price is above £6K.", "£6K"),
    (RULES, CAP, "No price is above 0.006m pounds.", "0.006m pounds"),
    (RULES, CAP, "No price reaches the £6000th.", "£6000th"),
    (RULES, CAP, "No price is above MR-6000 pounds.", "6000 pounds"),
    (RULES, CAP, "No price is above MR-6,000 pounds.", "6,000 pounds"),
    (RULES, CAP, "No price is above MR-6 thousand pounds.", "6 thousand pounds"),
    (RULES, CAP, "No price is above the cap-6000 pounds.", "6000 pounds"),
    (RULES, CAP, "No price is above 6.000,00 pounds.", "6.000,00 pounds"),
    (RULES, CAP, "No price is above 6_000_000_000 micro.", "6_000_000_000 micro"),
    (
        RULES,
        CAP,
        "No price is above 6,000,000,000 micro per MWh.",
        "6,000,000,000 micro per MWh",
    ),
    (RULES, CAP, "No price is above 6 billion micropounds.", "6 billion micropounds"),
    (RULES, CAP, "No price is above 6000000000.", "6000000000"),
    (RULES, CAP, "No price is above £six thousand.", "six thousand"),
    (RULES, CAP, "No price is above pounds six thousand.", "six thousand"),
    (RULES, CAP, "No price is above 6thousand pounds.", "6thousand pounds"),
    (RULES, CAP, "No price is above £6, 000.", "£6, 000"),
    (RULES, CAP, "No price is above £6·000.", "£6.000"),
    (RULES, CAP, "No price is above £MR-6000.", "6000"),
    (RULES, "interval_minutes", "It lasts 0·5 hours.", "0.5 hours"),
    (RULES, "interval_minutes", "It lasts a half-hour.", "a half-hour"),
    (RULES, "interval_minutes", "Each half-hour is one.", "half-hour"),
    (RULES, "interval_minutes", "Intervals are half-hours.", "half-hours"),
    (RULES, "interval_minutes", "It lasts one half of an hour.", "one half of an hour"),
    (RULES, "interval_minutes", "It lasts ½ an hour.", "1/2 an hour"),
    (RULES, "interval_minutes", "It lasts 0,5 hours.", "0,5 hours"),
    (RULES, "interval_minutes", "It lasts 0.5 of an hour.", "0.5 of an hour"),
    (RULES, "interval_minutes", "It lasts 1/48 of a day.", "1/48 of a day"),
    (RULES, "interval_minutes", "It lasts a forty-eighth of a day.", "a forty-eighth of a day"),
    (RULES, "interval_minutes", "It lasts two quarters of an hour.", "two quarters of an hour"),
    (RULES, "products.window_minutes", "within one third of a day", "one third of a day"),
    (TERMS, TERM, "due on the fourteenth day after its issue", "fourteenth day"),
    (TERMS, TERM, "due a fortnight after its issue", "a fortnight"),
    (TERMS, TERM, "due one fortnight after its issue", "one fortnight"),
    (TERMS, RATE, "800 basis points a year", "800 basis points"),
    (TERMS, RATE, "eight hundred bps a year", "eight hundred bps"),
    (TERMS, RATE, "£8 in every £100 a year", "£8 in every £100"),
    (TERMS, RATE, "eight in every hundred a year", "eight in every hundred"),
    (TERMS, RATE, "eight parts per hundred a year", "eight parts per hundred"),
    (TERMS, RATE, "8 pence in the pound a year", "8 pence in the pound"),
    (TERMS, RATE, "8p a pound a year", "8p a pound"),
    (TERMS, RATE, "two twenty-fifths a year", "two twenty-fifths"),
    (TERMS, RATE, "80,000 a year", "80,000"),
]
NEIGHBOURS = [
    (RULES, CAP, "Half of the households, and six thousand of the others, are charged."),
    (RULES, CAP, "One third of the votes, or a third of them, decide, under MR-2.1."),
    (RULES, CAP, "Six thousand kilowatts, 6k households and 6 m are no price."),
    (RULES, CAP, "A basic price of MR-6000 is as GR-6000.1 says."),
    (RULES, CAP, "At 5,999 British pounds, 6,000,000 micro or 8 in 100 nothing happens."),
    (RULES, "products.window_minutes", "Every half-hour counts, a fortnight or ½ hour long."),
    (RULES, "interval_minutes", "There are 46 half-hours, or fifty half-hours, in such days."),
    (RULES, "interval_minutes", "It lasts a fortnight, a quarter of an hour, or 0,25 hours."),
    (RULES, "interval_minutes", "Half of the intervals, one half of them, are one-sided."),
    (RULES, "settlement_calendar", "A fortnight, a fourteenth day, a third party; the first."),
    (TERMS, TERM, "Fourteen parties, a fourteenth of them, on the fourteenth line."),
    (TERMS, TERM, "On the thirteenth day, the first day of a month, and a half-day later."),
    (TERMS, RATE, "Eight hundred points, 800 pounds, £8 in every £1000, or 8 per mille."),
    (TERMS, RATE, "Half of it, half as much, or half the rate; one eighth of the votes."),
]  # fmt: skip


def spaced(text: str) -> str:
    return text.replace("\xa0", " ")


def test_there_are_twenty_cases_each_way():
    assert (len(REFUSED), len(LAWFUL)) == (20, 20)


@pytest.mark.parametrize(("instrument", "fields", "text", "number", "path", "name"), REFUSED)
def test_a_repeated_number_is_refused(instrument, fields, text, number, path, name):
    document = with_clause(instrument, fields, text)
    findings = [each for each in check_document(document, "test") if each.code.startswith("clause")]
    assert [(each.code, each.place) for each in findings] == [
        ("clause-repeats-number", "test: clauses[0].text")
    ]
    (finding,) = findings
    anchor = document.clauses[0].anchor
    assert finding.value == repr(number)
    assert finding.limit == (
        f"clause {anchor} governs {path}, and does not repeat a number that it holds"
    )
    assert finding.remedy.startswith(f"write {{{name}}} in its place")
    assert "stands in quotes" in finding.remedy


@pytest.mark.parametrize(
    ("instrument", "field", "text", "number"), WRITTEN_OTHERWISE + IN_OTHER_UNITS
)
def test_a_number_is_read_as_people_see_it(instrument, field, text, number):
    findings = check_document(with_clause(instrument, [field], text), "test")
    assert [each.value for each in findings if each.code == "clause-repeats-number"] == [
        repr(number)
    ]


@pytest.mark.parametrize(("instrument", "field", "text"), NEIGHBOURS)
def test_lawful_neighbours_of_each_kind_stay_lawful(instrument, field, text):
    findings = check_document(with_clause(instrument, [field], text), "test")
    assert [each for each in findings if each.code.startswith("clause")] == []


def test_an_anchor_that_exists_is_none_of_the_numbers():
    text = "No price is above what MR-90 pounds out."
    assert [each.text for each in stated_numbers(text)] == ["90 pounds"]
    assert stated_numbers(text, {"MR-90"}) == []


def test_a_third_is_found_as_it_is_stored():
    values = body(TERMS)
    values["late_payment"] = values["late_payment"] | {"annual_rate_ppm": 333_333}
    values["clauses"] = [
        values["clauses"][0] | {"text": "One third of it, 2 fifths.", "fields": [RATE]}
    ]
    findings = check_document(made(values), "test")
    assert [each.value for each in findings] == ["'One third'"]


@pytest.mark.parametrize(("instrument", "fields", "text"), LAWFUL)
def test_other_numbers_are_lawful(instrument, fields, text):
    findings = check_document(with_clause(instrument, fields, text), "test")
    assert [each for each in findings if each.code.startswith("clause")] == []


@pytest.mark.parametrize(("instrument", "fields", "text", "number", "path", "name"), REFUSED)
def test_the_remedy_is_lawful(instrument, fields, text, number, path, name):
    document = with_clause(instrument, fields, text.replace(number, f"{{{name}}}"))
    assert [each for each in check_document(document, "test") if each.code[:6] == "clause"] == []


def test_every_repeated_number_is_found_at_once():
    values = body(RULES)
    values["clauses"][3]["text"] = "From nothing to £20, 90 pounds and four hundred pounds."
    values["clauses"][4]["text"] = "At most 6,000 pounds, at least £0."
    findings = check_document(made(values), "test")
    assert [(each.place, each.value) for each in findings] == [
        ("test: clauses[3].text", "'£20'"),
        ("test: clauses[3].text", "'90 pounds'"),
        ("test: clauses[3].text", "'four hundred pounds'"),
        ("test: clauses[4].text", "'6,000 pounds'"),
        ("test: clauses[4].text", "'£0'"),
    ]


def test_the_remedy_holds_for_a_clause_that_is_written_in_braces():
    written = '{anchor: ST-1.1, text: "Paid in {payment_term}.", fields: [payment_term_days]}'
    assert read_yaml(written)["text"] == "Paid in {payment_term}."
    findings = check_document(with_clause(TERMS, ["payment_term_days"], "In 14 days."), "test")
    (finding,) = [each for each in findings if each.code == "clause-repeats-number"]
    assert finding.remedy.endswith(
        "stands in quotes where it opens with a name, or its clause is written in braces"
    )


def test_a_number_that_not_every_reader_may_see_is_left_out():
    quantity = body(CHARGES)["links"][0]["quantity"]
    text = f"It bears the price for {quantity} pieces."
    findings = check_document(with_clause(CHARGES, ["links.quantity"], text), "test")
    (finding,) = [each for each in findings if each.code == "clause-repeats-number"]
    assert finding.remedy.startswith("leave it out")


@pytest.mark.parametrize("instrument", [RULES, GRID, POLICY, TERMS, HIGHLAND, HEARTH, CHARGES])
def test_what_people_are_shown_of_any_number_is_found_again(instrument):
    document, tried = scenario()[instrument], set()
    for field in type(document).model_fields:
        for held in values_governed(document, field):
            if isinstance(held.value, bool) or not isinstance(held.value, int):
                continue
            written = with_unit(held.value, held.unit, "GBP")
            for text in (written, spaced(written), spaced(written).replace(",", "")):
                (number,) = stated_numbers(f"It is {text}, says the market.")
                assert says_the_same(number.amount, number.unit, held), (held, number)
            tried.add(held.unit)
    assert tried


@pytest.mark.parametrize("module", [clause_numbers, clause_units, clause_words])
def test_examples_in_docstrings_hold(module):
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed
