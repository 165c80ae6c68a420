"""One small engine with a schema and one without, and the shortest ways of asking them."""

from __future__ import annotations

from typing import Any

import agentpdp

TYPES = {
    **{"b": "Bool", "n": "Long", "s": "String", "set": "Set<Long>", "r": "{ a?: Long }"},
    **{"e": "User", "d": "decimal", "i": "ipaddr", "t": "datetime", "u": "duration"},
}
CONTEXT = ", ".join(f"{name}?: {type_name}" for name, type_name in TYPES.items())
SCHEMA = f"""
entity User, Doc;
action view appliesTo {{ principal: User, resource: Doc, context: {{ {CONTEXT} }} }};
"""
ALLOW = '@id("all") permit (principal, action, resource);'
SEEN = "".join(
    f'@id("{name}") permit (principal, action, resource) when {{ context has {name} }};'
    for name in TYPES
)
CALL = {"principal": 'User::"ann"', "action": 'Action::"view"', "resource": 'Doc::"plan"'}


def engine(policies: str = ALLOW + SEEN, schema: str = SCHEMA, **more: Any) -> agentpdp.Engine:
    bundle = agentpdp.Bundle.from_sources(policies=policies, schema=schema, **more)
    return agentpdp.Engine(bundle)


WITH_SCHEMA = engine()
WITHOUT_SCHEMA = engine(ALLOW, "none")


def reason(context: Any, this: agentpdp.Engine = WITH_SCHEMA) -> str:
    return this.authorize(**CALL, context=context).reason


def columns(rows: int = 1, **context: Any) -> dict[str, Any]:
    """A dict of columns: the call, and columns `context.NAME`."""
    parties = {name: [text] * rows for name, text in CALL.items()}
    return {**parties, **{f"context.{name}": column for name, column in context.items()}}


def reasons(batch: Any, this: agentpdp.Engine = WITH_SCHEMA) -> list[str]:
    return list(this.authorize_batch(batch).reason)
