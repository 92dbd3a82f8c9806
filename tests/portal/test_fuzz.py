"""Whatever is typed, sent or asked for: a sentence and no traceback, a page and never a 500.

What is refused has written nothing. `make fuzz` tries 20,000 inputs; every run of the suite a few
of a new seed, which a failure prints.
"""

import logging
import os
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.portal.fuzz.addresses import open_portal, try_address
from tests.portal.fuzz.commands import leaves, stood_in, try_command
from tests.portal.fuzz.world import Failures, World, fuzzed_world
from tests.portal.site import serving_from

INPUTS = int(os.environ.get("TALLYSTICK_INPUTS", "0"))
"""How many are tried; without, as many as `SHORT_CPU_S` lets."""

SHORT_INPUTS, SHORT_CPU_S = 250, 6
SEED = int(os.environ.get("TALLYSTICK_SEED") or random.SystemRandom().randrange(2**32))


@pytest.fixture(scope="module")
def world(site, server_url, tmp_path_factory, django_db_setup, django_db_blocker):
    folder = tmp_path_factory.mktemp("fuzz")
    logging.disable()  # each refusal is logged, and a failure would show all of them
    with django_db_blocker.unblock(), fuzzed_world(site, server_url, folder) as made:
        yield made
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def on_site(world: World) -> Iterator[None]:
    """Point the domain's engine at the copy: every other test of the portal reads the original."""
    with serving_from(world.url, world.engine):
        yield


def of_inputs(count: int):
    """Draw a seed for each input; a failure is kept, so that one run tells of every kind."""

    def decorated(test):
        drawn = given(number=st.integers(0, 2**62))(test)
        return seed(SEED)(
            settings(
                max_examples=count,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(drawn)
        )

    return decorated


def fuzz(what: str, try_one) -> None:
    """Try half of the inputs on what is named, and report every kind of failure at once."""
    failures, end = Failures(SEED), time.process_time() + SHORT_CPU_S / 2

    @of_inputs((INPUTS or SHORT_INPUTS) // 2)
    def try_all(number: int) -> None:
        if INPUTS or time.process_time() < end:
            failures.inputs += 1
            try_one(random.Random(number), failures)

    try_all()
    print(f"{what}: {failures.inputs:,} inputs of seed {SEED}")
    assert not failures.kinds, failures.report()


def test_no_command_fails_but_by_a_sentence(world: World):
    all_leaves = leaves()
    world.written()
    with stood_in():
        fuzz("commands", lambda rng, found: try_command(rng, world, rng.choice(all_leaves), found))


def test_no_address_fails_but_by_a_page(world: World):
    portal = open_portal(world)
    world.written()
    fuzz("addresses", lambda rng, found: try_address(rng, world, portal, found))
