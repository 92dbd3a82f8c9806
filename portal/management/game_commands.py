"""What the commands on GAME.json share: read the file, answer each game, print the answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from common.file_names import file_name, file_path
from common.outside_files import read_outside_file
from common.refusals import Finding, Refused
from portal.management.arguments import argument
from settlement.games.answers import compute_answers
from settlement.games.files import LARGEST_FILE_BYTES, GameFile, read_games

Answer = dict[str, Any]
Answers = Answer | list[Answer]
"""One answer, or a list of them where the file holds a list of games."""

GAME = argument("file", type=Path, metavar="GAME.json", help="a game or a list of games")


def answer_games(
    path: Path,
    answer: Callable[[GameFile], Answer],
    check: Callable[[GameFile], list[Finding]],
    notice: Callable[[str], object],
) -> Answers:
    """Return one answer, or a list of them where the file holds a list of games.

    Raises:
        Refused: with every finding on the file and its games.
    """
    try:
        content = read_outside_file(path, LARGEST_FILE_BYTES)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Refused(
            [
                Finding(
                    "unreadable-file", file_path(path), reason, "a readable file", "check the path"
                )
            ]
        ) from None
    reading = read_games(file_name(path), content)
    for line in reading.notices:
        notice(line)
    findings = reading.findings or [found for file in reading.games for found in check(file)]
    if findings:
        raise Refused(findings)
    answers, beyond = compute_answers(reading.games, answer)
    if beyond:
        raise Refused(beyond)
    return answers if reading.is_list else answers[0]


def answer_list(answers: Answers) -> list[Answer]:
    """Return answers as a list, whatever the form of the file."""
    return answers if isinstance(answers, list) else [answers]
