"""YAML as documents are written in it: a small part of the language, without its surprises.

Plain words are text, except `null`, `true`, `false`, whole numbers (`90000000`, or by hand
`90_000_000`) and days (`2024-01-01`). So `no`, `on`, `1:30` and `010` stay the text they look
like. Repeated keys, anchors and aliases are refused: a reader should find each value once, where it
stands. PyYAML reads the text as far as its nodes; what they mean is decided here, so that each
fault has its line, and every fault of a text that can be parsed is found at once.

What is written is YAML 1.2, so that editors see the same values: digits stand in one row, since
1.2 knows no groups of them, and text that 1.2 would take for a number or a truth is quoted.
"""

import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import yaml
from yaml.composer import ComposerError
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from common.refusals import shown
from rulebook.documents import Document

MOST_DIGITS = 100
"""No field holds a number of more than 16; beyond 4,300 Python itself reads none."""

MOST_DEPTH = 50
"""Documents are six values deep; a few kilobytes of brackets would be thousands."""

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"^-?(?:0|[1-9][0-9]*(?:_[0-9]+)*)$")
_DECIMAL = re.compile(
    r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF|nan|NaN|NAN))$"
)
_RESOLVERS = (
    ("null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""]),
    ("bool", re.compile(r"^(?:true|false)$"), ["t", "f"]),
    ("int", _INTEGER, list("-0123456789")),
    ("float", _DECIMAL, list("-+.0123456789")),
    ("timestamp", re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), list("0123456789")),
)
_PATTERN_OF = {name: pattern for name, pattern, _ in _RESOLVERS}
_REFUSED = "refused"
"""The tag of a node about which a problem was noted."""

_WRITE_OUT = "write the value out wherever it holds"

_CORE_RESOLVERS = (
    ("null", re.compile(r"^(?:null|Null|NULL)$"), list("nN")),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+.0123456789"),
    ),
)
"""What the core schema of YAML 1.2 (section 10.3.2) takes for other than text."""


class YamlProblem(NamedTuple):
    """One thing that is wrong with a text; line and column start at one."""

    line: int
    column: int
    problem: str
    remedy: str = "correct the line"


