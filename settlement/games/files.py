"""Reading GAME.json: games that an auditor recomputes by hand, checked with every finding.

A file holds one game or a list of games. Quantities are whole kilowatts; an id may be written as a
string or a whole number. A field that the format does not have is named in a notice, so that a
misspelt one does not go unseen.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.refusals import Finding, shown
from settlement.games.holarchy import GameHolarchy, flat_holarchy, read_holarchy

LARGEST_KW = 10**9
"""One terawatt: more than any market's line, unit or demand."""
LARGEST_COUNT = 10**6
MOST_DIGITS = 100
LARGEST_FILE_BYTES = 32 * 1024 * 1024

FIELDS = frozenset(
    {"nodes", "lines", "units", "demand_kw", "holarchy", "coalition", "trunk_nodes", "hop_limit"}
    | {"rating_multiplier", "response_minutes", "requirement_kw"}
)
LINE_FIELDS = frozenset({"line", "from", "to", "rating_kw", "reverse_rating_kw"})
UNIT_FIELDS = frozenset({"id", "node", "available_kw", "ramp_kw_per_h"})


@dataclass(frozen=True)
class GameLine:
    """A line between two nodes, by index, with a rating in each direction."""

    from_node: int
    to_node: int
    rating_kw: int
    reverse_rating_kw: int


@dataclass(frozen=True)
class GameUnit:
    """A unit at a node, by index; its ramp is None where the file gives none."""

    unit: str
    node: int
    available_kw: int
    ramp_kw_per_h: int | None


@dataclass(frozen=True)
class GameFile:
    """One game as written, with ids turned into indices; None where an optional field is absent.

    Without a holarchy, every node is a holon of one system. `demand_kw` is by node.
    """

    place: str
    nodes: tuple[str, ...]
    lines: tuple[GameLine, ...]
    units: tuple[GameUnit, ...]
    demand_kw: tuple[int, ...]
    holarchy: GameHolarchy
    coalition: tuple[int, ...] | None
    trunk_nodes: tuple[int, ...] | None
    hop_limit: int | None
    rating_multiplier: int
    response_minutes: int | None
    requirement_kw: int | None


@dataclass
class GameReading:
    """What reading a file gave: games, whether they came as a list, findings and notices."""

    games: list[GameFile] = field(default_factory=list)
    is_list: bool = False
    findings: list[Finding] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_games(name: str, content: bytes) -> GameReading:
    """Read the content of a file; its games count only where there is no finding."""
    reading = GameReading()
    file = _Reader(name, reading)
    repeated: list[str] = []

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        repeated.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)
        return dict(pairs)

    try:
        document = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=without_repeats, parse_int=_whole_number
        )
    except (ValueError, RecursionError) as error:
        file.refuse("not-json", "", _problem(error), "a file is JSON in UTF-8", "write it again")
        return reading
    for key in repeated:
        file.refuse(
            "repeated-field", "", key, "an object gives a field once", "remove all but one of them"
        )
    reading.is_list = isinstance(document, list)
    games = document if isinstance(document, list) else [document]
    if not games:
        file.refuse("no-game", "", games, "a list holds at least one game", "add a game")
    for number, listed in enumerate(games):
        place = f"{name}: game {number}" if reading.is_list else name
        game = _Reader(place, reading).game(listed)
        if game is not None:
            reading.games.append(game)
    return reading


def _whole_number(written: str) -> int:
    # Beyond 4,300 digits Python reads none, and says so in words about itself.
    if len(written) > MOST_DIGITS:
        raise ValueError(f"a number of {len(written):,} digits")
    return int(written)


def _is_one_line(written: str) -> bool:
    return not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in written)


