"""The verifier as one file: its modules one after the other, each after those that it needs.

They are written so that putting them together changes nothing: imports stand at the top, modules
import each other's names as they are, and no name means two things. Anything else is refused.
"""

import ast
import builtins
import symtable
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import verifier
from verifier.itself import RECORDED

PACKAGE = verifier.__name__
FIRST, LAST = "__init__", "__main__"
WIDTH = 100

Import = ast.Import | ast.ImportFrom


@cache
def verifier_file() -> bytes:
    """Return the content of verify.py."""
    folder = Path(verifier.__file__).parent
    return pack({path.stem: path.read_text("utf-8") for path in folder.glob("*.py")}).encode()


def verifier_digest() -> str:
    """Return the SHA-256 of verify.py, in hexadecimal."""
    return sha256(verifier_file()).hexdigest()


def recorded_digest() -> Path:
    """Return the file of a checkout that keeps the digest of verify.py."""
    return Path(verifier.__file__).with_name(RECORDED)


def pack(sources: Mapping[str, str]) -> str:
    """Return modules, by name, as one file that does the same; the same modules, the same bytes.

    Raises:
        ValueError: a module is not written so that it can stand in one file with the others.
    """
    trees = {name: ast.parse(source) for name, source in sources.items()}
    order = _in_order(LAST, trees)
    if left_out := sorted(trees.keys() - {FIRST, *order}):
        raise ValueError(f"nothing imports {', '.join(left_out)}")
    _refuse_clashes({name: sources[name] for name in order}, trees)
    opening = sources[FIRST] + "\n" + _merged_imports([trees[name] for name in order])
    sections = [_section(name, sources[name], trees[name]) for name in order]
    return "\n\n".join([opening, *sections])


def _in_order(last: str, trees: Mapping[str, ast.Module]) -> list[str]:
    """Return a module after all that it needs, each once, in the order in which they are named."""
    order: list[str] = []

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{' imports '.join([*above, name])}: a circle")
        # Once placed, never walked again: there are far more ways through the imports than modules.
        if name not in order:
            for other in _needed_modules(name, trees[name]):
                place(other, (*above, name))
            order.append(name)

    place(last, ())
    return order


def _needed_modules(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the package that a module imports names from."""
    if any(isinstance(node, Import) and node not in tree.body for node in ast.walk(tree)):
        raise ValueError(f"{name}: an import that does not stand at the top")
    for node in _imports(tree):
        if _is_of_package(node):
            words = ast.unparse(node)
            if not words.startswith(f"from {PACKAGE}.") or any(part.asname for part in node.names):
                raise ValueError(f"{name}: `{words}`, not `from {PACKAGE}.module import name`")
            yield words.split()[1].removeprefix(f"{PACKAGE}.")


def _imports(tree: ast.Module) -> list[Import]:
    return [node for node in tree.body if isinstance(node, Import)]


def _is_of_package(node: Import) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] == PACKAGE
    return any(part.name.partition(".")[0] == PACKAGE for part in node.names)


def _outer_names(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that comes from outside the package: from where, and as what."""
    for node in _imports(tree):
        if not _is_of_package(node):
            for part in node.names:
                module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
                yield module, f"{part.name} as {part.asname}" if part.asname else part.name


def _refuse_clashes(sources: Mapping[str, str], trees: Mapping[str, ast.Module]) -> None:
    """Refuse a name that means one thing in one module and another in another."""
    # In one file all modules share a scope, where a later meaning would replace an earlier one.
    meaning = dict.fromkeys(dir(builtins), "what Python has built in")
    for module, source in sources.items():
        symbols = symtable.symtable(source, module, "exec").get_symbols()
        given = [
            symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_namespace()
        ]
        found = dict.fromkeys(given, f"that of {PACKAGE}.{module}")
        outer = _outer_names(trees[module])
        found |= {name.split()[-1]: f"{name} of {origin or 'Python'}" for origin, name in outer}
        for name, means in found.items():
            if meaning.setdefault(name, means) != means:
                raise ValueError(f"{name} means {meaning[name]}, and {means}")


def _merged_imports(trees: list[ast.Module]) -> str:
    """Return what all modules import from outside the package, each once."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for tree in trees:
        for origin, name in _outer_names(tree):
            names[origin].add(name)
    whole = [f"import {name}" for name in sorted(names.pop("", ()))]
    parts = [_import_line(origin, sorted(names[origin])) for origin in sorted(names)]
    return "\n".join([*whole, *parts])


def _import_line(origin: str, names: Sequence[str]) -> str:
    """Return an import, on a line of its own for each name where it would be too long."""
    line = f"from {origin} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {origin} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _section(name: str, source: str, tree: ast.Module) -> str:
    """Return a module without its imports; its docstring becomes the heading."""
    moved = [tree.body[0], *_imports(tree)]
    dropped = {line for node in moved for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = enumerate(source.splitlines(), start=1)
    body = "\n".join(line for number, line in lines if number not in dropped).strip("\n")
    rule = f"# {PACKAGE}/{name}.py ".ljust(WIDTH, "-")
    says = [f"# {line}".rstrip() for line in (ast.get_docstring(tree) or "").splitlines()]
    return "\n".join([rule, *says, "", "", body, ""])
