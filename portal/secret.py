"""The key that signs sessions: from the environment, or made once and kept beside the data."""

import os
from pathlib import Path

from database.secrets import kept_secret


def secret_key(folder: Path) -> str:
    """Return TALLYSTICK_SECRET_KEY, or the key kept in `folder`, made on first use."""
    return os.environ.get("TALLYSTICK_SECRET_KEY") or kept_secret(folder / "secret_key")
