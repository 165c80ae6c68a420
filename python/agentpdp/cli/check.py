"""`agentpdp check`: is a bundle right, and if not, what is wrong where?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agentpdp import BundleError, Engine, EntityError
from agentpdp.cli import exits, findings
from agentpdp.cli.options import (
    add_command,
    add_engine_options,
    add_json,
    read_bundle,
    read_entities,
)

if TYPE_CHECKING:
    import argparse

    from agentpdp import Bundle
    from agentpdp.cli.options import Commands

_DESCRIPTION = """\
Load and validate a bundle. Every error and warning is printed with its file, line and
column, what is wrong, and what would be right. A bundle with errors does not load
anywhere else, either.

Of a bundle with tasks it also says per task what passes unasked, for what a person is
asked, and what may be handed on: by scopes and @step_up alone, a condition may still
deny."""


def add(commands: Commands) -> None:
    parser = add_command(
        commands,
        "check",
        run,
        usage="BUNDLE [options]",
        summary="validate a bundle",
        description=_DESCRIPTION,
        example="check examples/assistant/bundle",
    )
    add_engine_options(parser)
    parser.add_argument(
        "--fail-on-warning", action="store_true", help="exit with 1 on a warning, too"
    )
    add_json(parser, "the findings and the summary")


def run(arguments: argparse.Namespace) -> int:
    try:
        bundle = read_bundle(arguments)
    except BundleError as error:
        found = [findings.as_json(finding, arguments.bundle) for finding in error.findings]
        _report(found, None, arguments)
        unreadable = any(each["code"] in findings.UNREADABLE_CODES for each in found)
        return exits.UNREADABLE if unreadable else exits.NO
    validation = bundle.validate()
    all_findings = (*validation.errors, *validation.warnings)
    found = [findings.as_json(finding, arguments.bundle) for finding in all_findings]
    found += _check_entities(bundle, arguments)
    _report(found, _describe(bundle), arguments, bundle.review())
    errors = [each for each in found if each["severity"] == "error"]
    return exits.NO if errors or (found and arguments.fail_on_warning) else exits.DONE


def _check_entities(bundle: Bundle, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """What is wrong with the file of ``--entities``."""
    if arguments.entities is None:
        return []
    try:
        Engine(bundle).upsert(read_entities(arguments.entities))
    except EntityError as error:
        nothing = dict.fromkeys(("line", "column", "policy"))
        what = {"code": "entity_invalid", "severity": "error", "message": str(error), "advice": ""}
        return [{"file": str(arguments.entities), **nothing, **what}]
    return []


def _describe(bundle: Bundle) -> dict[str, Any]:
    return {
        "name": bundle.name,
        "policies": len(bundle.policies),
        "templates": len(bundle.templates),
        "entities": bundle.entity_count,
        "digest": bundle.digest,
    }


def _report(
    found: list[dict[str, Any]],
    summary: dict[str, Any] | None,
    arguments: argparse.Namespace,
    review: dict[str, Any] | None = None,
) -> None:
    errors = [each for each in found if each["severity"] == "error"]
    warnings = [each for each in found if each["severity"] == "warning"]
    if arguments.json:
        head = {"passed": not errors, "errors": errors, "warnings": warnings}
        if review and review["tasks"]:
            summary = {**(summary or {}), "tasks": review["tasks"], "opaque": review["opaque"]}
        print(json.dumps({**head, **(summary or {})}, indent=2, ensure_ascii=False))
        return
    for each in (*errors, *warnings):
        print(findings.as_text(each))
    counts = f"{_count(len(errors), 'error')}, {_count(len(warnings), 'warning')}"
    print(f"{arguments.bundle}: {counts}")
    for name, value in (summary or {}).items():
        shown = f"{value:,}" if isinstance(value, int) else value
        print(f"  {name:<10} {'-' if shown is None else shown}")
    if review and review["tasks"]:
        _report_tasks(review)


def _report_tasks(review: dict[str, Any]) -> None:
    for name, task in review["tasks"].items():
        print(f"task {name}")
        print(f"  passes     {', '.join(task['passes']) or 'nothing'}")
        for asked in task["asks"]:
            by = ", ".join(f"{each['role']} ({each['policy']})" for each in asked["by"])
            print(f"  asks       {asked['action']}: {by}")
        if task["hands_on"]:
            print(f"  hands on   {', '.join(task['hands_on'])}")
        if task["hands_on_only"]:
            print(f"  only so    {', '.join(task['hands_on_only'])}")
    for each in review["opaque"]:
        given = "may be given" if each["allowed"] else "denies if given"
        place = f"{each['action']}: {each['argument']}"
        print(f"opaque       {place} ({each['reason']}); {given}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"
