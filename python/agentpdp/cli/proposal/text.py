"""How are names and values written in TOML and in Cedar, whatever characters they hold?

Names come from a tool list, which is hostile text: nothing of it may end a string, a comment or a
line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from agentpdp.cli.exits import shown

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9._-]+")
_NOT_IN_TASK = re.compile(r"[^a-z0-9]+")
_LINE_COLUMNS = 96


def quoted(text: str) -> str:
    """A string of TOML, and of Cedar where all its characters are printable."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else quoted(name)


def toml_value(value: Any) -> str:
    """A string, a number, a list or a table on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(each) for each in value)}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def in_comment(name: str) -> str:
    """A name of the tool list inside a comment: short, and on one line."""
    return shown(name)


def policy_id(text: str) -> str:
    return _NOT_IN_ID.sub("-", text)[:128]


def task_name(text: str) -> str:
    """A name as tasks have it: small letters, digits and hyphens."""
    name = _NOT_IN_TASK.sub("-", text.lower()).strip("-")[:56] or "tools"
    return f"{name}-task" if name in ("all", "look") else name


def action_list(names: Iterable[str], indent: str = "  ") -> str:
    """Actions as the scope of a policy names them, one a line where there are several."""
    found = [f"Action::{quoted(name)}" for name in names]
    if len(found) == 1:
        return f"action == {found[0]}"
    one_line = f"action in [{', '.join(found)}]"
    if len(one_line) <= _LINE_COLUMNS - 30:
        return one_line
    return "action in [\n" + "".join(f"{indent}  {each},\n" for each in found)[:-2] + f"\n{indent}]"
