"""Finding one's way in a document kind by the names of fields."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def model_within(model: type[BaseModel], names: Sequence[str]) -> type[BaseModel] | None:
    """Return the model that field `names` leads to from `model`, through lists and options.

    None when a name is no field, or the last one holds a plain value.
    """
    current: type[BaseModel] | None = model
    for name in names:
        if current is None or name not in current.model_fields:
            return None
        current = _model_in(current.model_fields[name].annotation)
    return current


def has_field(model: type[BaseModel], path: str) -> bool:
    """Return whether the dotted `path`, such as `layers.curve`, names a field of `model`."""
    *outer, last = path.split(".")
    parent = model_within(model, outer)
    return parent is not None and last in parent.model_fields


def field_description(model: type[BaseModel], names: Sequence[str]) -> str:
    """Return title, description and unit of the field that `names` leads to, or nothing."""
    if not names:
        return ""
    parent = model_within(model, names[:-1])
    if parent is None or names[-1] not in parent.model_fields:
        return ""
    field = parent.model_fields[names[-1]]
    extra = field.json_schema_extra
    unit = f", in {extra['unit']}" if isinstance(extra, dict) and "unit" in extra else ""
    return f"{field.title}: {field.description}{unit}"


def texts_of(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every field that holds more than ASCII, in their order.

    What fields there are is asked of the models, so that a field of tomorrow is among them.
    """
    if isinstance(value, str):
        if not value.isascii():
            yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from texts_of(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple) and value and not isinstance(value[0], int):
        for position, member in enumerate(value):
            yield from texts_of(member, f"{path}[{position}]")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None
