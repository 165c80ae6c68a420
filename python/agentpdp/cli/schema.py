"""`agentpdp schema`: by which schema does a bundle judge requests?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from agentpdp.cli import exits
from agentpdp.cli.options import add_command, add_json, load_bundle

if TYPE_CHECKING:
    import argparse

    from agentpdp.cli.options import Commands

_DESCRIPTION = """\
Print the schema of a bundle: Cedar's schema language as text, or with --json the
resolved form, in which every common type is put in and every group is followed to
its end: {"entity_types": {...}, "actions": [...]}.

Of a bundle with tasks it is the ceiling schema: the organisation's types, every tool
as an action, and the engine's own actions. With --task it is the schema by which the
policies of that task are judged: the actions that they name, an agent as principal,
and the task's parameters in context.grant.params."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "schema",
        run,
        usage="BUNDLE [--task TASK] [--json]",
        summary="print the schema of a bundle",
        description=_DESCRIPTION,
        example="schema examples/assistant/bundle",
    )
    parser.add_argument(
        "--task", metavar="TASK", help="the schema of this task, in a bundle with tasks"
    )
    add_json(parser, "the resolved schema")


def run(arguments: argparse.Namespace) -> int:
    bundle = load_bundle(arguments)
    if arguments.task is not None and arguments.task not in bundle.tasks:
        known = ", ".join(bundle.tasks)
        what = f"its tasks are {known}" if known else "it is a plain bundle, which has none"
        raise exits.InputError(f"the bundle has no task {exits.shown(arguments.task)}: {what}")
    if arguments.json and arguments.task is not None:
        raise exits.InputError("--json prints the ceiling schema; leave --task out")
    if arguments.json:
        print(json.dumps(bundle.to_json()["schema"], indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(bundle.schema_text(arguments.task).rstrip("\n") + "\n")
    return exits.DONE
