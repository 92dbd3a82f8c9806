"""A form that is refused shows again what was typed into it, whatever else is on its page."""

import re
from pathlib import Path

import pytest
from lxml import html as lxml_html

from portal.models import WorkingCopy
from tests.portal.site import GENERATOR, MARKET, SUPPLIER
from tests.worlds.drafted import law_in_a_copy

pytestmark = pytest.mark.django_db

TEMPLATES = Path("templates")
FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)
CONTROL = re.compile(r'<(?:textarea|select|input(?![^>]*type="(?:hidden|submit)"))[^>]*?\bname="')
TOO_LONG = "x" * 2001
END = f"/rules/end/{MARKET}/{SUPPLIER}/"
COPY = "/drafts/{copy}/"
CHANGE = "/rules/changes/{change}/"

KEPT = {
    # A template, and which of its forms, to who is refused, on which page, and what they typed.
    ("drafts/listing.html", 0): ("operator", "/drafts/", {"market": MARKET, "on": "soon"}),
    ("drafts/page.html", 3): (
        "operator",
        COPY,
        {"change": "", "reason": "Lower for households"},
    ),
    ("drafts/page.html", 4): ("operator", COPY, {"reason": TOO_LONG}),
    ("drafts/page.html", 6): (
        "operator",
        COPY,
        {"kind": "registration", "name": "Not A Name", "like": GENERATOR, "do": "begin"},
    ),
    ("drafts/page.html", 8): (
        "operator",
        COPY,
        {"point": "NO-SUCH", "to": GENERATOR, "on": "2031-02-03", "do": "switch"},
    ),
    ("drafts/page.html", 9): ("operator", COPY, {"on": "2031-02-31", "do": "date"}),
    ("rules/end.html", 0): (
        "operator",
        END,
        {
            "last_day": "2090-03-31",
            "to": "lantern-supply",
            "taker.N0-P2": "-",
            "reason": TOO_LONG,
            "is_off": "yes",
        },
    ),
    ("law_changes/opening.html", 0): (
        "operator",
        "/rules/changes/open/",
        {
            "market": MARKET, "title": " ", "problem": "Too dear", "objectives": "Less",
            "do_nothing": "Dear", "options": "A lower cap", "urgency": "", "reason": "Now",
        },
    ),
    ("law_changes/_step.html", 0): (
        "owner",
        CHANGE,
        {"participant": SUPPLIER, "reason": "x" * 20_001},
    ),
    ("market/_wish.html", 0): (
        "owner",
        f"/market/{MARKET}/bookings/",
        {
            "point": "N0-P2", "side": "sell", "energy": "much", "power": "7.4",
            "earliest": "2024-03-31T20:00", "latest": "2024-03-31T19:00", "limit": "dear",
        },
    ),
    ("trials/ask.html", 0): (
        "operator",
        "/trials/ask/",
        {
            "draft": "change-{change}", "second": "", "first_day": "soon", "last_day": "later",
            "mode": "made-again", "threshold_percent": "lots",
        },
    ),
    ("people/listing.html", 0): (
        "operator", "/people/", {"account": "Not A Name", "name": "Ann Author", "another": "yes"},
    ),
    ("people/account.html", 1): (
        "operator", "/people/accounts/operator/", {"role": "participant", "owner": ""},
    ),
    ("people/account.html", 0): ("operator", "/people/accounts/operator/", {"reason": " "}),
    ("proof/check.html", 0): ("operator", "/proof/check/", {"proof": "no proof"}),
}  # fmt: skip

ELSEWHERE = {
    ("account/invitation.html", 0): "passwords are never shown",
    ("changes/page.html", 0): "one digest: tests/portal/test_changes.py",
    ("disputes/opening.html", 0): "tests/portal/test_acts.py",
    ("disputes/page.html", 0): "tests/portal/test_acts.py",
    ("drafts/conflict.html", 0): "each answer is a choice of two that are shown again",
    ("drafts/page.html", 5): "one choice of the list, which cannot be refused",
    ("drafts/page.html", 7): "a file, which no page can choose for its reader",
    ("drafts/part.html", 0): "is saved as it is typed, whatever is wrong with it",
    ("fairness/listing.html", 0): "one choice of the list, which is refused on a page of its own",
    ("law_changes/proposal.html", 0): "one digest: tests/portal/test_law_proposals.py",
    ("law_changes/proposal.html", 1): "a reason to give up: tests/portal/test_law_proposals.py",
    ("people/proposal.html", 0): "one digest: tests/portal/test_people.py",
    ("payments/listing.html", 0): "a file of a bank: tests/portal/test_payments.py",
    ("payments/page.html", 0): "tests/portal/test_payments.py",
}


def typed_forms():
    """Yield the template and the place in it of each form into which something is typed."""
    for file in sorted(TEMPLATES.rglob("*.html")):
        name = str(file.relative_to(TEMPLATES))
        for place, form in enumerate(FORM.findall(file.read_text())):
            if CONTROL.search(form) or "{% include" in form:
                yield name, place


def test_every_form_is_held_to_what_was_typed_or_says_where_it_is():
    own = {
        (name, place)
        for name, place in typed_forms()
        if not name.startswith(("mfa/", "allauth/"))  # of the sign-in, which shows no secret
    }
    assert own == KEPT.keys() | ELSEWHERE.keys()


def form_with(page, names):
    """Return the form of a page that has fields of some names, but for what a button sends."""
    fields = {name for name in names if name != "do"}
    found = [
        form
        for form in lxml_html.fromstring(page.content).forms
        if form.method == "POST" and fields <= set(form.inputs.keys())
    ]
    assert found, f"no form has {sorted(fields)}"
    return min(found, key=lambda form: len(form.inputs.keys()))


@pytest.mark.parametrize("key", KEPT, ids=lambda key: f"{key[0]} {key[1]}")
def test_what_was_typed_stands_in_the_form_that_is_refused(site, sign_in, django_user_model, key):
    who, address, typed = KEPT[key]
    client = sign_in(who)
    copy = law_in_a_copy(django_user_model.objects.get(username=who), f"registration.{SUPPLIER}")
    name, body = next(iter(copy.bodies.items()))
    WorkingCopy.objects.filter(pk=copy.pk).update(bodies={name: {**body, "title": "Another"}})
    fields = {"copy": copy.pk, "change": site.law_change}
    address = address.format(**fields)
    typed = {name: value.format(**fields) for name, value in typed.items()}
    form = form_with(client.get(address), typed)
    sent = {name: value or "" for name, value in form.form_values()} | typed
    answer = client.post(form.action or address, sent, follow=True)
    assert answer.status_code != 200 or b'class="complaint"' in answer.content, "refused"
    again = form_with(answer, typed)
    shown = dict(again.form_values())
    for name, value in typed.items():
        if name != "do":
            assert (shown.get(name) or "").strip() in (value, value.strip()), name
