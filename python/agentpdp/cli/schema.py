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
its end: {"entity_types": {...}, "actions": [...]}."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "schema",
        run,
        usage="BUNDLE [--json]",
        summary="print the schema of a bundle",
        description=_DESCRIPTION,
        example="schema examples/assistant/bundle",
    )
    add_json(parser, "the resolved schema")


def run(arguments: argparse.Namespace) -> int:
    bundle = load_bundle(arguments)
    if arguments.json:
        print(json.dumps(bundle.to_json()["schema"], indent=2, ensure_ascii=False))
    else:
        sys.stdout.write(bundle.schema_text().rstrip("\n") + "\n")
    return exits.DONE