class YamlRefused(Exception):
    """The text is not YAML as documents are written, for every reason in `problems`."""

    def __init__(self, problems: list[YamlProblem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("; ".join(each.problem for each in self.problems))


class _Reader(yaml.SafeLoader):
    """Reads a text as far as its nodes, and notes what they may not be."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[YamlProblem] = []
        self.depth = 0

    def refuse(self, mark: yaml.Mark, problem: str, remedy: str) -> None:
        """Note a problem where `mark` stands."""
        self.problems.append(YamlProblem(mark.line + 1, mark.column + 1, problem, remedy))

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose a node; one that only points at another stands as a node that is refused."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # untyped there
        if self.check_event(yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]  # untyped there
            self.refuse(event.start_mark, "an alias stands where a value should", _WRITE_OUT)
            return ScalarNode(_REFUSED, "", event.start_mark, event.end_mark)
        if event.anchor is not None:
            problem = f"the anchor {shown(event.anchor)} names a value to use it again"
            self.refuse(event.start_mark, problem, _WRITE_OUT)
            event.anchor = None
        if self.depth == MOST_DEPTH:
            raise ComposerError(None, None, "values are nested too deeply", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def value_of(self, node: Node) -> Any:
        """Return what a node holds; None where a problem was noted instead."""
        if isinstance(node, ScalarNode):
            return self._word(node)
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value_of(member) for member in node.value]
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node)
        return self._refuse_tag(node)

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        """Return a mapping in which every key is text and stands once."""
        first: dict[str, int] = {}
        values = {}
        for key, value in node.value:
            held = self.value_of(value)
            if key.tag == _REFUSED:
                continue
            if not isinstance(key, ScalarNode) or key.tag != _TAG + "str":
                self.refuse(key.start_mark, "a key is not a plain word", "write a word, in quotes")
            elif key.value in first:
                before = f"first in line {first[key.value]}"
                problem = f"the key {shown(key.value)} stands twice, {before}"
                self.refuse(key.start_mark, problem, "remove one of them")
            else:
                first[key.value] = key.start_mark.line + 1
                values[self._word(key)] = held
        return values

    def _word(self, node: ScalarNode) -> Any:
        if node.tag == _REFUSED:
            return None
        name = node.tag.removeprefix(_TAG)
        if not node.tag.startswith(_TAG) or name not in _WORDS:
            return self._refuse_tag(node)
        pattern = _PATTERN_OF.get(name)
        if pattern is not None and not pattern.fullmatch(node.value):
            # Only a tag leads here, as what has none was given its meaning by these patterns.
            problem = f"{shown(node.value)} is not what its tag !!{name} says"
            return self.refuse(node.start_mark, problem, "remove the tag")
        try:
            return _WORDS[name](node.value)
        except ValueError as error:
            remedy = "write the characters themselves" if name == "str" else "correct the value"
            return self.refuse(node.start_mark, str(error), remedy)

    def _refuse_tag(self, node: Node) -> None:
        tag = node.tag.replace(_TAG, "!!", 1)
        self.refuse(node.start_mark, f"documents use no tag {shown(tag)} here", "remove the tag")


class _Writer(yaml.SafeDumper):
    """Writes what `_Reader` and every reader of YAML 1.2 take for the same values."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out where it stands."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists under their key."""
        return super().increase_indent(flow, False)


for _name, _pattern, _first in _RESOLVERS:
    _Reader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Writer.add_implicit_resolver(_TAG + _name, _pattern, _first)
for _name, _pattern, _first in _CORE_RESOLVERS:
    _Writer.add_implicit_resolver(_TAG + _name, _pattern, _first)


def _read_text(written: str) -> str:
    # Of two escapes that make one character in JSON, YAML makes two halves, which no file holds.
    if any("\ud800" <= character <= "\udfff" for character in written):
        raise ValueError(f"{shown(written)} escapes half a character")
    return written


def _read_integer(written: str) -> int:
    digits = len(written) - written.count("_") - written.count("-")
    if digits > MOST_DIGITS:
        raise ValueError(f"a number of {digits:,} digits, of which {MOST_DIGITS} are the most")
    return int(written.replace("_", ""))


def _read_decimal(written: str) -> Any:
    # No field holds one; it is read so that the finding names the field, and what stands there.
    number = SafeConstructor().construct_yaml_float(ScalarNode(_TAG + "float", written))
    if not math.isfinite(number):
        raise ValueError(f"{shown(written)} is no number that a document can hold")
    return number


def _read_day(written: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{written} is not a day of the calendar") from None


_WORDS: dict[str, Callable[[str], Any]] = {
    "str": _read_text,
    "null": lambda _: None,
    "bool": lambda written: written == "true",
    "int": _read_integer,
    "float": _read_decimal,
    "timestamp": _read_day,
}
"""What a word means by its tag, which the patterns give to most."""


def read_yaml(text: str) -> Any:
    """Return the values that one YAML document holds.

    Raises:
        YamlRefused: naming every problem, each with its line and column. A text that cannot be
            parsed ends at the first, as what follows it cannot be told.
    """
    try:
        reader = _Reader(text)
    except ReaderError as error:
        raise YamlRefused([_unreadable_character(text, error)]) from None
    try:
        node = reader.get_single_node()
        value = None if node is None else reader.value_of(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        # Its sentences go on from ours, which ends with the same word.
        problem = (error.problem or "the text cannot be read").removeprefix("but ")
        problem = problem.removeprefix("found ")
        if "codec" in problem:  # of the %xx in a tag, in words that are Python's
            problem = "a tag escapes what is no character"
        reader.problems.append(YamlProblem(*place, problem))
    # PyYAML turns the digits of an escape, and of a %YAML line, into a number unasked.
    except (ValueError, OverflowError):
        is_directive = text.splitlines()[reader.line].startswith("%")
        problem, remedy = (
            ("the version of YAML is too long a number", "write %YAML 1.2, or leave it out")
            if is_directive
            else ("the escape is no character of Unicode", "write the character itself")
        )
        reader.problems.append(YamlProblem(reader.line + 1, reader.column + 1, problem, remedy))
    if reader.problems:
        raise YamlRefused(reader.problems)
    return value


def _unreadable_character(text: str, error: ReaderError) -> YamlProblem:
    line = text.count("\n", 0, error.position) + 1
    column = error.position - text.rfind("\n", 0, error.position)
    problem = f"the character U+{ord(text[error.position]):04X} is not allowed"
    return YamlProblem(line, column, problem, "remove it, or save the file as plain text")


def write_yaml(document: Document) -> str:
    """Return the document as YAML 1.2: fields in the order of the model, digits in one row.

    `read_yaml` of the result gives back exactly the document's values.
    """
    body: Mapping[str, Any] = document.model_dump(mode="python")
    text: str = yaml.dump(
        _plain(body),
        Dumper=_Writer,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=100,
    )
    return text


def _plain(value: Any) -> Any:
    """Return `value` with tuples as lists, which is how YAML writes them."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value
