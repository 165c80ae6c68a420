"""The executable specification of deciding: pure Python, complete, short and slow.

Each file says one thing and has a twin of the same name in the compiled core, which must give the
same answers. In reading order: value, decimal, ipaddr, datetime, entities, expression, policies,
schema, request, evaluate, authorize, decision; for bundles with tasks forms, arguments, tasks,
grants, digest, approvals, chains, calls, orders, explain; engine. It needs the standard library
only; kinds of arguments are read by the compiled module, where a bundle declares them.
"""

from .decision import Decision, PolicyError
from .engine import Engine, Grant
from .explain import Explanation
from .value import EntityUid, EvaluationError, InputError

__all__ = [
    "Decision",
    "Engine",
    "EntityUid",
    "EvaluationError",
    "Explanation",
    "Grant",
    "InputError",
    "PolicyError",
]
