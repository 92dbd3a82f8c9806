"""JSON Schemas of the document kinds, by which editors complete and check what is written."""

import json
from typing import Any

from rulebook.documents import KINDS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_IDENTIFIER = "urn:tallystick:rules:"


def schema_file_name(kind: str) -> str:
    """Return what the schema of a kind is called: `market-rules.schema.json`."""
    return f"{kind}.schema.json"


def schema_of(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a document kind, one of `KINDS`.

    It refuses nothing that publication accepts; what only the whole document or the law beside it
    can show, such as a node that does not exist, is left to publication.
    """
    schema = KINDS[kind].model_json_schema()
    # A name instead of an address: nothing is fetched, and it means the same on every machine.
    return {"$schema": _DIALECT, "$id": f"{_IDENTIFIER}{kind}", **schema}


def schema_texts() -> dict[str, str]:
    """Return the schema of every document kind as JSON text, by file name."""
    return {
        schema_file_name(kind): json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in KINDS
    }


def editor_line(kind: str, folders_above: int) -> str:
    """Return the comment by which editors find the schema of a YAML file.

    Args:
        kind: the document's kind.
        folders_above: how many folders the file lies below the one that holds the schemas.

    >>> editor_line("registration", 1)
    '# yaml-language-server: $schema=../registration.schema.json\\n'
    """
    return f"# yaml-language-server: $schema={'../' * folders_above}{schema_file_name(kind)}\n"
