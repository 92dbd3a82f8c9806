"""The portal for an ASGI server: its edge, over Django; the addresses of its roles must be set."""

import os

from django.core.wsgi import get_wsgi_application

from database.addresses import ROLE_VARIABLE
from database.roles.names import Role

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
os.environ.setdefault(ROLE_VARIABLE, Role.PORTAL)
pages = get_wsgi_application()

# Only now: what follows needs Django to be set up.
from django.conf import settings  # noqa: E402

from portal.edge import Edge  # noqa: E402
from portal.relay import Relay  # noqa: E402
from portal.uploads import judge_uploader  # noqa: E402

application = Edge(
    pages,
    settings.TALLYSTICK_THREADS,
    judge_uploader,
    relay=Relay(settings.TALLYSTICK_STREAM_SOCKET),
)
