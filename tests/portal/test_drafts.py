"""Working copies of law: begun, written by forms, saved whatever is wrong, and one's own alone."""

import datetime as dt
import html
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.utils import timezone
from lxml import html as lxml_html

from common.refusals import Refused
from database.session import transaction
from portal import copies
from portal.copies import begin_copy
from portal.dispute_words import day_in_words
from portal.editing.keys import key_of
from portal.models import AuditEntry, WorkingCopy
from portal.queries.rules import rule_on
from rulebook.digest import document_body
from rulebook.documents import KINDS
from rulebook.publication import Placed
from rulebook.publishing import plan
from rulebook.reading import document_of, read_document
from rulebook.yaml_text import write_yaml
from tests.portal.site import FIRST_DAY, GENERATOR, MARKET, OUTSIDER, SUPPLIER
from tests.rulebook.law import RULES
from tests.rulebook.test_checks import ALONE, TOGETHER
from tests.worlds.drafted import law_in_a_copy

CAP = "price_cap_micro_per_mwh"
pytestmark = pytest.mark.django_db


def shown(answer, status=200):
    assert answer.status_code == status, answer.content.decode()[:2000]
    return re.sub(r"[ \n]+", " ", html.unescape(answer.content.decode()))


def begin(client, document="", on=FIRST_DAY):
    """Begin a working copy by the form of a page; return the answer and the copy."""
    sent = {"market": MARKET, "on": str(on), "document": document}
    answer = client.post("/drafts/begin/", sent)
    return answer, WorkingCopy.objects.order_by("-pk").first()


def form_of(client, address):
    """Return what the form of a page sends as it stands, but for its buttons."""
    page = lxml_html.fromstring(client.get(address).content)
    (form,) = (each for each in page.forms if each.get("class") == "form editing")
    return {name: value or "" for name, value in form.form_values()}


def save(client, address, **typed):
    """Send the form of a page as a browser does, with something typed into it."""
    sent = form_of(client, address)
    for written, value in typed.items():
        name = written.replace("__", ".")
        assert name in sent or name == "do", name
        sent[name] = value
    return client.post(address, {"do": "save"} | sent)


def stored(copy):
    copy.refresh_from_db()
    return copy


def test_without_a_copy_the_list_says_how_to_begin(sign_in):
    assert "You have no working copy" in shown(sign_in("regulator").get("/drafts/"))


def test_a_document_of_the_law_is_opened_where_it_is_read(sign_in):
    client = sign_in("regulator")
    page = shown(client.get(f"/rules/gb12/market-rules/?on={FIRST_DAY}"))
    assert "Change this" in page
    answer, copy = begin(client, "market-rules")
    assert answer["Location"] == f"/drafts/{copy.pk}/market-rules/"
    assert copy.bodies == copy.base and list(copy.bodies) == [RULES]
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "It says what the law of" in page and "Publication would find nothing wrong" in page
    assert f"Working copy {copy.pk}" in shown(client.get("/drafts/"))


def test_nobody_else_is_offered_to_change_the_law(sign_in):
    for who in ("signed out", "auditor", "nobody"):
        page = shown(sign_in(who).get(f"/rules/gb12/market-rules/?on={FIRST_DAY}"))
        assert "Change this" not in page
    page = shown(sign_in("owner").get(f"/rules/gb12/charge-list/isles-networks/?on={FIRST_DAY}"))
    assert "Change this" not in page, "its links are not theirs to read, so not to leave out"


