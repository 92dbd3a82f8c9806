"""What Django's own checks let pass as a password."""

import re

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

LEAST_SIGNS = 8
SHORTEST_NAME = 3
"""Shorter names, and parts of names, stand in many a password by chance."""


class NameAloneValidator:
    """Refuses the name of the account with little beside it, however often it stands there."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Refuse a password that is too short without the name.

        Raises:
            ValidationError: it is.
        """
        name = user.get_username() if user else ""
        parts = {part for part in (name, *re.split(r"\W+|_", name)) if len(part) >= SHORTEST_NAME}
        rest = password.casefold()
        for part in sorted(parts, key=len, reverse=True):
            rest = rest.replace(part.casefold(), "")
        if parts and rest != password.casefold() and len(rest) < LEAST_SIGNS:
            raise ValidationError(
                "This password is little more than the name of the account.", code="name_alone"
            )

    def get_help_text(self) -> str:
        """Return what is asked for."""
        return "Without the name of the account, it is eight signs or more."