def _problem(error: Exception) -> str:
    """Return why a text is no JSON in words about the text."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return "values are nested too deeply" if isinstance(error, RecursionError) else str(error)


class _Reader:
    """Reads the fields of one game, and adds what is wrong with them to the findings."""

    def __init__(self, place: str, reading: GameReading) -> None:
        self.place, self.reading = place, reading

    def refuse(self, code: str, path: str, value: object, limit: str, remedy: str) -> None:
        # A path names ids too, and those that are refused may hold anything.
        seen = "".join(
            each if _is_one_line(each) else each.encode("unicode_escape").decode() for each in path
        )
        place = f"{self.place}: {seen}" if path else self.place
        self.reading.findings.append(Finding(code, place, shown(value), limit, remedy))

    def game(self, document: object) -> GameFile | None:
        """Return the game, or None where there is any finding."""
        before = len(self.reading.findings)
        game = self.fields("", document, FIELDS, {"nodes", "lines", "units", "demand_kw"})
        nodes = self.ids("nodes", game.get("nodes", []))
        if not nodes and "nodes" in game:
            self.refuse("no-node", "nodes", game["nodes"], "a grid has a node", "list the nodes")
        lines = [
            self.line(f"lines[{number}]", line, nodes)
            for number, line in enumerate(self.items("lines", game.get("lines", [])))
        ]
        units = [
            self.unit(f"units[{number}]", unit, nodes)
            for number, unit in enumerate(self.items("units", game.get("units", [])))
        ]
        names = self.distinct("units", [unit.unit for unit in units])
        demand = self.demand(game.get("demand_kw", {}), nodes)
        unit_node = {unit.unit: unit.node for unit in units}
        holarchy = flat_holarchy(len(nodes))
        if game.get("holarchy") is not None:
            holarchy = read_holarchy(game["holarchy"], nodes, unit_node, self.refuse)
        found = GameFile(
            place=self.place,
            nodes=tuple(nodes),
            lines=tuple(lines),
            units=tuple(units),
            demand_kw=demand,
            holarchy=holarchy,
            coalition=self.members("coalition", game, names),
            trunk_nodes=self.members("trunk_nodes", game, nodes),
            hop_limit=self.optional_whole("hop_limit", game, 0, LARGEST_COUNT),
            rating_multiplier=self.whole(
                "rating_multiplier", game.get("rating_multiplier", 1), 1, 1000
            ),
            response_minutes=self.optional_whole("response_minutes", game, 1, 24 * 60),
            requirement_kw=self.optional_whole("requirement_kw", game, 0, LARGEST_KW),
        )
        return found if len(self.reading.findings) == before else None

    def line(self, path: str, document: object, nodes: Mapping[str, int]) -> GameLine:
        line = self.fields(path, document, LINE_FIELDS, {"from", "to", "rating_kw"})
        ends = [
            self.known(f"{path}.{end}", line[end], nodes) if end in line else 0
            for end in ("from", "to")
        ]
        rating = self.whole(f"{path}.rating_kw", line.get("rating_kw", 0), 0, LARGEST_KW)
        back = line.get("reverse_rating_kw")
        if back is not None:
            back = self.whole(f"{path}.reverse_rating_kw", back, 0, LARGEST_KW)
        return GameLine(ends[0], ends[1], rating, rating if back is None else back)

    def unit(self, path: str, document: object, nodes: Mapping[str, int]) -> GameUnit:
        unit = self.fields(path, document, UNIT_FIELDS, {"id", "node", "available_kw"})
        ramp = unit.get("ramp_kw_per_h")
        return GameUnit(
            unit=self.id(f"{path}.id", unit["id"]) if "id" in unit else "",
            node=self.known(f"{path}.node", unit["node"], nodes) if "node" in unit else 0,
            available_kw=self.whole(
                f"{path}.available_kw", unit.get("available_kw", 0), 0, LARGEST_KW
            ),
            ramp_kw_per_h=None
            if ramp is None
            else self.whole(f"{path}.ramp_kw_per_h", ramp, 0, LARGEST_KW),
        )

    def demand(self, document: object, nodes: Mapping[str, int]) -> tuple[int, ...]:
        demand = [0] * len(nodes)
        for node, kw in self.fields("demand_kw", document, None, set()).items():
            path = f"demand_kw.{node}"
            place = self.known(path, node, nodes)
            amount = self.whole(path, kw, 0, LARGEST_KW)
            if demand:
                demand[place] = amount
        return tuple(demand)

    def members(
        self, name: str, game: Mapping[str, Any], known: Mapping[str, int]
    ) -> tuple[int, ...] | None:
        if game.get(name) is None:
            return None
        ids = self.ids(name, game[name])
        return tuple(
            self.known(f"{name}[{number}]", member, known) for number, member in enumerate(ids)
        )

    def optional_whole(self, name: str, game: Mapping[str, Any], low: int, high: int) -> int | None:
        return None if game.get(name) is None else self.whole(name, game[name], low, high)

    def fields(
        self, path: str, document: object, allowed: frozenset[str] | None, needed: set[str]
    ) -> dict[str, Any]:
        if not isinstance(document, dict):
            self.refuse("not-an-object", path, document, "an object", "write it as {...}")
            return {}
        for name in sorted(needed - document.keys()):
            where = f"{path}.{name}" if path else name
            self.refuse("missing-field", where, None, "a field that is needed", "add it")
        if allowed is not None:
            place = f"{self.place}: {path}" if path else self.place
            self.reading.notices += [
                f"{place}: field {shown(name)} is not of the format and was not read"
                for name in document
                if name not in allowed
            ]
        return document

    def items(self, path: str, document: object) -> list[Any]:
        if isinstance(document, list):
            return document
        self.refuse("not-a-list", path, document, "a list", "write it as [...]")
        return []

    def ids(self, path: str, document: object) -> dict[str, int]:
        """Return the ids of a list with their positions."""
        ids = [
            self.id(f"{path}[{number}]", entry)
            for number, entry in enumerate(self.items(path, document))
        ]
        return self.distinct(path, ids)

    def distinct(self, path: str, ids: list[str]) -> dict[str, int]:
        places: dict[str, int] = {}
        for number, entry_id in enumerate(ids):
            if places.setdefault(entry_id, number) != number and entry_id:
                self.refuse(
                    "repeated-id",
                    f"{path}[{number}]",
                    entry_id,
                    f"an id is listed once; {path}[{places[entry_id]}] has it too",
                    "remove one or give it another id",
                )
        return {entry_id: number for number, entry_id in enumerate(places)}

    def id(self, path: str, value: object) -> str:
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            if _is_one_line(str(value)):
                return str(value)
            limit = "an id is one line of whole characters, none of which steers a terminal"
            self.refuse("not-an-id", path, value, limit, "take out what people do not see")
            return ""
        self.refuse("not-an-id", path, value, "an id is a string or a whole number", "name it")
        return ""

    def known(self, path: str, value: object, ids: Mapping[str, int]) -> int:
        entry_id = self.id(path, value)
        if entry_id and entry_id not in ids:
            self.refuse(
                "unknown-id",
                path,
                entry_id,
                f"one of the {len(ids)} listed ids",
                "correct the id, or add it to the list it belongs to",
            )
        return ids.get(entry_id, 0)

    def whole(self, path: str, value: object, low: int, high: int) -> int:
        """Return a whole number in its limits; 5.0 is one, true is not."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse("not-whole", path, value, "a whole number", "round it to a whole number")
        elif not low <= value <= high:
            self.refuse(
                "out-of-range", path, value, f"from {low} to {high}", "correct the number or unit"
            )
        else:
            return value
        return low
