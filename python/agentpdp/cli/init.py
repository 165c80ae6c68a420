"""`agentpdp init`: what would a bundle for these tools look like, and what must a person check?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentpdp import Bundle, BundleError
from agentpdp.cli import exits, findings
from agentpdp.cli.options import add_command, add_json
from agentpdp.cli.proposal import Proposal, all_files, propose, read_tools
from agentpdp.cli.proposal.tools import TEXT_BYTES_MAX

if TYPE_CHECKING:
    import argparse

    from agentpdp.cli.options import Commands

_NAME_MAX = 128

_DESCRIPTION = """\
Make a first bundle from a tool list as MCP's tools/list returns it: each tool with a
proposed impact, resource and argument kinds; ceilings that are closed until entities say
who is who; a sample task for each group of tools. Everything that a person must check is
marked CHECK. The same list makes the same bundle. Nothing is overwritten."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "init",
        run,
        usage="TOOLS [options]",
        summary="make a first bundle from a tool list",
        description=_DESCRIPTION,
        example="init examples/multi_agent/bundle/tools/tools.json --output desk",
        positional=("tools", "TOOLS", "file of a tool list, JSON; - is stdin"),
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        default=Path("bundle"),
        help="directory to make; it must not exist or be empty (default: bundle)",
    )
    parser.add_argument("--name", metavar="NAME", help="the bundle's name (default: the file's)")
    add_json(parser, "files, actions and what to check")


def run(arguments: argparse.Namespace) -> int:
    source = str(arguments.tools)
    where = "stdin" if source == "-" else source
    tools = read_tools(_read(source, where), where)
    name = arguments.name or ("tools" if source == "-" else Path(source).stem)
    if not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise exits.InputError(f"--name is not a text of 1 to {_NAME_MAX} printable characters")
    proposal = propose(tools, name)
    files = all_files(proposal, [dict(tool.raw) for tool in tools])
    _write(arguments.output, files)
    found = _findings(arguments.output)
    if arguments.json:
        print(json.dumps(_as_json(arguments.output, proposal, files, found), indent=2))
    else:
        for path in files:
            print(arguments.output / path)
    _summarize(arguments.output, proposal, files, found)
    return exits.NO if found else exits.DONE


def _read(source: str, where: str) -> str:
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as stream:
            data = stream.read(TEXT_BYTES_MAX + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise exits.InputError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise exits.InputError(f"{where}:{line}: not UTF-8 text: save it as UTF-8") from None
    if len(data) > TEXT_BYTES_MAX:
        raise exits.InputError(f"{where}: larger than {TEXT_BYTES_MAX >> 20} MiB: split the list")
    return text


def _write(root: Path, files: dict[str, str]) -> None:
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise exits.InputError(
                f"{root}: exists and is not an empty directory: name another one with --output"
            )
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise exits.InputError(f"{root}: cannot be written: {error.strerror}") from None


def _findings(root: Path) -> list[dict[str, Any]]:
    """Why the bundle does not load: then the tool list itself has something that cannot be."""
    try:
        Bundle.load(root)
    except BundleError as error:
        return [findings.as_json(each, root) for each in error.findings if each.severity == "error"]
    return []


def _as_json(
    root: Path, proposal: Proposal, files: dict[str, str], found: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "bundle": str(root),
        "name": proposal.name,
        "files": list(files),
        "checks": {path: text.count("CHECK") for path, text in files.items() if "CHECK" in text},
        "actions": {each.name: _action_json(each) for each in proposal.actions},
        "tasks": [task.name for task in proposal.tasks],
        "errors": found,
    }


def _action_json(action: Any) -> dict[str, Any]:
    return {
        "impact": list(action.impact.groups),
        "why": action.impact.why,
        "sure": action.impact.sure,
        "resource": action.declared.resource,
        "entities": action.declared.entities,
        "kinds": action.declared.kinds,
        "opaque": action.declared.opaque + action.declared.opaque_left_out,
    }


def _summarize(
    root: Path, proposal: Proposal, files: dict[str, str], found: list[dict[str, Any]]
) -> None:
    def say(text: str) -> None:
        print(text, file=sys.stderr)

    say(f"{root}: {len(proposal.actions):,} tools, {len(proposal.tasks):,} sample tasks")
    for impact, count in sorted(
        Counter(" ".join(a.impact.groups) for a in proposal.actions).items()
    ):
        say(f"  {impact:<18} {count:>5,}")
    for action in proposal.actions:
        if not action.impact.sure:
            say(f"  unsure of {exits.shown(action.name)}: {action.impact.why}")
        for name in (*action.declared.opaque, *action.declared.opaque_left_out):
            say(f"  cannot be typed: {exits.shown(name)} of {exits.shown(action.name)}")
    marks = sum(text.count("CHECK") for text in files.values())
    say(f"go through {marks:,} marks: grep -rn CHECK {root}")
    if found:
        say("the bundle does not load yet; what is wrong comes from the tool list:")
        for each in found:
            say(findings.as_text(each))
    else:
        say(f"then: agentpdp check {root}")
