"""The forms of a second factor: codes may be tried so often and no more, and odd passkeys fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as webauthn
from django.core.exceptions import ValidationError

from portal.audit import Action, record
from portal.throttle import TOO_MANY_CODES, Kind, begin_request, spend, succeed

UNREADABLE = "That is no answer of a passkey."
PASSKEY = Authenticator.Type.WEBAUTHN.label


class _Throttled(forms.BaseAuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    def clean_code(self) -> str:
        """Return the code if it is right, and if it may be tried at all."""
        attempt = begin_request(Kind.CODE, f"user {self.user.pk}", context.request)
        if attempt is None:
            raise ValidationError(TOO_MANY_CODES)
        code: str = super().clean_code()
        if not spend(self.user, code):
            self._emit_authentication_failed(self.authenticator)
            raise get_adapter().validation_error("incorrect_code")
        succeed(attempt)
        return code


class AuthenticateForm(_Throttled, forms.AuthenticateForm):  # type: ignore[misc]  # untyped, too
    """The code with which one signs in."""


class ReauthenticateForm(_Throttled, forms.ReauthenticateForm):  # type: ignore[misc]  # untyped, too
    """The code with which one confirms that it is they."""


class TurnOnAppForm(ActivateTOTPForm):  # type: ignore[misc]  # untyped, too
    """The code by which an app is turned on."""

    def clean_code(self) -> str:
        """Return the code if it is right: who saw it typed does not sign in by it."""
        code: str = super().clean_code()
        spend(self.user, code)
        return code


@contextmanager
def _odd_answers_refused() -> Iterator[None]:
    """Refuse what is JSON and no passkey's answer: the library fails at some of it instead."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValidationError(UNREADABLE) from error


class AddPasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]  # untyped, too
    """A passkey that is added."""

    def clean(self) -> dict[str, Any]:
        """Return what was added, if it answers what was asked."""
        with _odd_answers_refused():
            cleaned: dict[str, Any] = super().clean()
            return cleaned


class _HeldToAccount(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]  # untyped, too
    def clean_credential(self) -> Authenticator:
        """Return the passkey of the account that answered; the trail tells of any other."""
        try:
            with _odd_answers_refused():
                return super().clean_credential()
        except ValidationError:
            record(self.user, Action.FACTOR_REFUSED, PASSKEY)
            raise


class AuthenticatePasskeyForm(_HeldToAccount):
    """The passkey with which one signs in."""


class ReauthenticatePasskeyForm(_HeldToAccount, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # untyped, too
    """The passkey with which one confirms that it is they."""
