"""The process that does jobs: `manage.py worker`, by procrastinate."""

import logging
from collections.abc import Awaitable, Callable, Iterable

from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params

log = logging.getLogger(__name__)


class Connector(PsycopgConnector):
    """The connector of a worker, which no words on the channel of the queue end.

    PostgreSQL lets every role say anything on any channel. What cannot be read there is passed
    over: a worker looks for jobs every few seconds all the same.
    """

    async def listen_notify(
        self, on_notification: Callable[..., Awaitable[None]], channels: Iterable[str]
    ) -> None:
        """Tell of what is said on some channels, and of nothing that cannot be understood."""

        async def hear(*, channel: str, payload: str) -> None:
            try:
                await on_notification(channel=channel, payload=payload)
            except Exception as error:
                log.warning("passed over what was said on %s: %s", channel, type(error).__name__)

        await super().listen_notify(hear, channels)


def run_worker(at_once: int) -> None:
    """Work until a signal says to stop, at so many jobs at once."""
    with app.replace_connector(Connector(kwargs=connector_params())):
        app.run_worker(
            concurrency=at_once,
            delete_jobs="successful",
            fetch_job_polling_interval=2.0,
            shutdown_graceful_timeout=10.0,
            name="tallystick",
        )
