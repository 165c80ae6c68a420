"""What ceilings and tasks may ask of the records that the engine itself fills."""

from __future__ import annotations

import agentpdp
import agentpdp.reference
import pytest

from .paints import FILES

TRUE = (
    "context has grant",
    "context has system",
    "context.grant has tasks",
    "context.grant has claims",
    'context.grant.tasks.contains("paint")',
    "context.grant.depth == 0",
    'context.grant.principal == User::"a"',
    'context.grant.agent == Agent::"a"',
    'context.system.now > datetime("2000-01-01")',
)
FALSE = ("context.grant.depth > 0", 'context.grant.agent == Agent::"b"')


def reason(make: type, file: str, condition: str) -> str:
    text = FILES[file].replace(";", f" when {{ {condition} }};")
    engine = make(agentpdp.Bundle.from_files({**FILES, file: text}))
    grant = engine.start("paint", principal='User::"a"', agent='Agent::"a"')
    found: str = grant.decide("paint", {"color": "red"}).reason
    return found


@pytest.mark.parametrize("make", [agentpdp.Engine, agentpdp.reference.Engine])
@pytest.mark.parametrize("condition", TRUE)
@pytest.mark.parametrize("file", ["policies/ceilings.cedar", "tasks/paint.cedar"])
def test_the_records_of_the_engine_are_there(make: type, condition: str, file: str) -> None:
    assert reason(make, file, condition) == "permitted"


@pytest.mark.parametrize("make", [agentpdp.Engine, agentpdp.reference.Engine])
@pytest.mark.parametrize("condition", FALSE)
def test_they_hold_what_the_grant_is(make: type, condition: str) -> None:
    assert reason(make, "tasks/paint.cedar", condition) == "not_permitted"
