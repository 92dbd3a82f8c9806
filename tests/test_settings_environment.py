"""What the environment says in a way that nobody meant is told, and never guessed at."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.settings import is_switched_on, port_number, whole_number

NAME = "TALLYSTICK_TRIED"


@pytest.mark.parametrize("said", ["enabled", "maybe", "2", "y", "-1", "١"])
def test_a_switch_that_says_neither_is_refused(monkeypatch, said):
    monkeypatch.setenv(NAME, said)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is .*write 1 for on, or 0 for off"):
        is_switched_on(NAME, True)


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_switch_is_left_as_it_is(monkeypatch, default):
    for said in ("", " "):
        monkeypatch.setenv(NAME, said)
        assert is_switched_on(NAME, default) is default
    for said, means in (("1", True), ("On", True), ("0", False), ("no", False)):
        monkeypatch.setenv(NAME, said)
        assert is_switched_on(NAME, default) is means


@pytest.mark.parametrize("said", ["٣", "1e3", "-1", "9" * 5000, "1.0"])
def test_a_number_has_ascii_digits_and_few(monkeypatch, said):
    monkeypatch.setenv(NAME, said)
    for number in (port_number, whole_number):
        with pytest.raises(ImproperlyConfigured, match="whole number"):
            number(NAME, 1)
