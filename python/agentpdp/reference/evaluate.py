"""What an expression comes to, for one request and the entities that are known.

Operands are evaluated from left to right, and all of them before the operator looks at any; only
`&&`, `||` and `if` leave operands alone. The first failure ends the evaluation.

Twin: rust/core/src/evaluate.rs. Read next: authorize.py.
"""

from __future__ import annotations

import operator as python
from dataclasses import dataclass
from typing import Any

from . import expression
from .datetime import Datetime, Duration
from .entities import Entities, Entity
from .expression import Expression
from .request import Request
from .value import (
    Bool,
    EntityUid,
    EvaluationError,
    Long,
    Record,
    Set,
    String,
    Value,
    bounded,
    expect,
)

ORDER = {"<": python.lt, "<=": python.le, ">": python.gt, ">=": python.ge}
ARITHMETIC = {"+": python.add, "-": python.sub, "*": python.mul}


@dataclass(frozen=True)
class Evaluator:
    request: Request
    entities: Entities

    def evaluate(self, this: Expression) -> Value:
        match this:
            case expression.Literal(value):
                return value
            case expression.Variable(name):
                variables: dict[str, Value] = vars(self.request)
                return variables[name]
            case expression.Chain(operator, operands):
                return self.until(operator == "||", operands)
            case expression.If(condition, then, otherwise):
                holds = expect(Bool, self.evaluate(condition)).value
                return self.evaluate(then if holds else otherwise)
            case expression.Operation(operator, (operand,)):
                return unary(operator, self.evaluate(operand))
            case expression.Operation(operator, (left, right)):
                return self.binary(operator, self.evaluate(left), self.evaluate(right))
            case expression.Get(subject, attribute):
                return self.get(self.evaluate(subject), attribute)
            case expression.Has(subject, attributes):
                return self.has(self.evaluate(subject), attributes)
            case expression.Like(subject, texts):
                return Bool(like(expect(String, self.evaluate(subject)).value, texts))
            case expression.Is(subject, type_name):
                return Bool(expect(EntityUid, self.evaluate(subject)).type == type_name)
            case expression.MakeSet(elements):
                return Set(frozenset([self.evaluate(each) for each in elements]))
            case expression.MakeRecord(attributes):
                return Record({name: self.evaluate(each) for name, each in attributes})
            case expression.Call(function, arguments):
                return expression.call(function, [self.evaluate(each) for each in arguments])
        raise AssertionError("every kind of expression is handled above")

    def until(self, settled: bool, operands: tuple[Expression, ...]) -> Value:
        """The value that settles the answer, if an operand has it; later ones are left alone."""
        for operand in operands:
            if expect(Bool, self.evaluate(operand)).value is settled:
                return Bool(settled)
        return Bool(not settled)

    def binary(self, operator: str, left: Value, right: Value) -> Value:
        if operator in ("==", "!="):
            return Bool((left == right) == (operator == "=="))
        if operator in ORDER:
            return Bool(ORDER[operator](comparable(left), comparable(expect(type(left), right))))
        if operator in ARITHMETIC:
            numbers = expect(Long, left).value, expect(Long, right).value
            return Long(bounded(ARITHMETIC[operator](*numbers), "overflow", f"`{operator}`"))
        if operator == "in":
            return Bool(self.is_in(left, right))
        if operator == "contains":
            return Bool(right in expect(Set, left).elements)
        if operator in ("containsAll", "containsAny"):
            here, there = expect(Set, left).elements, expect(Set, right).elements
            return Bool(there <= here if operator == "containsAll" else not there.isdisjoint(here))
        return self.tag(operator, expect(EntityUid, left), expect(String, right).value)

    def is_in(self, left: Value, right: Value) -> bool:
        """Every element of the set on the right is looked at before any is compared."""
        uid = expect(EntityUid, left)
        if isinstance(right, EntityUid):
            return self.entities.is_in(uid, right)
        groups = [expect(EntityUid, each) for each in expect(Set, right).elements]
        return any(self.entities.is_in(uid, group) for group in groups)

    def tag(self, operator: str, uid: EntityUid, name: str) -> Value:
        entity = self.entities.stored.get(uid)
        if operator == "hasTag":
            return Bool(entity is not None and name in entity.tags)
        if entity is None:
            raise EvaluationError("entity_missing", f"an entity of type `{uid.type}` is not known")
        if name not in entity.tags:
            raise EvaluationError("tag_missing", f"an entity of type `{uid.type}` has no such tag")
        return entity.tags[name]

    def get(self, subject: Value, attribute: str) -> Value:
        holder = self.holder(subject)
        if holder is None:
            raise EvaluationError(
                "entity_missing", f"the entity with attribute `{attribute}` is not known"
            )
        if attribute not in holder.attributes:
            raise EvaluationError("attribute_missing", f"there is no attribute `{attribute}`")
        return holder.attributes[attribute]

    def has(self, subject: Value, attributes: tuple[str, ...]) -> Value:
        """Whether each attribute is in what the one before holds; an unknown entity has none."""
        for attribute in attributes:
            holder = self.holder(subject)
            if holder is None or attribute not in holder.attributes:
                return Bool(False)
            subject = holder.attributes[attribute]
        return Bool(True)

    def holder(self, subject: Value) -> Record | Entity | None:
        """What has the attributes of this value; None for an entity that is not known."""
        if isinstance(subject, EntityUid):
            return self.entities.stored.get(subject)
        return expect(Record, subject)


def comparable(value: Value) -> Any:
    """Integers, datetimes and durations have an order, each among themselves; decimals have not."""
    if isinstance(value, Long | Datetime | Duration):
        return value
    raise EvaluationError("type_error", f"a {value.kind} has no order")


def unary(operator: str, operand: Value) -> Value:
    if operator == "!":
        return Bool(not expect(Bool, operand).value)
    if operator == "neg":
        return Long(bounded(-expect(Long, operand).value, "overflow", "`-`"))
    return Bool(not expect(Set, operand).elements)


def like(text: str, texts: tuple[str, ...]) -> bool:
    """Whether the first and the last text stand at the ends, and the others between, in order."""
    first, *middle = texts
    if not middle:
        return text == first
    last = middle.pop()
    if not text.startswith(first):
        return False
    place = len(first)
    for each in middle:
        place = text.find(each, place)
        if place < 0:
            return False
        place += len(each)
    return len(text) - place >= len(last) and text.endswith(last)
