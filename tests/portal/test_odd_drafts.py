"""What no one types on purpose into a registration: saved, shown, refused where it stands."""

from itertools import cycle

import pytest
from django.contrib.auth.models import User

from portal.editing.bodies import path_text
from portal.editing.sheets import every_page
from tests.portal.site import GENERATOR
from tests.portal.test_drafts import form_of, shown
from tests.worlds.drafted import law_in_a_copy

pytestmark = pytest.mark.django_db

KEY = f"registration.{GENERATOR}"
ODD = (
    "", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "a\N{ZERO WIDTH SPACE}b", "-5", "-0.0000001",
    "1" + "0" * 30, "1e9", "NaN", "\N{ARABIC-INDIC DIGIT ONE}", "9999-12-31", "0001-01-01",
    "2024-02-30", "<script>alert(1)</script>", "{price_cap}", "x" * 5000, "null", "true", "[]",
    "N0-P1",
)  # fmt: skip
"""More than any page has fields of one kind, so that each turn gives a field another."""


def pages_of(copy):
    (body,) = copy.bodies.values()
    for path, _ in list(every_page("registration", body))[:9]:
        part = path_text(path)
        yield f"/drafts/{copy.pk}/{KEY}/" + (f"{part}/" if part else "")


def test_whatever_is_typed_is_saved_and_shown_and_becomes_no_law(sign_in):
    client = sign_in("operator")
    copy = law_in_a_copy(User.objects.get(username="operator"), KEY)
    odd = cycle(ODD)
    for address in pages_of(copy):
        form = form_of(client, address)
        typed = {name: next(odd) for name in form if name not in ("version", "csrfmiddlewaretoken")}
        answer = client.post(address, form | typed | {"do": "save"}, follow=True)
        shown(answer)
        assert b"<script>alert(1)" not in answer.content, "what is typed is text"
    page = shown(client.get(f"/drafts/{copy.pk}/"))
    assert "It cannot be proposed yet" in page
    shown(client.get(f"/drafts/{copy.pk}/compared/"))
    shown(client.get(f"/drafts/{copy.pk}/{KEY}/document.yaml"), 422)
    shown(client.post(f"/drafts/{copy.pk}/propose/", {"reason": "Odd"}, follow=True), 422)


@pytest.mark.parametrize(
    "action",
    [
        "remove units.0", "remove " + "9" * 30, "add " + "x" * 999, "up units.-1", "add units.0",
        "", "save save", "add ..", "add units.", "leave-out units", "state units", "remove units",
    ],
)  # fmt: skip
def test_a_button_that_is_none_does_nothing(sign_in, action):
    client = sign_in("operator")
    copy = law_in_a_copy(User.objects.get(username="operator"), KEY)
    address = f"/drafts/{copy.pk}/{KEY}/"
    shown(client.post(address, form_of(client, address) | {"do": action}, follow=True))
    before = copy.bodies
    copy.refresh_from_db()
    assert (copy.bodies == before) == (action != "remove units.0")
