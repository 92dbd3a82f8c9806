"""Worlds that several tests read or roll back, each made once in a process of tests."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Engine

from database.session import make_engine, transaction

World = tuple[Engine, Any]


@pytest.fixture(scope="session")
def world_of(clone_database) -> Iterator[Callable[[Callable], World]]:
    """Return a function that fills a database once, by a function that is given a session.

    It returns the engine and what filling returned; tests open it rolled back, so that each finds
    it as it was filled.
    """
    engines: list[Engine] = []

    @cache
    def made(fill: Callable) -> World:
        engines.append(make_engine(clone_database()))
        with transaction(engines[-1]) as session:
            return engines[-1], fill(session)

    yield made
    for engine in engines:
        engine.dispose()
