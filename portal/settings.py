"""Django's settings, read from the environment; the defaults serve a single machine."""

import os
from pathlib import Path

from sqlalchemy import make_url

ROOT = Path(__file__).resolve().parent.parent


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
        "OPTIONS": {"options": "-c search_path=portal,public"},
    }


SECRET_KEY = os.environ.get("TALLYSTICK_SECRET_KEY", "development-only-key")
DEBUG = False
ALLOWED_HOSTS = os.environ.get("TALLYSTICK_HOSTS", "127.0.0.1,localhost,[::1]").split(",")

INSTALLED_APPS = [
    "portal",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

DATABASES = {"default": django_database(os.environ.get("DATABASE_URL", "postgresql:///tallystick"))}

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
