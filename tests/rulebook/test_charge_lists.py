"""What is refused about charge lists, alone and beside the rest of the law."""

import datetime as dt

import pytest

from common.refusals import Refused
from rulebook.checks import InForce, check_document, check_law
from rulebook.days import first_uncovered, overlapping, shared_days
from rulebook.digest import document_body, document_digest
from rulebook.documents import ChargeList, Registration
from rulebook.documents.charge_list import charge_names
from rulebook.law import rules_for_period
from rulebook.reading import document_of, read_document
from rulebook.yaml_text import write_yaml
from tests.worlds import tiny_market
from tests.worlds.law import publish
from tests.worlds.settled import PUBLISHED, publish_tiny

JANUARY, FEBRUARY, MARCH = (dt.date(2024, month, 1) for month in (1, 2, 3))
LATER = PUBLISHED + dt.timedelta(minutes=1)


def body():
    return tiny_market.charge_list().model_dump()


def made(bend=lambda values: None) -> ChargeList:
    values = body()
    bend(values)
    document, findings = document_of(values, "charges.yaml")
    assert document is not None, findings
    return document


def twice(values, field, **changes):
    values[field] = (*values[field], values[field][0] | changes)


def tariff_prices(*prices):
    def bend(values):
        values["tariffs"][0]["prices"] = prices

    return bend


def one_link(**changes):
    def bend(values):
        values["links"] = (values["links"][0] | changes,)

    return bend


def price(from_day=JANUARY, **more):
    return {"from_day": from_day, "price_micro_per_kwh": 1} | more