def test_the_cap_is_changed_in_one_place_and_the_copy_says_so_in_words(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/"
    page = shown(client.get(address))
    assert "10 points of price curves stand at the cap and move with it" in page
    assert "A lower cap therefore flattens the last stretch" in page
    assert "system at 150\N{NO-BREAK SPACE}%" in page and "£/MWh" in page
    assert "Demand over deliverable supply; 100 % is all supply in use" in shown(
        client.get(f"{address}layers.0/")
    )
    answer = save(client, address, **{CAP: "3,000"})
    assert answer["Location"] == address
    rules = stored(copy).bodies[RULES]
    assert rules[CAP] == 3_000_000_000
    assert {layer["curve"][-1]["price_micro_per_mwh"] for layer in rules["layers"]} == {
        3_000_000_000
    }
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "market-rules, price cap: £6,000.00 per\xa0MWh → £3,000.00 per\xa0MWh" in page
    assert "Publication would find nothing wrong" in page
    draft = copies.draft_of_copy(copy)
    assert draft.market == MARKET and list(draft.edits) == [RULES]
    assert draft.drawn_from == copy.drawn_from


def test_without_the_tick_the_points_stay_and_each_is_found_beside_its_field(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/"
    sent = form_of(client, address) | {CAP: "3000", "do": "save"}
    del sent["with-cap"]
    client.post(address, sent)
    page = shown(client.get(address))
    assert "It cannot be proposed yet" in page
    assert f'href="/drafts/{copy.pk}/market-rules/layers.0/#layers.0.curve.5.price' in page
    page = shown(client.get(f"/drafts/{copy.pk}/market-rules/layers.0/"))
    beside = "it lies between the floor of 0 and the cap of 3000 £/MWh, found 6000 £/MWh"
    assert beside in page, "in the measure of the form"
    assert "it lies between the floor of 0 and the cap of 3_000_000_000" in page, "as published"
    assert 'aria-invalid="true"' in page and "curve-price-outside-bounds" in page
    with pytest.raises(Refused):
        copies.draft_of_copy(stored(copy))


def test_what_is_no_number_is_saved_and_said_beside_its_field(sign_in):
    client = sign_in("operator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/"
    save(client, address, **{CAP: "three thousand", "title": "Rules with a typing error"})
    page = shown(client.get(address))
    assert 'value="three thousand"' in page and "Rules with a typing error" in page
    assert "a number in £/MWh, with at most 6 decimals is needed" in page
    save(client, f"{address}layers.0/", layers__0__layer="a]b[c.d")
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "told in words once every field of it can be read" in page
    save(client, f"{address}layers.0/", layers__0__layer="system")
    save(client, address, **{CAP: "3000"})
    assert stored(copy).bodies[RULES]["layers"][0]["curve"][-1]["price_micro_per_mwh"] == 3 * 10**9
    assert "Publication would find nothing wrong" in shown(client.get(f"/drafts/{copy.pk}/"))


def test_rows_are_added_moved_and_removed_by_buttons(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/layers.1/"
    answer = save(client, address, do="add layers.1.curve", layers__1__layer="territory")
    assert answer["Location"] == f"{address}#layers.1.curve.6"
    curve = stored(copy).bodies[RULES]["layers"][1]["curve"]
    assert len(curve) == 7 and copy.bodies[RULES]["layers"][1]["layer"] == "territory"
    page = shown(client.get(address))
    assert "the field is needed (Tightness" in page, "of the row that is still empty"
    typed = {"layers__1__curve__6__tightness_ppm": "160",
             "layers__1__curve__6__price_micro_per_mwh": "6000"}  # fmt: skip
    save(client, address, **typed)
    assert stored(copy).bodies[RULES]["layers"][1]["curve"][6] == {
        "tightness_ppm": 1_600_000, "price_micro_per_mwh": 6_000_000_000,
    }  # fmt: skip
    save(client, address, do="up layers.1.curve.6")
    assert stored(copy).bodies[RULES]["layers"][1]["curve"][5]["tightness_ppm"] == 1_600_000
    assert "curve-tightness-not-rising" in shown(client.get(address))
    save(client, address, do="remove layers.1.curve.6")
    assert len(stored(copy).bodies[RULES]["layers"][1]["curve"]) == 6
    answer = save(client, address, do="remove layers.1.curve.99", layers__1__layer="land")
    assert "is not there any more" in shown(client.get(answer["Location"]))
    assert stored(copy).bodies[RULES]["layers"][1]["layer"] == "land", "what was typed is saved"


def test_a_curve_is_drawn_once_it_is_one(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/layers.0/"
    assert "<svg" in shown(client.get(address))
    save(client, address, layers__0__curve__2__tightness_ppm="1")
    assert "<svg" not in shown(client.get(address))


def test_a_list_is_shown_in_pages_and_only_what_was_shown_is_changed(sign_in):
    client = sign_in("operator")
    _, copy = begin(client, "grid-model")
    name = f"{MARKET}/grid-model"
    before = copy.bodies[name]["holons"]
    assert len(before) > 25
    address = f"/drafts/{copy.pk}/grid-model/holons/?page=2"
    sent = form_of(client, address)
    assert "holons.25.title" in sent and "holons.0.title" not in sent
    save(client, address, holons__25__title="Renamed")
    after = stored(copy).bodies[name]["holons"]
    assert after[25]["title"] == "Renamed"
    assert after[:25] + after[26:] == before[:25] + before[26:]


def test_an_optional_part_is_stated_and_left_out(sign_in):
    client = sign_in("operator")
    _, copy = begin(client, "grid-model")
    address = f"/drafts/{copy.pk}/grid-model/"
    answer = save(client, f"{address}energy_accounts/", do="leave-out energy_accounts")
    assert answer["Location"] == address
    name = f"{MARKET}/grid-model"
    assert stored(copy).bodies[name]["energy_accounts"] is None
    assert client.get(f"{address}energy_accounts/").status_code == 404
    answer = save(client, address, do="state energy_accounts")
    assert answer["Location"] == f"{address}energy_accounts/#energy_accounts"
    page = shown(client.get(f"{address}energy_accounts/"))
    assert "at least 1 needed" in page and "It cannot be proposed yet" in page


def test_a_registration_is_begun_from_an_empty_form(sign_in):
    client = sign_in("operator")
    _, copy = begin(client)
    sent = {"do": "begin", "kind": "registration", "name": "newcomer"}
    answer = client.post(f"/drafts/{copy.pk}/change/", sent)
    address = f"/drafts/{copy.pk}/registration.newcomer/"
    assert answer["Location"] == address
    assert "the field is needed" in shown(client.get(address))
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "new" in page and "registration.newcomer" in page and "fill it in" in page
    save(client, address, do="add units")
    answer = save(client, f"{address}units.0/", units__0__capacity_w="12.5")
    assert stored(copy).bodies[f"{MARKET}/registration/newcomer"]["units"][0]["capacity_w"] == (
        12_500_000
    )


def test_a_copy_is_shown_beside_the_law_clause_by_clause(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    compared = f"/drafts/{copy.pk}/compared/"
    assert "No document differs." in shown(client.get(compared))
    save(client, f"/drafts/{copy.pk}/market-rules/", **{CAP: "3000"})
    page = shown(client.get(compared))
    assert f"The law of {day_in_words(FIRST_DAY)}, and working copy {copy.pk}." in page
    page = shown(client.get(f"{compared}?document={RULES}"))
    assert "£3,000.00" in page and "<ins>" in page and "<svg" in page
    assert client.get(f"{compared}?document={MARKET}/grid-model").status_code == 404
    stored(copy)
    copy.bodies[RULES]["interval_minutes"] = "soon"
    copy.save()
    assert f"as not every field of it can be read yet: {RULES}" in shown(client.get(compared))


def test_a_document_that_the_law_has_is_drawn_from_it_and_not_begun_anew(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client)
    typed = {"do": "begin", "kind": "market-rules"}
    page = shown(client.post(f"/drafts/{copy.pk}/change/", typed), 422)
    assert f"The law of {day_in_words(FIRST_DAY)} has market-rules: add it below." in page
    stored(copy)
    copy.bodies = {RULES: begin(client, "market-rules")[1].bodies[RULES]}  # as before it was asked
    copy.save()
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "draft-base-missing" in page and "has it already" in page


def test_a_registration_is_begun_with_the_clauses_of_another_and_nothing_else_of_it(sign_in):
    client = sign_in("operator")
    _, copy = begin(client)
    sent = {"do": "begin", "kind": "registration", "name": "newcomer", "like": GENERATOR}
    client.post(f"/drafts/{copy.pk}/change/", sent)
    with transaction() as session:
        other = document_body(
            rule_on(session, f"{MARKET}/registration/{GENERATOR}", FIRST_DAY).document
        )
    body = stored(copy).bodies[f"{MARKET}/registration/newcomer"]
    assert (body["clauses"], body["roles"]) == (other["clauses"], other["roles"])
    assert body["units"] == [] and other["tax_identifier"] not in str(body)
    sent |= {"name": "nextcomer", "like": "nobody"}
    assert client.post(f"/drafts/{copy.pk}/change/", sent).status_code == 404
    client = sign_in("owner")  # who may not read another's is given nothing of it
    _, copy = begin(client)
    sent |= {"name": SUPPLIER, "like": GENERATOR}
    assert client.post(f"/drafts/{copy.pk}/change/", sent).status_code in (404, 422)


def test_every_page_of_every_document_of_the_law_can_be_opened_and_sent_as_it_stands(sign_in):
    client = sign_in("operator")
    keys = ["market-rules", "grid-model", "allocation-policy", "settlement-terms",
            f"registration.{GENERATOR}", "charge-list.isles-networks"]  # fmt: skip
    copy = law_in_a_copy(client_user(client), *keys)
    assert {key.partition(".")[0] for key in keys} == set(KINDS)
    for key in keys:
        address = f"/drafts/{copy.pk}/{key}/"
        page = lxml_html.fromstring(client.get(address).content)
        parts = set(page.xpath("//main//h2/a/@href"))
        assert parts
        for part in sorted(parts):
            assert client.get(part).status_code == 200, part
            answer = save(client, part)
            assert answer.status_code == 302 and answer["Location"].startswith(part)
    assert stored(copy).bodies == copy.base


def client_user(client):
    from django.contrib.auth.models import User

    return User.objects.get(pk=client.session["_auth_user_id"])


def test_yaml_goes_down_and_up_to_the_byte(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/document.yaml"
    sent = client.get(address).content
    with transaction() as session:
        of_law = rule_on(session, RULES, FIRST_DAY).document
    assert sent.decode() == write_yaml(of_law)
    changed = sent.replace(b"title: Market rules", b"title: New market rules", 1)
    answer = client.post(
        f"/drafts/{copy.pk}/upload/", {"file": SimpleUploadedFile("rules.yaml", changed)}
    )
    assert answer["Location"] == f"/drafts/{copy.pk}/"
    assert client.get(address).content == changed
    assert AuditEntry.objects.filter(action="export").count() == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "a file holds one document"),
        (b"kind: market-rules\nkind: market-rules\n", "stands twice"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a: &x 1\nb: *x\n", "line 2, column"),
        (b"x" * 200_001, "of at most 200 kB"),
        (b"kind: moon\n", "kind is one of"),
    ],
)
def test_a_file_that_is_no_document_is_refused_with_every_reason(sign_in, content, words):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    answer = client.post(
        f"/drafts/{copy.pk}/upload/", {"file": SimpleUploadedFile("a.yaml", content)}
    )
    assert words in shown(answer, 422)
    assert stored(copy).bodies == copy.base


def test_a_document_of_another_market_or_participant_stays_out(sign_in):
    client = sign_in("owner")
    _, copy = begin(client)
    for name, day in ((f"{MARKET}/registration/{OUTSIDER}", FIRST_DAY),):
        with transaction() as session:
            text = write_yaml(rule_on(session, name, day).document)
        file = SimpleUploadedFile("a.yaml", text.encode())
        answer = client.post(f"/drafts/{copy.pk}/upload/", {"file": file})
        assert "not yours to write" in shown(answer, 422)
        other = text.replace(f"market: {MARKET}", "market: tiny").encode()
        file = SimpleUploadedFile("a.yaml", other)
        answer = client.post(f"/drafts/{copy.pk}/upload/", {"file": file})
        assert "document of tiny" in shown(answer, 422)


def test_a_second_window_is_noticed_and_either_is_taken(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/"
    first, second = form_of(client, address), form_of(client, address)
    client.post(address, {**first, "title": "By the first window", CAP: "5000", "do": "save"})
    answer = client.post(
        address, {**second, "title": "By the second window", "interval_minutes": "15", "do": "save"}
    )
    page = shown(answer, 409)
    for words in ("Yours: By the second window", "Stored: By the first window",
                  "Yours: 15", "Stored: 30", "Yours: 6000", "Stored: 5000"):  # fmt: skip
        assert words in page
    assert stored(copy).bodies[RULES]["title"] == "By the first window"
    form = {name: value or "" for name, value in lxml_html.fromstring(answer.content).forms[-1]
            .form_values()}  # fmt: skip
    form["choice:title"] = "yours"
    form["choice:interval_minutes"] = "yours"
    answer = client.post(address, {**form, "do": "take"})
    assert answer["Location"] == address
    rules = stored(copy).bodies[RULES]
    assert (rules["title"], rules["interval_minutes"]) == ("By the second window", 15)
    assert rules[CAP] == 5_000_000_000, "what was not chosen stays as it is stored"
    assert client.post(address, {**form, "do": "take"}).status_code == 409, "it moved again"


def test_a_row_that_went_in_another_window_leads_to_what_is_left(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/market-rules/products/"
    last = form_of(client, f"/drafts/{copy.pk}/market-rules/products.4/")
    save(client, address, do="remove products.4")
    sent = {**last, "products.4.title": "Kept", "do": "save"}
    answer = client.post(f"/drafts/{copy.pk}/market-rules/products.4/", sent)
    page = shown(answer, 409)
    assert "Yours: Kept" in page and "it cannot be taken: copy it from here" in page
    assert f'href="{address}"' in page
    assert client.get(address).status_code == 200


def test_of_two_that_save_at_once_one_is_saved(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    same = WorkingCopy.objects.get(pk=copy.pk)
    now = dt.datetime(2024, 5, 2, tzinfo=dt.UTC)
    assert copies.save_copy(copy, now, wanted_from=dt.date(2024, 6, 1))
    assert not copies.save_copy(same, now, wanted_from=dt.date(2024, 7, 1))
    assert stored(copy).wanted_from == dt.date(2024, 6, 1)


def test_a_copy_is_held_to_the_law_of_the_day_on_which_it_is_wanted(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/change/"
    assert client.post(address, {"do": "date", "on": "2024-06-01"}).status_code == 302
    assert stored(copy).wanted_from == dt.date(2024, 6, 1)
    client.post(address, {"do": "date", "on": "1950-01-01"})
    assert "validity-gap" in shown(client.get(f"/drafts/{copy.pk}/"))
    assert client.post(address, {"do": "date", "on": "soon"}).status_code == 422


def test_what_is_found_beside_the_rest_of_the_law_is_named_with_its_place(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    save(client, f"/drafts/{copy.pk}/market-rules/products/", do="remove products.0")
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "charging-unknown-product" in page
    assert f"{MARKET}/registration/{SUPPLIER}: supply_points[0].product" in page


def test_documents_are_added_and_taken_out(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client)
    assert "The copy has no document yet" in shown(client.get(f"/drafts/{copy.pk}/"))
    address = f"/drafts/{copy.pk}/change/"
    client.post(address, {"do": "add", "document": "grid-model"})
    assert list(stored(copy).bodies) == [f"{MARKET}/grid-model"]
    client.post(address, {"do": "take-out", "document": "grid-model"})
    assert stored(copy).bodies == copy.base == {}
    for sent in (
        {"do": "add", "document": "registration.nobody"},
        {"do": "add", "document": "x"},
        {"do": "take-out", "document": "grid-model"},
        {"do": "burn"},
    ):
        assert client.post(address, sent).status_code == 404
    for kind, name in (("moon", ""), ("registration", ""), ("registration", 'a"\r\nX: y'),
                       ("charge-list", "Not A Slug"), ("charge-list", "x" * 49)):  # fmt: skip
        sent = {"do": "begin", "kind": kind, "name": name}
        assert client.post(address, sent).status_code == 422
    assert stored(copy).bodies == {}


def test_what_was_edited_is_not_added_over(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    save(client, f"/drafts/{copy.pk}/market-rules/", title="Edited")
    answer = client.post(f"/drafts/{copy.pk}/change/", {"do": "add", "document": "market-rules"})
    assert answer["Location"] == f"/drafts/{copy.pk}/market-rules/"
    assert stored(copy).bodies[RULES]["title"] == "Edited"


def test_a_supply_point_changes_its_supplier_in_the_middle_of_a_month(sign_in):
    client = sign_in("operator")
    _, copy = begin(client)
    hearth, lantern = (f"{MARKET}/registration/{name}" for name in (SUPPLIER, OUTSIDER))
    with transaction() as session:
        point = rule_on(session, hearth, FIRST_DAY).document.supply_points[0].supply_point
    address = f"/drafts/{copy.pk}/change/"
    sent = {"do": "switch", "point": point, "to": OUTSIDER, "on": "2024-06-14"}
    assert client.post(address, sent).status_code == 302
    assert stored(copy).wanted_from == dt.date(2024, 6, 14)
    base, bodies = copy.base, copy.bodies
    moved = base[hearth]["supply_points"][0]
    assert bodies[hearth]["supply_points"] == base[hearth]["supply_points"][1:]
    assert bodies[lantern]["supply_points"] == [*base[lantern]["supply_points"], moved]
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "Publication would find nothing wrong" in page
    assert f"supply points of {point}: is new" in page
    for wrong in ({"point": "no-such"}, {"to": "nobody"}, {"on": "soon"}, {"to": OUTSIDER}):
        assert client.post(address, sent | wrong).status_code == 422, wrong
    later = {"point": bodies[hearth]["supply_points"][0]["supply_point"], "on": "2024-07-01"}
    assert "does so on 2024-06-14" in shown(client.post(address, sent | later), 422)
    assert (stored(copy).wanted_from, copy.bodies) == (dt.date(2024, 6, 14), bodies)
    assert client.post(address, sent | later | {"on": "2024-06-14"}).status_code == 302


def test_a_changed_text_keeps_no_old_publication_date_unseen_and_a_past_day_says_what_it_touches(
    sign_in,
):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address, own = f"/drafts/{copy.pk}/", f"/drafts/{copy.pk}/market-rules/"
    old = copy.base[RULES]["publication_date"]
    page = shown(client.get(address))
    assert 'id="old-dated"' not in page and "the copy would touch no settled day" in page
    save(client, own, title="Rules of another title")
    assert stored(copy).bodies[RULES]["publication_date"] == old, "nothing by itself"
    assert "the day on which the text before it was made public" in shown(client.get(own))
    page = shown(client.get(address))
    assert "market-rules: the text was changed, and the publication date is that of" in page
    days, documents = re.search(r"touch (\d+) settled days? and (\d+) issued doc", page).groups()
    assert int(days) > 0 and int(documents) > 0
    client.post(f"{address}change/", {"do": "state-publication"})
    assert stored(copy).bodies[RULES]["publication_date"] > old
    page = shown(client.get(address))
    assert 'id="old-dated"' not in page and "Publication would find nothing wrong" in page
    save(client, own, interval_minutes="soon")
    assert "is told once every changed field can be read" in shown(client.get(address))
    client.post(f"{address}change/", {"do": "date", "on": "2090-01-01"})
    assert "lies in the past" not in shown(client.get(address))


def test_a_copy_is_thrown_away_as_it_was_seen(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    address = f"/drafts/{copy.pk}/discard/"
    assert "was saved since" in shown(client.post(address, {"version": "0"}), 422)
    answer = client.post(address, {"version": str(stored(copy).version)})
    assert answer["Location"] == "/drafts/"
    assert not WorkingCopy.objects.filter(pk=copy.pk).exists()
    assert client.get(f"/drafts/{copy.pk}/").status_code == 404


def test_an_account_has_so_many_and_is_told(sign_in, monkeypatch):
    monkeypatch.setattr(copies, "MOST_COPIES", 1)
    client = sign_in("regulator")
    begin(client)
    answer, _ = begin(client)
    assert "at most 1 working copies" in shown(answer, 422)


def test_of_two_copies_begun_at_once_at_the_limit_one_is_kept(site, monkeypatch):
    """Real connections: each counts before the other has written, unless one waits."""
    monkeypatch.setattr(copies, "MOST_COPIES", 1)
    ready = threading.Barrier(2)

    def begin_one(user):
        ready.wait()
        try:
            with transaction() as session:
                begin_copy(session, user, MARKET, FIRST_DAY, {}, timezone.now())
        except Refused as refused:
            return refused.findings[0].code
        finally:
            connection.close()
        return "kept"

    def made():
        try:
            return User.objects.create_user("pia")
        finally:
            connection.close()

    def gone(user):
        user.delete()
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        user = pool.submit(made).result()
        try:
            came = list(pool.map(begin_one, [user, user]))
            with_one = pool.submit(lambda: WorkingCopy.objects.filter(user=user).count()).result()
        finally:
            pool.submit(gone, user).result()
    assert (sorted(came), with_one) == (["kept", "too-many-copies"], 1)


def test_a_copy_that_is_too_large_is_refused_and_nothing_is_lost(sign_in, monkeypatch):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    monkeypatch.setattr(copies, "LARGEST_COPY_BYTES", 100)
    answer = save(client, f"/drafts/{copy.pk}/market-rules/", title="Longer")
    page = shown(answer, 422)
    assert "have at most 100 bytes" in page and 'value="Longer"' in page
    assert stored(copy).bodies == copy.base


def test_a_participant_writes_its_own_registration_and_no_other(sign_in):
    client = sign_in("owner")
    answer, copy = begin(client, f"registration.{SUPPLIER}")
    assert answer.status_code == 302
    address = f"/drafts/{copy.pk}/registration.{SUPPLIER}/"
    assert save(client, address, legal_name="Hearth Energy of Another Name Ltd").status_code == 302
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "Hearth Energy of Another Name Ltd" in page
    assert OUTSIDER not in page, "nothing is offered of what is another's"
    for key in (f"registration.{OUTSIDER}", "charge-list.isles-networks"):
        answer, _ = begin(client, key)
        assert answer.status_code == 404
        assert WorkingCopy.objects.count() == 1, "none is begun in vain"
    sent = {"do": "begin", "kind": "registration", "name": OUTSIDER}
    assert "not yours to write" in shown(client.post(f"/drafts/{copy.pk}/change/", sent), 422)


def test_who_reads_anothers_registration_in_a_copy_leaves_an_entry(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, f"registration.{SUPPLIER}")
    AuditEntry.objects.all()
    client.get(f"/drafts/{copy.pk}/registration.{SUPPLIER}/")
    kept = AuditEntry.objects.filter(action="reading").values_list("subject", flat=True)
    assert list(kept) == [f"{MARKET}/{SUPPLIER}"]


GB12_RULES = [row for row in ALONE if row[0] == RULES and row[2]]


def test_the_refusal_table_each_stands_beside_its_field_with_code_and_remedy(sign_in):
    client = sign_in("regulator")
    copy = law_in_a_copy(client_user(client), "market-rules")
    for _, bend, codes in GB12_RULES:
        body = dict(copies.copies_of(copy.user).get(pk=copy.pk).base[RULES])
        bend(body)
        WorkingCopy.objects.filter(pk=copy.pk).update(bodies={RULES: body})
        tree = lxml_html.fromstring(client.get(f"/drafts/{copy.pk}/").content)
        links = [link for link in tree.xpath("//div[@id='findings']//a/@href") if "#" in link]
        assert links, codes
        address, _, name = links[0].partition("#")
        page = lxml_html.fromstring(client.get(address).content)
        (field,) = page.xpath(f"//*[@id='{name}']")
        (beside,) = page.xpath(f"//ul[@id='found-{name}']")
        said = " ".join(beside.text_content().split())
        assert any(code in said for code in codes), (codes, said)
        assert re.search(r"found .+; .+ [a-z]+(-[a-z]+)+", said), said
        if field.tag in ("input", "select", "textarea"):
            assert field.get("aria-invalid") == "true"
            assert f"found-{name}" in field.get("aria-describedby")


def refused_by_publication(copy):
    """Return every finding with which publication refuses the documents of a copy."""
    placed = [
        Placed(key_of(name), document_of(body, key_of(name))[0])
        for name, body in copy.bodies.items()
    ]
    assert all(document is not None for _, document in placed)
    known = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    with transaction() as session:
        try:
            plan(session, placed, valid_from=copy.wanted_from, known=known, reason="Tried")
        except Refused as refused:
            return set(refused.findings)
    return set()


def test_what_is_said_of_a_copy_is_what_publication_says(sign_in):
    """Code, place, value, limit and remedy of every finding, of every case of the checks."""
    user, compared = client_user(sign_in("regulator")), 0
    copy = law_in_a_copy(user, "market-rules")
    for name, bend, _ in [*ALONE, *TOGETHER]:
        with transaction() as session:
            of_law = document_body(rule_on(session, name, FIRST_DAY).document)
        body = json.loads(json.dumps(of_law))
        bend(body)
        copy.base, copy.bodies = {name: of_law}, {name: body}
        with transaction() as session:
            found = copies.judge_copy(session, copy, "GBP", dt.datetime.now(dt.UTC))
        expected = refused_by_publication(copy)
        assert {each.finding for each in found} == expected, (name, expected)
        compared += bool(expected)
    assert compared > 80


def test_a_copy_with_many_findings_answers_in_time(sign_in):
    client = sign_in("regulator")
    copy = law_in_a_copy(client_user(client), "grid-model")
    body = copy.bodies[f"{MARKET}/grid-model"]
    body["lines"] = body["lines"] * 40
    WorkingCopy.objects.filter(pk=copy.pk).update(bodies={f"{MARKET}/grid-model": body})
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "more; they stand beside their fields" in page
    assert "No." in shown(client.get(f"/drafts/{copy.pk}/grid-model/lines/?page=9"))


def test_a_file_of_a_document_that_cannot_be_read_says_why(sign_in):
    client = sign_in("regulator")
    _, copy = begin(client, "market-rules")
    save(client, f"/drafts/{copy.pk}/market-rules/", **{CAP: "x"})
    answer = client.get(f"/drafts/{copy.pk}/market-rules/document.yaml")
    assert "this one cannot be yet" in shown(answer, 422)


def test_thousands_of_faults_of_a_file_are_counted_and_the_first_of_them_shown(sign_in):
    client = sign_in("operator")
    _, copy = begin(client)
    faults = "\n".join(f"  - {{node: 1, holon: {number}}}" for number in range(3_000))
    text = f"kind: grid-model\nmarket: {MARKET}\ntitle: Faulty\nnodes:\n{faults}\n"
    sent = {"file": SimpleUploadedFile("grid.yaml", text.encode())}
    answer = client.post(f"/drafts/{copy.pk}/upload/", sent)
    page = shown(answer, 422)
    _, findings = read_document(text, "grid.yaml")
    assert len(findings) > 3_000
    assert f"{len(findings)} reasons were found; these are the first 200" in page
    assert f"And {len(findings) - 200} more." in page and "manage.py plan FILE" in page
    assert len(answer.content) < 200_000
