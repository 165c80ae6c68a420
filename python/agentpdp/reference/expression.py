"""Expressions: the tree of a condition, read from Cedar's JSON policy format.

Chains of `&&` and of `||` are flat, however long and however bracketed: both operators look at
their operands from left to right until one settles the answer. All else is as Cedar's grammar is.

Twin: rust/core/src/expression.rs. Read next: policies.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import datetime, decimal, ipaddr
from .value import (
    LONG_MAX,
    LONG_MIN,
    Bool,
    EntityUid,
    EvaluationError,
    Function,
    InputError,
    Long,
    String,
    Value,
    check,
    is_name,
    is_text,
    make_uid,
)

# Levels of one expression, a chain of `&&` or `||` being one. Deeper ones are refused when they are
# read, because reading and evaluating them would exhaust Python's stack.
EXPRESSION_DEPTH_MAX = 128
FUNCTIONS: Mapping[str, Function] = {
    **decimal.FUNCTIONS,
    **ipaddr.FUNCTIONS,
    **datetime.FUNCTIONS,
}
OPERANDS = {
    **dict.fromkeys(("!", "neg", "isEmpty"), ("arg",)),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "in"), ("left", "right")),
    **dict.fromkeys(("contains", "containsAll", "containsAny"), ("left", "right")),
    **dict.fromkeys(("getTag", "hasTag"), ("left", "right")),
}
VARIABLES = {"principal", "action", "resource", "context"}


def call(name: str, arguments: Sequence[Value]) -> Value:
    """What an extension function gives; how many it takes is settled before what they are."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise EvaluationError("extension_error", f"there is no function `{name}`")
    if len(arguments) != len(function.parameters):
        raise EvaluationError("type_error", f"wrong number of arguments of `{name}`")
    for parameter, argument in zip(function.parameters, arguments, strict=True):
        if argument.kind != parameter:
            raise EvaluationError("type_error", f"expected {parameter}, got {argument.kind}")
    return function.apply(*arguments)


class Expression:
    """Base of all expressions."""


@dataclass(frozen=True)
class Literal(Expression):
    value: Value


@dataclass(frozen=True)
class Variable(Expression):
    name: str


@dataclass(frozen=True)
class Chain(Expression):
    """Operands joined by `&&` or by `||`."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class If(Expression):
    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True)
class Operation(Expression):
    """An operator that looks at its one or two operands when all are evaluated."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Get(Expression):
    subject: Expression
    attribute: str


@dataclass(frozen=True)
class Has(Expression):
    """`subject has a.b.c`: each attribute in the one before."""

    subject: Expression
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Like(Expression):
    """The texts between the wildcards; `a*b` is ("a", "b"), and one text alone has no wildcard."""

    subject: Expression
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Is(Expression):
    """`subject is type`; with `in group`, that is a chain of this and `subject in group`."""

    subject: Expression
    type: str


@dataclass(frozen=True)
class MakeSet(Expression):
    elements: tuple[Expression, ...]


@dataclass(frozen=True)
class MakeRecord(Expression):
    """Attributes in the order of their names, which is the order in which they are evaluated."""

    attributes: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Call(Expression):
    function: str
    arguments: tuple[Expression, ...]


def require(condition: bool, message: str) -> None:
    """What is read must be as Cedar writes it."""
    check(condition, "policy_json", message)


def read_expression(json: Any, depth: int = 0) -> Expression:
    """One expression of Cedar's JSON: an object whose only key names the operator or function."""
    check(depth <= EXPRESSION_DEPTH_MAX, "policy_depth", "an expression of too many levels")
    require(isinstance(json, dict) and len(json) == 1, "an expression is an object with one key")
    ((key, body),) = json.items()
    if key == "Value":
        return read_constant(body, depth)
    if key == "Var":
        require(isinstance(body, str) and body in VARIABLES, "no such variable")
        return Variable(body)
    if key in FUNCTIONS or key == "Set":
        require(isinstance(body, list), f"`{key}` takes a list")
        operands = tuple([read_expression(each, depth + 1) for each in body])
        return MakeSet(operands) if key == "Set" else Call(key, operands)
    require(isinstance(body, dict), f"`{key}` takes an object")
    if key in ("&&", "||"):
        return Chain(key, tuple([read_expression(each, depth + 1) for each in chain(key, json)]))
    if key == "Record":
        items = sorted(body.items())
        return MakeRecord(tuple([(name, read_expression(each, depth + 1)) for name, each in items]))
    return read_operator(key, body, depth + 1)


def chain(operator: str, json: Any) -> list[Any]:
    """The operands of all the `operator`s at the top of this expression, from left to right."""
    operands, waiting = [], [json]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and list(each) == [operator]:
            keys(each[operator], "left", "right")
            waiting += [each[operator]["right"], each[operator]["left"]]
        else:
            operands.append(each)
    return operands


