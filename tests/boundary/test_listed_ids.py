"""Calls name entities of an enumerated type by the ids that it lists, and no others."""

from __future__ import annotations

from typing import Any

import agentpdp
import agentpdp.reference
import pytest

from .paints import FILES

BUNDLE = agentpdp.Bundle.from_files(FILES)


@pytest.fixture(params=[agentpdp.Engine, agentpdp.reference.Engine], ids=["engine", "reference"])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param(BUNDLE)


def start(engine: Any, principal: str) -> Any:
    return engine.start("paint", principal=principal, agent='Agent::"a"')


@pytest.mark.parametrize("principal", ['User::"a"', 'Clerk::"c1"'])
def test_what_is_listed_is_known(engine: Any, principal: str) -> None:
    grant = start(engine, principal)
    reasons = [grant.decide("paint", {"color": color}).reason for color in ("red", "blue", "green")]
    assert reasons == ["permitted", "permitted", "unknown_resource"]


def test_what_is_not_listed_is_not(engine: Any) -> None:
    with pytest.raises(agentpdp.Denied):
        start(engine, 'Clerk::"c2"')
