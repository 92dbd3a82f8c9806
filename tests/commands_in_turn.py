"""Many commands in one process: it costs seconds to begin, and theirs end before they do much."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

import manage


def run_in_turn(commands: list[list[str]]) -> list[tuple[int, str]]:
    """Return the status with which each command ends, and what it says of it.

    What is no `SystemExit` is not caught: a traceback ends them all.
    """
    return [_run(arguments) for arguments in commands]


def _run(arguments: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            manage.main(["manage.py", *arguments])
        except SystemExit as end:
            if isinstance(end.code, str):  # which Python prints, and then ends with status 1
                return 1, f"{said.getvalue()}{end.code}\n"
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


if __name__ == "__main__":
    print(json.dumps(run_in_turn(json.loads(sys.argv[1]))))
