"""Who is signed in on this machine: a token, in a file that its owner alone can read.

It lies with the user's other state, outside the repository, one a database. A service has its
token in the environment instead.
"""

import contextlib
import os
from hashlib import sha256
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from database.embedded import DATA_FOLDER

VARIABLE = "TALLYSTICK_TOKEN"


def stored_token() -> str | None:
    """Return the token by which commands act here, or None."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    with contextlib.suppress(OSError):
        return token_file().read_text()
    return None


def keep_token(token: str) -> Path:
    """Keep a token for the commands that follow, and return the file."""
    path = token_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)
    draft.replace(path)
    return path


def forget_token() -> None:
    """Let commands act as nobody."""
    token_file().unlink(missing_ok=True)


def token_file() -> Path:
    """Return where the token for this database lies."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "tallystick" / f"token-{sha256(_database().encode()).hexdigest()[:16]}"


def _database() -> str:
    """Return which database this is, without its password."""
    url = os.environ.get("DATABASE_URL", "")
    if not url or str(DATA_FOLDER) in url:
        return str(DATA_FOLDER)
    try:
        address = make_url(url)
    except ArgumentError:  # whoever connects says so
        return ""
    host = address.query.get("host", address.host)
    return f"{host}:{address.port}/{address.database}"