def keys(body: Any, *required: str, optional: str | None = None) -> None:
    known = isinstance(body, dict) and {*required} <= body.keys() <= {*required, optional}
    require(known, f"expected the keys {', '.join(required)}")


def read_operator(key: str, body: dict[str, Any], depth: int) -> Expression:
    """Every operator with operands of fixed names."""
    if key in OPERANDS:
        keys(body, *OPERANDS[key])
        return Operation(key, tuple([read_expression(body[name], depth) for name in OPERANDS[key]]))
    if key == "if-then-else":
        keys(body, "if", "then", "else")
        return If(*[read_expression(body[name], depth) for name in ("if", "then", "else")])
    require(key in (".", "has", "like", "is"), f"`{key}` is no operator or function")
    subject = read_expression(body.get("left"), depth)
    if key == "is":
        keys(body, "left", "entity_type", optional="in")
        require(is_name(body["entity_type"]), "`is` takes the name of an entity type")
        typed = Is(subject, body["entity_type"])
        if "in" not in body:
            return typed
        return Chain("&&", (typed, Operation("in", (subject, read_expression(body["in"], depth)))))
    if key == "like":
        keys(body, "left", "pattern")
        return Like(subject, read_pattern(body["pattern"]))
    keys(body, "left", "attr")
    several = key == "has" and isinstance(body["attr"], list)
    attributes = body["attr"] if several else [body["attr"]]
    require(bool(attributes) and all(map(is_text, attributes)), f"`{key}` takes attribute names")
    return Get(subject, attributes[0]) if key == "." else Has(subject, tuple(attributes))


def read_pattern(json: Any) -> tuple[str, ...]:
    require(isinstance(json, list), "`like` takes a list of pattern elements")
    texts = [""]
    for element in json:
        if element == "Wildcard":
            texts.append("")
        else:
            keys(element, "Literal")
            require(is_text(element["Literal"]), "`Literal` takes text")
            texts[-1] += element["Literal"]
    return tuple(texts)


def read_constant(json: Any, depth: int) -> Expression:
    """A value in Cedar's JSON; extension values are calls, made when the policy is evaluated."""
    check(depth <= EXPRESSION_DEPTH_MAX, "policy_depth", "an expression of too many levels")
    if isinstance(json, bool):
        return Literal(Bool(json))
    if isinstance(json, int) and LONG_MIN <= json <= LONG_MAX:
        return Literal(Long(json))
    if is_text(json):
        return Literal(String(json))
    if isinstance(json, list):
        return MakeSet(tuple([read_constant(each, depth + 1) for each in json]))
    require(
        isinstance(json, dict),
        "a literal is a boolean, an integer in 64 bits, text, a list or an object",
    )
    call = extension_escape(json)
    if call is not None:
        require(is_name(call[0]), "`__extn` takes the name of a function")
        return Call(call[0], tuple([read_constant(each, depth + 1) for each in call[1]]))
    if is_entity_escape(json):
        return Literal(read_entity_uid(json))
    require(not is_expression_escape(json), "`__expr` is no longer part of Cedar")
    items = sorted(json.items())
    return MakeRecord(tuple([(name, read_constant(each, depth + 1)) for name, each in items]))


def extension_escape(json: Mapping[Any, Any]) -> tuple[str, list[Any]] | None:
    """Function and arguments, if this is `{"__extn": {"fn": .., "arg": ..}}` or with `args`."""
    return read_call(json["__extn"]) if len(json) == 1 and "__extn" in json else None


def read_call(json: Any) -> tuple[str, list[Any]] | None:
    if not isinstance(json, Mapping) or not isinstance(json.get("fn"), str):
        return None
    if "arg" in json:
        return json["fn"], [json["arg"]]
    return (json["fn"], json["args"]) if isinstance(json.get("args"), list) else None


def is_entity_escape(json: Mapping[Any, Any]) -> bool:
    inner = json.get("__entity") if len(json) == 1 else None
    return isinstance(inner, Mapping) and all(isinstance(inner.get(k), str) for k in ("type", "id"))


def is_expression_escape(json: Mapping[Any, Any]) -> bool:
    return len(json) == 1 and isinstance(json.get("__expr"), str)


def read_entity_uid(json: Any) -> EntityUid:
    """An entity's name in Cedar's JSON: `{"type": .., "id": ..}`, perhaps under `__entity`."""
    inner = json.get("__entity", json) if isinstance(json, Mapping) else None
    uid = make_uid(inner.get("type"), inner.get("id")) if isinstance(inner, Mapping) else None
    if uid is None:
        raise InputError("uid", 'expected an entity such as {"type": "User", "id": "alice"}')
    return uid
