"""YAML 1.2 as editors read it: the core schema of section 10.3.2, written out from its table."""

import re

import yaml

_TAG = "tag:yaml.org,2002:"


class CoreReader(yaml.BaseLoader):
    """Knows null, bool, int and float of the core schema; everything else is text."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012  PyYAML's own class attribute


def _integer(reader, node):
    return int(node.value, 0) if node.value[:2] in {"0o", "0x"} else int(node.value)


# The order is that of the table: what is an integer is no float.
for _name, _pattern, _build in (
    ("null", r"null|Null|NULL|~|", lambda reader, node: None),
    ("bool", r"true|True|TRUE|false|False|FALSE", lambda reader, node: node.value[0] in "tT"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", _integer),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN",
        lambda reader, node: float(re.sub(r"\.(?=[a-zA-Z])", "", node.value)),
    ),
):
    CoreReader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})\Z"), None)
    CoreReader.add_constructor(_TAG + _name, _build)
CoreReader.add_constructor(_TAG + "str", lambda reader, node: node.value)
CoreReader.add_constructor(_TAG + "seq", yaml.SafeLoader.construct_yaml_seq)
CoreReader.add_constructor(_TAG + "map", yaml.SafeLoader.construct_yaml_map)
