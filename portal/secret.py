"""The key that signs sessions: from the environment, or made once and kept beside the data."""

import contextlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 50


def secret_key(folder: Path) -> str:
    """Return TALLYSTICK_SECRET_KEY, or the key kept in `folder`, made on first use.

    The file is readable by its owner alone. Two processes that start at once end with one key:
    the file appears whole, by a link, and the second finds it there.
    """
    given = os.environ.get("TALLYSTICK_SECRET_KEY")
    if given:
        return given
    kept = folder / "secret_key"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, kept)
        draft.unlink()
    return kept.read_text()
