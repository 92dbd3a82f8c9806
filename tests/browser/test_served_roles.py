"""What answers pages knows the portal's addresses of the database, and nobody else's."""

import contextlib
from pathlib import Path

import psutil

from database.addresses import VARIABLES
from database.roles.names import Role


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Return the environment with which a process began, as its system keeps it."""
    words = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
    return dict(word.split("=", 1) for word in words if "=" in word)


def ports_of(process: psutil.Process) -> set[int]:
    """Return at which ports a process listens or talks; none where it ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {each.laddr.port for each in process.net_connections("tcp") if each.laddr}
    return set()


def test_what_answers_pages_is_told_no_secret_of_others(served):
    port = int(served.url.rpartition(":")[2])
    mine = psutil.Process().children(recursive=True)
    listening = [process for process in mine if port in ports_of(process)]
    assert listening
    for process in listening:
        told = environment_of(process)
        assert VARIABLES[Role.OWNER] not in told
        assert VARIABLES[Role.WRITER] not in told
        assert not any("_writer" in value for value in told.values())
        assert "_portal:" in told[VARIABLES[Role.PORTAL]]
        assert "_portal_auth:" in told[VARIABLES[Role.PORTAL_AUTH]]
