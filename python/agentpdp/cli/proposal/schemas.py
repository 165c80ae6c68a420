"""Which argument is text, which is a list, and which has no type that rules could see?

It follows the table of argument types roughly, for a proposal; the bundle's reader is what decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCALARS = frozenset(("string", "boolean", "integer", "number"))
_REF_STEPS_MAX = 32


def branches(schema: Any, definitions: Mapping[str, Any]) -> list[Any]:
    """What a value may be, null left out: the branches of a union, or the schema itself."""
    schema = resolve(schema, definitions)
    if not isinstance(schema, dict):
        return [schema]
    found = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(found, list):
        return [each for branch in found for each in branches(branch, definitions)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": each} for each in schema["type"] if each != "null"]
    return [] if schema.get("type") == "null" else [schema]


def resolve(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """What a local ``$ref`` names; the reference itself where it is not local."""
    for _ in range(_REF_STEPS_MAX):
        ref = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(ref, str):
            return schema
        name = ref.removeprefix("#/$defs/").removeprefix("#/definitions/")
        if name == ref or name not in definitions:
            return schema
        schema = definitions[name]
    return {}


def only_branch(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema of an argument that is of one type, or null besides."""
    found = branches(schema, definitions)
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else None


def is_text(schema: Any, definitions: Mapping[str, Any]) -> bool:
    only = only_branch(schema, definitions)
    return only is not None and only.get("type") == "string" and "enum" not in only


def is_text_list(schema: Any, definitions: Mapping[str, Any]) -> bool:
    only = only_branch(schema, definitions)
    return (
        only is not None and only.get("type") == "array" and is_text(only.get("items"), definitions)
    )


def is_id(schema: Any, definitions: Mapping[str, Any]) -> bool:
    """Whether a value can be the id of an entity: text or a whole number."""
    only = only_branch(schema, definitions)
    return only is not None and only.get("type") in ("string", "integer")


def opaque_paths(
    name: str, schema: Any, definitions: Mapping[str, Any], above: tuple[str, ...] = ()
) -> list[str]:
    """Paths of what rules could see no more of than that it is given: the argument or its parts."""
    ref = schema.get("$ref") if isinstance(schema, dict) else None
    if isinstance(ref, str):
        if ref in above:
            return [name]
        above = (*above, ref)
    found = branches(schema, definitions)
    if len(found) > 1:
        whole = any(_branch_paths(name, each, definitions, above) for each in found)
        return [name] if whole else []
    return _branch_paths(name, found[0], definitions, above) if found else [name]


def _branch_paths(
    name: str, schema: Any, definitions: Mapping[str, Any], above: tuple[str, ...]
) -> list[str]:
    if not isinstance(schema, dict):
        return [name]
    kind = schema.get("type")
    if kind in _SCALARS or "enum" in schema or "const" in schema:
        return []
    if kind == "array":
        items = schema.get("items")
        inner = None if "prefixItems" in schema else only_branch(items, definitions)
        if inner is None or inner.get("type") == "array":
            return [name]
        return opaque_paths(name, items, definitions, above)
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return [name]
    parts = (
        opaque_paths(f"{name}.{part}", each, definitions, above)
        for part, each in properties.items()
    )
    return [path for part in parts for path in part]