ALONE = [
    (lambda v: twice(v, "tariffs"), ["charge-repeated"], "tariffs[2].code"),
    (lambda v: v.update(tariffs=[*v["tariffs"], v["tariffs"][0] | {"code": "GRID"}]),
     ["charge-repeated"], "tariffs[2].code"),
    (lambda v: v["fees"][0].update(code="grid"),
     ["link-of-several-types"] * 4 + ["link-unknown-charge"], "links[0].charge_type"),
    (one_link(charge="grid", charge_type="subscription"), ["link-unknown-charge"],
     "links[0].charge"),
    (lambda v: v["fees"][0].update(clause="CL-9"), ["charge-unknown-clause"], "fees[0].clause"),
    (lambda v: v["clauses"][0].update(anchor="AP-1"),
     ["clause-of-another-kind", "charge-unknown-clause"], None),
    (tariff_prices(price(to_day=JANUARY)), ["days-empty"], "tariffs[0].prices[0].to_day"),
    (one_link(to_day=JANUARY), ["days-empty"], "links[0].to_day"),
    (tariff_prices(price(from_hour=7, to_hour=7)), ["hours-empty"],
     "tariffs[0].prices[0].to_hour"),
    (lambda v: v["tariffs"][1].update(prices=(price(to_hour=7), price(from_hour=7))),
     ["daily-tariff-by-hour"] * 2, "tariffs[1].prices[0]"),
    (tariff_prices(price(), price(FEBRUARY)), ["prices-overlap"], "tariffs[0].prices[1]"),
    (tariff_prices(price(to_hour=8), price(from_hour=7)), ["prices-overlap"],
     "tariffs[0].prices[1]"),
    (lambda v: twice(v["subscriptions"][0], "prices", from_day=FEBRUARY), ["prices-overlap"],
     "subscriptions[0].prices[1]"),
    (one_link(charge="stamp"), ["link-unknown-charge"], "links[0].charge"),
    (one_link(unit="U2"), ["link-of-one-thing"], "links[0]"),
    (one_link(supply_point=None), ["link-of-one-thing"], "links[0]"),
    (one_link(supply_point=None, sub_meter="M1", unit="U2"), ["link-of-one-thing"], "links[0]"),
    (lambda v: v.update(links=[{"charge": "grid", "unit": "U2", "from_day": JANUARY}] * 2),
     ["links-overlap"], "links[1]"),
    (one_link(quantity=2), ["tariff-link-quantity"], "links[0].quantity"),
    (one_link(charge="connect"), ["fee-link-not-one-day"], "links[0].to_day"),
    (one_link(charge="connect", to_day=FEBRUARY), ["fee-link-not-one-day"], "links[0].to_day"),
    (lambda v: twice(v, "links"), ["links-overlap"], "links[11]"),
    (lambda v: twice(v, "links", from_day=MARCH), ["links-overlap"], "links[11]"),
    (lambda v: v["subscriptions"][0]["prices"][0].update(price_micro_per_month=10**12),
     ["charge-too-large"], "subscriptions[0].prices[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("bend", "expected", "path"), ALONE)
def test_a_charge_list_alone(bend, expected, path):
    findings = check_document(made(bend), "charges.yaml")
    assert [finding.code for finding in findings][: len(expected)] == expected
    if path is not None:
        assert findings[0].place == f"charges.yaml: {path}"
        assert len(findings) == len(expected)
    for finding in findings:
        assert finding.value and finding.limit and finding.remedy


FIELDS = [
    (lambda v: v["tariffs"][0].update(resolution="month"), "unknown-value"),
    (lambda v: v["tariffs"][0].update(taxed="yes"), "not-true-or-false"),
    (lambda v: v["links"][0].update(quantity=0), "too-small"),
    (lambda v: v["links"][0].update(quantity=1.5), "not-an-integer"),
    (lambda v: v["links"][0].update(from_day=dt.datetime(2024, 1, 1)), "not-a-day"),
    (lambda v: v["tariffs"][0]["prices"][0].update(to_hour=25), "too-large"),
    (lambda v: v["tariffs"][0]["prices"][0].update(price_micro_per_kwh=10**9), "too-large"),
    (lambda v: v["tariffs"][0]["prices"][0].pop("price_micro_per_kwh"), "missing-field"),
    (lambda v: v["fees"][0]["prices"][0].update(price_micro_per_kwh=1), "unknown-field"),
]


@pytest.mark.parametrize(("bend", "code"), FIELDS)
def test_a_field_that_is_not_as_it_should_be(bend, code):
    values = body()
    bend(values)
    document, findings = document_of(values, "charges.yaml")
    assert document is None
    assert [finding.code for finding in findings] == [code]


def test_a_sound_charge_list_has_no_findings_and_survives_yaml():
    charges = tiny_market.charge_list()
    assert check_document(charges, "charges.yaml") == ()
    assert read_document(write_yaml(charges), "charges.yaml") == (charges, ())
    assert charges.instrument == "tiny/charge-list/elder"
    assert [charge.code for charge in charges.charges] == ["grid", "levy", "meter", "connect"]


def together(charge_lists, registrations, days=(JANUARY, None)):
    rules, grid, policy, *_ = tiny_market.documents()
    law = InForce(rules, grid, policy, tuple(registrations), {}, tuple(charge_lists), days)
    return [(finding.code, finding.place) for finding in check_law(law)]


OWNER = tiny_market.charges()[0]
EVERYONE = [*tiny_market.registrations(), OWNER]
LIST = "tiny/charge-list/elder"


def test_the_owner_is_registered_as_an_owner_of_charges():
    found = together([tiny_market.charge_list()], tiny_market.registrations())
    assert found == [("charge-owner-not-registered", f"{LIST}: owner")]
    supplier = Registration.model_validate(OWNER.model_dump() | {"roles": ("supplier",)})
    found = together([tiny_market.charge_list()], [*tiny_market.registrations(), supplier])
    assert found == [("charge-owner-not-registered", f"{LIST}: owner")]
    assert together([tiny_market.charge_list()], EVERYONE) == []


def test_a_charge_is_named_by_code_owner_and_type():
    """Two network owners each have the charges of one list, and it is lawful."""
    other = Registration.model_validate(OWNER.model_dump() | {"participant": "fir"})
    lists = [tiny_market.charge_list(), tiny_market.charge_list(owner="fir")]
    assert together(lists, [*EVERYONE, other]) == []
    names = charge_names([*lists, made(rename("grid", "meter"))])
    assert names["elder", "tariff", "levy"] == "elder/levy"
    assert names["fir", "subscription", "meter"] == "fir/meter"
    alone = charge_names(lists[:1])
    assert set(alone.values()) == {"grid", "levy", "meter", "connect"}


def rename(old, new):
    def bend(values):
        for field in ("tariffs", "subscriptions", "fees"):
            for charge in values[field]:
                if charge["code"] == old:
                    charge["code"] = new
        values["links"] = tuple(
            {**link, "charge": new, "charge_type": "tariff"} if link["charge"] == old else link
            for link in values["links"]
        )

    return bend


def typed(values):
    """A tariff and a subscription of code `meter`; every link of it says which it means."""
    rename("grid", "meter")(values)
    values["links"] = tuple(
        {"charge_type": "subscription", **link} if link["charge"] == "meter" else link
        for link in values["links"]
    )


def test_a_code_may_be_that_of_a_tariff_and_of_a_subscription():
    charges = made(typed)
    assert check_document(charges, "charges.yaml") == ()
    assert read_document(write_yaml(charges), "charges.yaml") == (charges, ())
    found = check_document(made(rename("grid", "meter")), "charges.yaml")
    assert [finding.code for finding in found] == ["link-of-several-types"] * 2
    assert found[0].limit == "meter is a tariff and a subscription, so a link states which"
    strange = check_document(made(one_link(charge_type="fee")), "charges.yaml")
    assert [(each.code, each.value) for each in strange] == [("link-unknown-charge", "'fee grid'")]


def test_a_type_that_is_not_stated_leaves_the_digest_as_it_was():
    assert all("charge_type" not in link for link in document_body(made())["links"])
    assert document_digest(made(typed)) != document_digest(made(rename("grid", "meter")))


def with_sub_meter(registration, name="M1"):
    return Registration.model_validate(
        registration.model_dump() | {"sub_meters": [{"sub_meter": name, "title": "Heating"}]}
    )


def test_links_name_units_and_sub_meters_that_are_registered_as_such():
    alder, *others = EVERYONE
    everyone = [with_sub_meter(alder), *others]
    for linked in ({"unit": "U1"}, {"sub_meter": "M1"}):
        assert together([made(one_link(supply_point=None, **linked))], everyone) == []
    strange = {
        "unit": ("U9", "M1", "B-home"),
        "sub_meter": ("M9", "U1", "B-home"),
        "supply_point": ("B-9", "U1", "M1"),
    }
    for kind, names in strange.items():
        for name in names:
            charges = made(one_link(**({"supply_point": None} | {kind: name})))
            code = f"link-unknown-{kind.replace('_', '-')}"
            assert together([charges], everyone) == [(code, f"{LIST}: links[0].{kind}")]


def test_a_link_to_another_kind_of_meter_says_how_it_is_written():
    charges = made(one_link(supply_point="U1"))
    rules, grid, policy, *_ = tiny_market.documents()
    law = InForce(rules, grid, policy, tuple(EVERYONE), {}, (charges,), (JANUARY, None))
    (finding,) = check_law(law)
    assert finding.value == "'U1', not registered on 2024-01-01 as a supply point"
    assert finding.remedy == "it is a unit: write `unit: U1`"


def test_a_sub_meter_has_a_name_of_its_own_and_one_who_answers_for_it():
    alder, *others = EVERYONE
    for name in ("U1", "B-home"):
        assert [code for code, _ in together([], [with_sub_meter(alder, name), *others])] == [
            "entity-registered-twice"
        ]
    found = check_document(with_sub_meter(OWNER), "elder.yaml")
    assert [finding.code for finding in found] == ["role-missing"]
    stated = with_sub_meter(alder).model_dump()
    stated["sub_meters"][0]["resolution_minutes"] = 45
    odd = Registration.model_validate(stated)
    assert [code for code, _ in together([], [odd, *others])] == [
        "resolution-does-not-fit-interval"
    ]


def test_law_without_sub_meters_keeps_its_digest():
    alder = EVERYONE[0]
    assert "sub_meters" not in document_body(alder)
    none = Registration.model_validate(alder.model_dump() | {"sub_meters": []})
    assert document_digest(none) == document_digest(alder)
    assert {*document_body(made())["links"][0]} == {
        "charge", "from_day", "quantity", "supply_point", "to_day"
    }  # fmt: skip


def test_links_name_supply_points_that_are_registered_on_linked_days():
    strange = made(one_link(supply_point="Z-home", from_day=FEBRUARY))
    place = f"{LIST}: links[0].supply_point"
    assert together([strange], EVERYONE) == [("link-unknown-supply-point", place)]
    assert together([strange], EVERYONE, (JANUARY, FEBRUARY)) == []


@pytest.mark.parametrize(
    ("prices", "first_gap"),
    [
        ([price(FEBRUARY)], None),  # what comes before may still be published too
        ([price(FEBRUARY, to_hour=12), price(MARCH, from_hour=12)], "2024-02-01"),  # half a day
        ([price(to_day=FEBRUARY), price(MARCH)], "2024-02-01"),  # a hole
        ([price(to_hour=23)], "2024-01-01"),  # an hour without a price
        ([], None),
        ([price(to_day=FEBRUARY)], None),  # what comes after may still be published
    ],
)
def test_a_gap_between_prices_is_known_before_publication(prices, first_gap):
    charges = made(tariff_prices(*prices))
    rules, grid, policy, *_ = tiny_market.documents()
    law = InForce(rules, grid, policy, tuple(EVERYONE), {}, (charges,), (JANUARY, None))
    found = check_law(law)
    assert {finding.code for finding in found} == ({"charge-without-price"} if first_gap else set())
    assert all(finding.value == f"no price on {first_gap}" for finding in found)
    assert len(found) == (4 if first_gap else 0)  # the links of the tariff


def test_a_gap_outside_the_validity_of_the_list_is_none():
    charges = made(tariff_prices(price(FEBRUARY)))
    assert together([charges], EVERYONE, (FEBRUARY, None)) == []


def test_spans_of_days():
    assert shared_days((JANUARY, None), (FEBRUARY, MARCH)) == (FEBRUARY, MARCH)
    assert shared_days((JANUARY, FEBRUARY), (FEBRUARY, None)) is None
    assert overlapping((JANUARY, MARCH), (FEBRUARY, None))
    halves = [(FEBRUARY, MARCH), (JANUARY, FEBRUARY)]
    assert first_uncovered((JANUARY, MARCH), halves) is None
    assert first_uncovered((JANUARY, None), halves) == MARCH
    assert first_uncovered((JANUARY, MARCH), halves[:1]) == JANUARY


def test_a_charge_list_is_published_beside_the_law_and_found_on_every_day(session):
    publish_tiny(session)
    with pytest.raises(Refused) as refused:
        publish_charges(session, [tiny_market.charge_list()])
    assert [one.code for one in refused.value.findings] == ["charge-owner-not-registered"]
    publish_charges(session, tiny_market.charges())
    pieces = rules_for_period(session, "tiny", JANUARY, MARCH, LATER)
    assert [(first, last) for first, last, _ in pieces] == [
        (JANUARY, FEBRUARY - dt.timedelta(days=1)),
        (FEBRUARY, MARCH),
    ]
    assert [len(rules.charge_lists) for _, _, rules in pieces] == [0, 1]
    assert pieces[1][2].charge_lists == (tiny_market.charge_list(),)


def publish_charges(session, documents):
    publish(
        session, documents, valid_from=FEBRUARY, known=LATER,
        reason="Charges from February",
    )  # fmt: skip


def test_an_owner_may_not_leave_while_its_list_is_in_force(session):
    publish_tiny(session, [*tiny_market.documents(), *tiny_market.charges()])
    changed = Registration.model_validate(OWNER.model_dump() | {"roles": ("supplier",)})
    with pytest.raises(Refused) as refused:
        publish_charges(session, [changed])
    assert [one.code for one in refused.value.findings] == ["charge-owner-not-registered"]
