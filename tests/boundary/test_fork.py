"""A forked engine denies everything; the parent goes on, and the child can make a new one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

SCRIPT = """
import json, os, sys
import agentpdp

bundle = agentpdp.Bundle.from_sources(
    policies='@id("p") permit (principal, action, resource);', schema="none"
)
engine = agentpdp.Engine(bundle)
call = {"principal": 'U::"u"', "action": 'A::"a"', "resource": 'R::"r"'}
codes = {name: engine.encode([text]) for name, text in call.items()}
columns = {name: [text] for name, text in call.items()}


def answers():
    single = engine.authorize(**call)
    junk = engine.authorize(1, 2, 3)
    batches = [engine.authorize_batch(each) for each in ([call, call], columns, codes)]
    rows = [row for batch in batches for row in batch]
    return [[each.reason, each.stage, each.allowed] for each in (single, junk, *rows)]


before = answers()
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    found = answers()
    fresh = agentpdp.Engine(bundle).authorize(**call).reason
    os.write(writer, json.dumps([found, fresh]).encode())
    os._exit(0)
os.close(writer)
with os.fdopen(reader) as pipe:
    in_child, fresh = json.loads(pipe.read())
_, status = os.waitpid(child, 0)
print(json.dumps([before, in_child, fresh, answers(), status]))
"""


def test_a_forked_engine_denies() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    before, in_child, fresh, after, status = json.loads(run.stdout)
    assert in_child == [["engine_forked", "status", False]] * len(in_child)
    assert before == after
    assert {reason for reason, *_ in before} == {"permitted", "unknown_action"}
    assert (fresh, status) == ("permitted", 0)


def test_other_processes_have_engines_of_their_own() -> None:
    """A spawned process imports afresh: nothing is forked there."""
    script = SCRIPT.replace("child = os.fork()", "child = os.fork() if False else 1")
    script = script.partition("before = answers()")[0] + "print(json.dumps(answers()))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert {reason for reason, *_ in json.loads(run.stdout)} == {"permitted", "unknown_action"}
