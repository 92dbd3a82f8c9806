"""Which fields of the law are read, and where: by the types that mypy gives every expression.

Names alone do not tell: a product's window and a compiled contract's are called the same, and so
are the titles of a node, which nobody reads, and of a unit, which stands on invoices.
"""

import ast
import bisect
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import get_args

from mypy import build, nodes, types
from mypy.modulefinder import BuildSource
from mypy.options import Options
from pydantic import BaseModel

from rulebook.documents import KINDS
from tests.conftest import ROOT

ENGINE = ("ledger", "market", "settlement")
NOT_ENGINE = ("settlement/datasets/",)
"""What makes data asks the law for it, and settles nothing."""
IN_DATABASE = ("database",)
TYPED = ("common", "database", "ledger", "market", "rulebook", "settlement")
DOCUMENTS = "rulebook/documents/"

Name = tuple[str, str]
"""The model that first has a field, or a property, and what that is called."""


@dataclass(frozen=True)
class Reads:
    """Where the law is read.

    Attributes:
        places: the files of the engine that read a field, or a property of a model.
        within: what each property of a model reads of models itself.
    """

    places: dict[Name, set[str]] = field(default_factory=dict)
    within: dict[Name, set[Name]] = field(default_factory=dict)

    def closed(self, *, without: str = "\0") -> set[Name]:
        """Return all that is read, through properties too, but by files that begin `without`."""
        read: set[Name] = set()
        waiting = {
            name
            for name, files in self.places.items()
            if any(not file.startswith(without) for file in files)
        }
        while waiting:
            read |= waiting
            waiting = {inner for name in waiting for inner in self.within.get(name, ())} - read
        return read


def models() -> dict[str, type[BaseModel]]:
    """Return every model of the law by its full name: the kinds, and what their fields hold."""
    found: dict[str, type[BaseModel]] = {}

    def visit(annotation: object) -> None:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for model in annotation.__mro__:
                if model.__module__.startswith("rulebook."):
                    found[f"{model.__module__}.{model.__qualname__}"] = model
            if annotation not in visited:
                visited.add(annotation)
                for held in annotation.model_fields.values():
                    visit(held.annotation)
        for part in get_args(annotation):
            visit(part)

    visited: set[type] = set()
    for kind in KINDS.values():
        visit(kind)
    return found


def fields() -> set[Name]:
    """Return every field of every document kind, under the model that first has it."""
    return {first_with(model, name) for model in models().values() for name in model.model_fields}


def first_with(model: type[BaseModel], name: str) -> Name:
    """Return a field or property under the first model that has it: documents have one title."""
    lineage = [each for each in model.__mro__ if issubclass(each, BaseModel)]
    having = [each for each in lineage if name in each.model_fields or name in vars(each)]
    return (having[-1] if having else model).__name__, name


@cache
def reads() -> Reads:
    """Return all reads of the law, of one build by mypy without the packages of others."""
    paths = [path for name in TYPED for path in sorted((ROOT / name).rglob("*.py"))]
    texts = [path.read_text() for path in paths]
    starts = [0]
    for text in texts:
        starts.append(starts[-1] + text.count("\n") + 1)
    # Each file begins below the one before it, so that a line tells the file: mypy keeps the types
    # of all expressions in one table.
    sources = [
        BuildSource(str(path), _module(path), "\n" * start + text)
        for path, text, start in zip(paths, texts, starts, strict=False)
    ]
    found = Reads()
    properties = _properties(paths, texts, starts)
    for line, name in _typed_reads(build.build(sources, _options()).types):
        place = paths[bisect.bisect_right(starts, line - 1) - 1].relative_to(ROOT).as_posix()
        if place.startswith(DOCUMENTS):
            if line in properties:
                found.within.setdefault(properties[line], set()).add(name)
        elif place.startswith(ENGINE) and not place.startswith(NOT_ENGINE):
            found.places.setdefault(name, set()).add(place)
    for path, text in zip(paths, texts, strict=True):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith((*ENGINE, *IN_DATABASE)):
            for name in _reads_of_bodies(text):
                found.places.setdefault(name, set()).add(place)
    return found


def _options() -> Options:
    options = Options()
    options.export_types = options.preserve_asts = options.check_untyped_defs = True
    options.incremental = False
    options.cache_dir = os.devnull
    options.follow_imports, options.ignore_missing_imports = "skip", True
    return options


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _typed_reads(typed: dict[nodes.Expression, types.Type]) -> Iterator[tuple[int, Name]]:
    """Yield line and name of `model.name`, and of `getattr(model, name)` of literal types."""
    known = models()
    for expression in typed:
        match expression:
            case nodes.MemberExpr():
                of, names = typed.get(expression.expr), [expression.name]
            case nodes.CallExpr(callee=nodes.NameExpr(name="getattr"), args=[model, name, *_]):
                of, names = typed.get(model), list(_literals(typed.get(name)))
            case _:
                continue
        for full_name in _classes(of):
            if full_name in known:
                yield from ((expression.line, first_with(known[full_name], n)) for n in names)


def _classes(of: types.Type | None) -> Iterator[str]:
    match types.get_proper_type(of):
        case types.Instance() as instance:
            yield instance.type.fullname
        case types.UnionType(items=items):
            for item in items:
                yield from _classes(item)
        case types.TypeVarType(upper_bound=bound):
            yield from _classes(bound)


def _literals(of: types.Type | None) -> Iterator[str]:
    match types.get_proper_type(of):
        case types.LiteralType(value=str() as value):
            yield value
        case types.Instance(last_known_value=types.LiteralType(value=str() as value)):
            yield value
        case types.UnionType(items=items):
            for item in items:
                yield from _literals(item)


def _properties(paths: list[Path], texts: list[str], starts: list[int]) -> dict[int, Name]:
    """Return which method of a model each line of a document's module is in."""
    known = {model.__name__: model for model in models().values()}
    found = {}
    for path, text, start in zip(paths, texts, starts, strict=False):
        if not path.relative_to(ROOT).as_posix().startswith(DOCUMENTS):
            continue
        for model in ast.parse(text).body:
            if not isinstance(model, ast.ClassDef) or model.name not in known:
                continue
            for method in model.body:
                if isinstance(method, ast.FunctionDef):
                    name = first_with(known[model.name], method.name)
                    lines = range(method.lineno, (method.end_lineno or method.lineno) + 1)
                    found |= {start + line: name for line in lines}
    return found


BODY = re.compile(r"""\bbody(?:\.get\(|\[|\s*->>?\s*)["']([a-z_]+)["']""")
"""A field of a document read where the document is JSON still, in Python or SQL."""


def _reads_of_bodies(text: str) -> Iterator[Name]:
    for name in BODY.findall(text):
        for kind in KINDS.values():
            if name in kind.model_fields:
                yield first_with(kind, name)
