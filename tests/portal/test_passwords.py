"""Passwords: the name of the account with little beside it is none, however it is written."""

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError


@pytest.mark.parametrize(
    ("account", "password"),
    [
        ("greta", "greta-greta"),
        ("greta", "Greta2026!"),
        ("greta", "xGRETAgretaGretax"),
        ("ann.author", "annauthor-ann"),
        ("meter-robot", "robot.meter.77"),
    ],
)
def test_the_name_alone_is_no_password(account, password):
    with pytest.raises(ValidationError, match=r"name of the account|too similar"):
        validate_password(password, User(username=account))


@pytest.mark.parametrize(
    ("account", "password"),
    [
        ("ann", "planning-nine-otters"),
        ("bo", "bobo-k4d-q8mz"),
        ("greta", "vexed-otter-plays-greta"),
        ("", "vexed-otter-plays"),
    ],
)
def test_a_password_of_its_own_is_taken(account, password):
    validate_password(password, User(username=account))
