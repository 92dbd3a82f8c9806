"""Django's settings, read from the environment; the defaults serve a single machine."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from sqlalchemy import make_url

from database.addresses import django_url, names_server
from portal.secret import secret_key

ROOT = Path(__file__).resolve().parent.parent
MAX_PORT = 65_535
MOST_DIGITS = 18
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


def django_database(url: str) -> dict[str, object]:
    """Return Django's view of a PostgreSQL URL; its own tables live in the schema `portal`."""
    address = make_url(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.database or "",
        "USER": address.username or "",
        "PASSWORD": address.password or "",
        "HOST": address.query.get("host", address.host or ""),
        "PORT": str(address.port or ""),
        "OPTIONS": {
            # Django's models name no schema: the first of the path is where its tables are made.
            "options": "-c search_path=portal,public",
            # Every connection of the role reads what the others ask (pg_stat_activity), and a log
            # of slow statements keeps it: no token, and nothing that people send, stands in it.
            "server_side_binding": True,
        },
    }


SWITCHED_ON = frozenset({"1", "true", "yes", "on"})
SWITCHED_OFF = frozenset({"0", "false", "no", "off"})


def is_switched_on(name: str, default: bool) -> bool:
    """Return whether the environment switches `name` on; what is empty is left as it is.

    Raises:
        ImproperlyConfigured: it says neither, and guessed it might ask for less than was meant.
    """
    text = os.environ.get(name, "").strip().lower()
    if text not in {"", *SWITCHED_ON, *SWITCHED_OFF}:
        raise ImproperlyConfigured(f"{name} is {text!r}; write 1 for on, or 0 for off")
    return text in SWITCHED_ON if text else default


def port_number(name: str, default: int) -> int:
    """Return the port that the environment gives as `name`.

    Raises:
        ImproperlyConfigured: it is no number of a port.
    """
    text = os.environ.get(name) or str(default)
    if not _has_digits_alone(text) or not 0 < int(text) <= MAX_PORT:
        raise ImproperlyConfigured(
            f"{name} is {text!r}, which is no port; it is a whole number from 1 to {MAX_PORT}"
        )
    return int(text)


def whole_number(name: str, default: int) -> int:
    """Return the whole number that the environment gives as `name`.

    Raises:
        ImproperlyConfigured: it is none.
    """
    text = os.environ.get(name) or str(default)
    if not _has_digits_alone(text):
        raise ImproperlyConfigured(f"{name} is {text!r}; it is a whole number, such as {default}")
    return int(text)


def _has_digits_alone(text: str) -> bool:
    """Return whether a text is some digits, and not so many that no number is read of them."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


SECRET_KEY = secret_key(ROOT / "var")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("TALLYSTICK_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

TALLYSTICK_DEMO = is_switched_on("TALLYSTICK_DEMO", False)
"""Marks every page as a demonstration."""

DEMO_HAS_GRACE = is_switched_on("TALLYSTICK_DEMO", set(ALLOWED_HOSTS) <= LOOPBACK)
"""Whether a demonstration's sign-ins do without a second factor: where nobody but this machine
connects, or the environment says that this is a demonstration."""

HTTPS = is_switched_on("TALLYSTICK_HTTPS", not set(ALLOWED_HOSTS) <= LOOPBACK)
"""On wherever another machine may connect, so cookies never travel in the clear."""

TALLYSTICK_THREADS = whole_number("TALLYSTICK_THREADS", 2 * (os.cpu_count() or 1) + 2)
"""Requests that a process answers at once; `serve` sets it for those that it starts."""

TALLYSTICK_STREAM_SOCKET = os.environ.get("TALLYSTICK_STREAM_SOCKET") or str(
    ROOT / "var" / "market-stream.sock"
)
"""Where `market stream` answers, and the portal asks it; `serve` makes one for the two."""

ALLAUTH_TRUSTED_PROXY_COUNT = whole_number("TALLYSTICK_PROXIES", 0)
"""Proxies before the portal, each of which adds the address that it saw to X-Forwarded-For. Whoever
connects could write the rest of that header, so it is believed for so many places and no more."""

INSTALLED_APPS = [
    "portal",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    # First: a load balancer asks by address and without TLS, which those below would refuse.
    "portal.middleware.AnswerProbes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.ContentSecurityPolicy",
    "portal.middleware.RefuseUnreadable",
    "portal.middleware.LimitWaits",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.ActAsAccount",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.second_factor.RequireSecondFactor",
]

ROOT_URLCONF = "portal.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
        },
    }
]


def own_address() -> str:
    """Return Django's address, or for what needs no database one that leads nowhere."""
    try:
        return django_url()
    except RuntimeError:
        if names_server():
            raise
        return "postgresql:///tallystick"


DATABASES = {"default": django_database(own_address())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
LANGUAGE_CODE = "en-gb"

STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 31_536_000  # addresses carry the digest of the file, see `asset`

# A file may be long, and the fields beside it are not; see `portal.bodies`.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 1

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "portal.passwords.NameAloneValidator"}]
ACCOUNT_ADAPTER = "portal.sign_in.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_SESSION_REMEMBER = False
# Passwords and codes are counted by `portal.throttle`: allauth would count in each process alone,
# and lock an account for everybody after five wrong passwords of anybody.
ACCOUNT_RATE_LIMITS = {"login_failed": None}
ACCOUNT_REAUTHENTICATION_TIMEOUT = whole_number("TALLYSTICK_CONFIRMED_SECONDS", 600)
"""How long who confirmed that it is they may move money, or change the second factor."""
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ADAPTER = "portal.second_factor.FactorAdapter"
MFA_FORMS = {
    "authenticate": "portal.factor_forms.AuthenticateForm",
    "reauthenticate": "portal.factor_forms.ReauthenticateForm",
    "activate_totp": "portal.factor_forms.TurnOnAppForm",
    "add_webauthn": "portal.factor_forms.AddPasskeyForm",
    "authenticate_webauthn": "portal.factor_forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "portal.factor_forms.ReauthenticatePasskeyForm",
}
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Tallystick"
# Users are made by the operator, some without an address: no second factor waits for one.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Messages are printed unless a mail server is named.
EMAIL_HOST = os.environ.get("TALLYSTICK_SMTP_HOST", "")
EMAIL_PORT = port_number("TALLYSTICK_SMTP_PORT", 587)
EMAIL_HOST_USER = os.environ.get("TALLYSTICK_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("TALLYSTICK_SMTP_PASSWORD", "")
EMAIL_USE_TLS = EMAIL_PORT == 587
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("TALLYSTICK_MAIL_FROM", "notices@tallystick.invalid")

SESSION_ENGINE = "portal.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = HTTPS
# Not Strict: a link in a notice's message is to find its reader signed in.
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
# Forms carry the token, so no script needs to read it.
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
# Without HTTPS no proxy of ours sets the header, so whoever sends it is not believed.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = is_switched_on("TALLYSTICK_HSTS_SUBDOMAINS", HTTPS)
# To be in browsers' own lists of sites with TLS is for good, and for whoever owns the domain.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "portal": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
