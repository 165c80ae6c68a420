"""`agentpdp explain`: who said what to one recorded call?"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from agentpdp.cli import exits
from agentpdp.cli.history import History, Place, Placed
from agentpdp.cli.history import told as tells_place
from agentpdp.cli.options import add_command, add_event_options, load_for_history, positive
from agentpdp.events import Player

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agentpdp import Bundle, Explanation
    from agentpdp.cli.options import Commands

_EVENTS_AT_ONCE = 8_192

_DESCRIPTION = """\
Explain one call of a recorded history: what each party's ceiling and each hop's task
said, by which policies, and what would have to change. What stands before the call
happens first, so grants, revocations and approvals are as they were. Nothing of the call
itself happens.

An explanation is for the host and its auditors. It is never shown to a model."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "explain",
        run,
        usage="BUNDLE EVENTS [EVENTS ...] --line N [options]",
        summary="explain one call of a recorded history",
        description=_DESCRIPTION,
        example="explain examples/multi_agent/bundle examples/multi_agent/events.jsonl --line 11",
    )
    add_event_options(parser)
    parser.add_argument(
        "--line",
        metavar="N",
        type=positive,
        required=True,
        help="the call's line, or row, in the last of EVENTS",
    )
    parser.add_argument(
        "--format",
        choices=("tree", "mermaid", "html", "json"),
        default="tree",
        help="how it is written (default: tree)",
    )
    parser.set_defaults(json=False)


def run(arguments: argparse.Namespace) -> int:
    bundle = load_for_history(arguments.bundle)
    history = History(arguments.events, None, bundle)
    with tells_place(history.files[-1]):
        explanation = _explain(bundle, arguments, history)
    if arguments.format == "json":
        print(json.dumps(explanation.to_json(), indent=2))
        return exits.DONE
    write = {"tree": explanation.tree, "mermaid": explanation.mermaid, "html": explanation.html}
    sys.stdout.write(write[arguments.format]().rstrip("\n") + "\n")
    return exits.DONE


def _explain(bundle: Bundle, arguments: argparse.Namespace, history: History) -> Explanation:
    others = {each.digest: each for each in map(load_for_history, arguments.bundles)}
    player = Player(bundle, {bundle.digest: bundle, **others} if others else None)
    name = "stdin" if history.files[-1] == "-" else history.files[-1]
    line, event = _find(player, history.events(), f"{name}:{arguments.line}")
    if event["event"] != "call":
        raise exits.InputError(f"{line}: the event is `{event['event']}`: give the line of a call")
    explanation = player.explain(line, event)
    if explanation is None:
        message = f"its grant {exits.shown(event['grant'])} was not issued by this bundle"
        raise exits.InputError(f"{line}: {message}: explain nothing below it")
    return explanation


def _find(player: Player, events: Iterator[Placed], wanted: str) -> Placed:
    """The event of a place, once all before it has happened."""
    waiting: list[Placed] = []
    last: Place | int = 0
    for line, event in events:
        if str(line) == wanted:
            list(player.play(waiting))
            return line, event
        last = line
        waiting.append((line, event))
        if len(waiting) >= _EVENTS_AT_ONCE:
            list(player.play(waiting))
            waiting = []
    raise exits.InputError(f"there is no event at {wanted}: the last is at {last}")
