"""YAML as documents are written in it: a small part of the language, without its surprises.

Plain words are text, except `null`, `true`, `false`, whole numbers (`90000000`, or by hand
`90_000_000`) and days (`2024-01-01`). So `no`, `on`, `1:30` and `010` stay the text they look
like. Repeated keys and aliases are refused: a reader should find each value once, where it stands.

What is written is YAML 1.2, so that editors see the same values: digits stand in one row, since
1.2 knows no groups of them, and text that 1.2 would take for a number or a truth is quoted.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode, Node, ScalarNode

from rulebook.documents import Document

_DIGIT_GROUPS_FROM = 10_000
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


class YamlRefused(Exception):
    """The text is not YAML as documents are written; line and column start at one."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


class _Reader(yaml.SafeLoader):
    """Reads the part of YAML that documents use."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Compose a node, unless it only points at one written elsewhere."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # untyped there
            raise ConstructorError(None, None, "an alias stands where a value should", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping in which every key is text and stands once."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag != _TAG + "str":
                raise ConstructorError(None, None, "a key is not a plain word", key.start_mark)
            if key.value in seen:
                problem = f"the key {key.value!r} stands twice"
                raise ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _GroupingWriter(yaml.SafeDumper):
    """Writes what `_Reader` reads, digits in groups of three, as files were written once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  PyYAML's own class attribute

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out where it stands."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists under their key."""
        return super().increase_indent(flow, False)


class _Writer(_GroupingWriter):
    """Writes what `_Reader` and every reader of YAML 1.2 take for the same values."""


for _name, _pattern, _first in _RESOLVERS:
    _Reader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _GroupingWriter.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Writer.add_implicit_resolver(_TAG + _name, _pattern, _first)
for _name, _pattern, _first in _CORE_RESOLVERS:
    _Writer.add_implicit_resolver(_TAG + _name, _pattern, _first)


def _read_integer(reader: _Reader, node: ScalarNode) -> int:
    return int(reader.construct_scalar(node).replace("_", ""))


def _read_day(reader: _Reader, node: ScalarNode) -> datetime.date:
    written = reader.construct_scalar(node)
    try:
        return datetime.date.fromisoformat(written)
    except ValueError:
        problem = f"{written} is not a day of the calendar"
        raise ConstructorError(None, None, problem, node.start_mark) from None


def _write_groups(writer: _GroupingWriter, number: int) -> ScalarNode:
    written = f"{number:_}" if abs(number) >= _DIGIT_GROUPS_FROM else str(number)
    return writer.represent_scalar(_TAG + "int", written)


_Reader.add_constructor(_TAG + "int", _read_integer)
_Reader.add_constructor(_TAG + "timestamp", _read_day)
_GroupingWriter.add_representer(int, _write_groups)
_Writer.add_representer(int, yaml.SafeDumper.represent_int)


def read_yaml(text: str) -> Any:
    """Return the values that one YAML document holds.

    Raises:
        YamlRefused: naming the problem, and its line and column.
    """
    try:
        return yaml.load(text, Loader=_Reader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlRefused(error.problem or "the text cannot be read", line, column) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlRefused(f"the character {error.character!r} is not allowed", line, 1) from None
    # A few kilobytes of brackets are enough; it is the text that is wrong, not this programme.
    except RecursionError:
        raise YamlRefused("values are nested too deeply", 1, 1) from None


def write_yaml(document: Document) -> str:
    """Return the document as YAML 1.2: fields in the order of the model, digits in one row.

    `read_yaml` of the result gives back exactly the document's values.
    """
    return _written(document, _Writer)


def write_grouped_yaml(document: Document) -> str:
    """Return the document as it was written before: digits in groups of three, `90_000_000`.

    Evidence files of that time hold it, and are held to it byte for byte.
    """
    return _written(document, _GroupingWriter)


def _written(document: Document, writer: type[_GroupingWriter]) -> str:
    body: Mapping[str, Any] = document.model_dump(mode="python")
    text: str = yaml.dump(
        _plain(body),
        Dumper=writer,
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
