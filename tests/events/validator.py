"""Whether a value fits a JSON Schema: as much of the language as the schema of events uses."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
KNOWN = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "$ref"),
    *("oneOf", "anyOf", "minLength", "maxLength", "minimum", "maximum", "dependentRequired"),
    *("description", "title", "$schema", "$defs"),
}


def fits(value: Any, schema: Schema, root: Schema) -> bool:
    assert set(schema) <= KNOWN, schema
    if "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        return fits(value, root["$defs"][name], root)
    kinds = schema.get("type", list(TYPES))
    if "type" in schema and not any(
        TYPES[k](value) for k in ([kinds], kinds)[isinstance(kinds, list)]
    ):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if "oneOf" in schema and sum(fits(value, each, root) for each in schema["oneOf"]) != 1:
        return False
    if "anyOf" in schema and not any(fits(value, each, root) for each in schema["anyOf"]):
        return False
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
    if isinstance(value, list):
        return all(fits(each, schema.get("items", {}), root) for each in value)
    if isinstance(value, dict):
        return object_fits(value, schema, root)
    if isinstance(value, int):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def object_fits(value: dict[str, Any], schema: Schema, root: Schema) -> bool:
    properties = schema.get("properties", {})
    if not schema.get("additionalProperties", True) and not value.keys() <= properties.keys():
        return False
    needed = set(schema.get("required", ()))
    for name, more in schema.get("dependentRequired", {}).items():
        needed |= set(more) if name in value else set()
    known = value.keys() & properties.keys()
    return needed <= value.keys() and all(fits(value[n], properties[n], root) for n in known)
