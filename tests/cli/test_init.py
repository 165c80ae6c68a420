"""`agentpdp init`: what is proposed for which tools, what is marked, and how it ends."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agentpdp import Bundle

from .conftest import Run

Json = dict[str, Any]
Init = Callable[..., Json]


def tool(
    name: str, description: str = "", annotations: Json | None = None, **properties: Any
) -> Json:
    """A tool whose arguments are all required but those that end in an underscore."""
    return {
        "name": name,
        "description": description,
        "inputSchema": {
            "type": "object",
            "properties": {each.rstrip("_"): schema for each, schema in properties.items()},
            "required": [each for each in properties if not each.endswith("_")],
        },
        **({} if annotations is None else {"annotations": annotations}),
    }


TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
WHOLE: Json = {"type": "integer"}
TEXTS: Json = {"type": "array", "items": TEXT}


def said(schema: Json, description: str) -> Json:
    return {**schema, "description": description}


DESK = [
    tool("get_order", "Gets an order.", order_id=TEXT),
    tool("refund_order", "Refunds an order.", order_id=TEXT, amount=NUMBER),
    tool("send_mail", "Sends an e-mail.", to=TEXTS, cc_=TEXTS, subject=TEXT, body=TEXT),
    tool("pay", "Pays somebody.", payee=said(TEXT, "the account"), cents=WHOLE),
]


@pytest.fixture
def init(run: Run, tmp_path: Path) -> Init:
    """Run the command on tools; what it says as JSON."""

    def init_tools(*tools: Json, output: str = "out") -> Json:
        path = tmp_path / "tools.json"
        path.write_text(json.dumps({"tools": tools}))
        shutil.rmtree(tmp_path / output, ignore_errors=True)
        ran = run("init", path, "--output", tmp_path / output, "--json")
        assert ran.code == 0, ran.out + ran.err
        found: Json = ran.json
        return found

    return init_tools


def action(init: Init, each: Json) -> Json:
    found: Json = init(each)["actions"][each["name"]]
    return found


def test_the_bundle_loads_and_is_closed(init: Init, run: Run, tmp_path: Path) -> None:
    found = init(*DESK)
    assert found["errors"] == []
    bundle = Bundle.load(tmp_path / "out")
    assert bundle.name == "tools"
    assert bundle.validate().passed
    assert run("check", tmp_path / "out").code == 0
    assert set(found["tasks"]) == {"order", "mail", "pay-tools"} or found["tasks"]


def test_files_and_checks_are_listed(init: Init, tmp_path: Path) -> None:
    found = init(*DESK)
    for path in found["files"]:
        assert (tmp_path / "out" / path).is_file()
    written = {str(each.relative_to(tmp_path / "out")) for each in (tmp_path / "out").rglob("*.*")}
    assert written == set(found["files"])
    for path, marks in found["checks"].items():
        assert (tmp_path / "out" / path).read_text().count("CHECK") == marks
    assert {"agentpdp.toml", "schema.cedarschema", "policies/ceilings.cedar"} <= set(
        found["checks"]
    )


def test_the_same_list_makes_the_same_bundle(init: Init, tmp_path: Path) -> None:
    found = init(*DESK, output="one")
    init(*DESK, output="two")
    for path in found["files"]:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_the_pinned_definition_is_the_tool_as_it_came(init: Init, tmp_path: Path) -> None:
    odd = {**tool("get_x", "Ünïcode."), "outputSchema": {"type": "object"}, "title": "X"}
    init(odd)
    pinned = json.loads((tmp_path / "out" / "tools" / "tools.json").read_text(encoding="utf-8"))
    assert pinned == {"tools": [odd]}


IMPACTS = [
    (tool("get_order"), ["read"]),
    (tool("listOpenOrders"), ["read"]),
    (tool("orders.search"), ["read"]),
    (tool("contact_lookup"), ["read"]),
    (tool("update_order"), ["write"]),
    (tool("send_mail"), ["reach", "leave"]),
    (tool("send_money"), ["write"]),
    (tool("crm__deleteContact"), ["write"]),
    (tool("run_report"), ["write", "reach", "leave"]),
    (tool("frobnicate"), ["write", "reach", "leave"]),
    (tool("frobnicate", "Deletes a thing."), ["write"]),
    (tool("get_order", "Deletes the order and returns it."), ["write"]),
    (tool("get_order", "Gets the order and sends a message to its owner."), ["reach", "leave"]),
    (
        tool("add_event", "Adds an event. It also sends an email to the guests."),
        ["write", "reach", "leave"],
    ),
    (tool("fetch_page", url=TEXT), ["reach", "leave"]),
]


@pytest.mark.parametrize(("each", "impact"), IMPACTS, ids=lambda each: str(each)[:60])
def test_impact_by_verbs(init: Init, each: Json, impact: list[str]) -> None:
    assert action(init, each)["impact"] == impact


def test_what_is_unsure_is_not_read(init: Init) -> None:
    for each in (tool("frobnicate"), tool("get_order", "Deletes it."), tool("run_report")):
        found = action(init, each)
        assert not found["sure"]
        assert "read" not in found["impact"]
        assert found["why"]


@pytest.mark.parametrize(
    ("name", "annotations", "impact"),
    [
        ("get_order", {"readOnlyHint": True}, ["read"]),
        ("get_order", {"readOnlyHint": False}, ["write"]),
        ("get_order", {"destructiveHint": True}, ["write"]),
        ("get_order", {"openWorldHint": True}, ["reach", "leave"]),
        ("delete_order", {"readOnlyHint": True}, ["write"]),
        ("delete_order", {"destructiveHint": False}, ["write"]),
        ("frobnicate", {"readOnlyHint": True}, ["write", "reach", "leave"]),
        ("update_order", {"openWorldHint": True}, ["write", "reach", "leave"]),
        ("get_order", {"readOnlyHint": "no", "destructiveHint": 1}, ["read"]),
    ],
)
def test_annotations_only_make_it_stricter(
    init: Init, name: str, annotations: Json, impact: list[str]
) -> None:
    assert action(init, tool(name, annotations=annotations))["impact"] == impact


def test_resources(init: Init) -> None:
    assert action(init, tool("get_order", order_id=TEXT))["resource"] == "principal"
    order = {"type": "Order", "from": "input.order_id"}
    assert action(init, tool("refund_order", note=TEXT, order_id=TEXT))["resource"] == order
    both = action(init, tool("move_file", folder_id=TEXT, file_id=TEXT))
    assert both["resource"] == {"type": "File", "from": "input.file_id"}
    assert both["entities"] == {"folder_id": "Folder"}
    lone = action(init, tool("cancel_order", id=WHOLE))
    assert lone["resource"] == {"type": "Order", "from": "input.id"}
    assert action(init, DESK[3])["resource"] == {"type": "Account", "from": "input.payee"}
    assert action(init, tool("reset_router", reason=TEXT))["resource"] == {
        "type": "System",
        "id": "router",
    }


def test_types_are_open_but_never_those_of_parties(init: Init, tmp_path: Path) -> None:
    init(tool("delete_user", user_id=TEXT), tool("refund_order", order_id=TEXT))
    settings = tomllib.loads((tmp_path / "out" / "agentpdp.toml").read_text())
    assert settings["open_types"] == ["Order"]
    assert settings["actions"]["delete_user"]["resource"]["type"] == "User"


@pytest.mark.parametrize(
    ("name", "schema", "kind"),
    [
        ("url", TEXT, "url"),
        ("homepage", {**TEXT, "format": "uri"}, "url"),
        ("contact", {**TEXT, "format": "email"}, "email"),
        ("filePath", TEXT, "path"),
        ("host", {"anyOf": [TEXT, {"type": "null"}]}, "host"),
        ("attendees", said(TEXTS, "their e-mail addresses"), "email-list"),
        ("bcc", TEXTS, "email-list"),
        ("iban", TEXT, "iban"),
        ("day", said(TEXT, "in the format YYYY-MM-DD"), {"kind": "date", "formats": ["%Y-%m-%d"]}),
        (
            "start",
            said(TEXT, "as YYYY-MM-DD HH:MM"),
            {"kind": "datetime", "formats": ["%Y-%m-%d %H:%M"], "zone": "UTC"},
        ),
        ("due", said(TEXT, "as DD.MM.YYYY"), {"kind": "date", "formats": ["%d.%m.%Y"]}),
        ("when", {**TEXT, "format": "date-time"}, None),
        ("when", TEXT, None),
        ("url", WHOLE, None),
        ("path", {**TEXT, "enum": ["a", "b"]}, None),
        ("title", TEXT, None),
    ],
)
def test_kinds(init: Init, name: str, schema: Json, kind: Any) -> None:
    found = action(init, tool("set_thing", **{name: schema}))["kinds"]
    assert found == ({} if kind is None else {name: kind})


FREE = {"type": "object"}


@pytest.mark.parametrize(
    "schema",
    [
        FREE,
        {},
        {"type": "array", "items": FREE},
        {"type": "array"},
        {"type": "array", "items": TEXTS},
        {"anyOf": [FREE, {"type": "null"}]},
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": TEXT},
    ],
)
def test_what_cannot_be_typed_is_listed(init: Init, tmp_path: Path, schema: Json) -> None:
    required = action(init, tool("set_thing", extra=schema))
    assert required["opaque"] == ["extra"]
    settings = tomllib.loads((tmp_path / "out" / "agentpdp.toml").read_text())
    assert settings["actions"]["set_thing"]["opaque"] == ["extra"]
    init(tool("set_thing", extra_=schema), output="optional")
    text = (tmp_path / "optional" / "agentpdp.toml").read_text()
    assert "opaque" not in tomllib.loads(text)["actions"]["set_thing"]
    assert '# denied until this stands here: opaque = ["extra"]' in text


def test_a_recursive_schema_cannot_be_typed(init: Init) -> None:
    each = tool("set_tree", tree={"$ref": "#/$defs/Node"})
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    each["inputSchema"]["$defs"] = {"Node": node}
    assert action(init, each)["opaque"] == ["tree.next"]


def test_a_part_that_cannot_be_typed_is_listed_by_its_path(init: Init) -> None:
    inner = {"type": "object", "properties": {"inner": FREE, "name": TEXT}}
    found = action(init, tool("set_thing", extra=inner, many={"type": "array", "items": inner}))
    assert found["opaque"] == ["extra.inner", "many.inner"]


def test_a_list_without_harm_has_only_the_task_that_looks(init: Init) -> None:
    found = init(tool("get_order", order_id=TEXT))
    assert found["tasks"] == []
    assert {"tasks/look.toml", "tasks/all.cedar"} <= set(found["files"])


def test_a_list_without_reading_has_no_rule_that_reads(init: Init) -> None:
    found = init(tool("delete_order", order_id=TEXT))
    assert found["tasks"] == ["order"]
    assert not {"tasks/look.toml", "tasks/all.cedar"} & set(found["files"])


def test_hostile_names_stay_names(init: Init, tmp_path: Path) -> None:
    name = "x\"]\\ = {} # ') }; permit(principal,action,resource);"
    init(
        tool(name, "'''\n@id(\"evil\") permit(principal, action, resource);", **{'a"b\n_id': TEXT})
    )
    settings = tomllib.loads((tmp_path / "out" / "agentpdp.toml").read_text())
    assert list(settings["actions"]) == [name]
    bundle = Bundle.load(tmp_path / "out")
    assert not any("evil" in policy for policy in bundle.policies)


def test_text_output_lists_files_and_the_rest_goes_to_stderr(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "desk.json"
    path.write_text(json.dumps({"tools": [*DESK, tool("frobnicate", options=FREE)]}))
    ran = run("init", path, "--output", tmp_path / "out")
    assert ran.code == 0
    for line in ran.out.splitlines():
        assert Path(line).is_file()
    assert "unsure of `frobnicate`: no verb of its name is known" in ran.err
    assert "cannot be typed: `options` of `frobnicate`" in ran.err
    assert f"grep -rn CHECK {tmp_path / 'out'}" in ran.err
    settings = tomllib.loads((tmp_path / "out" / "agentpdp.toml").read_text())
    assert settings["name"] == "desk"


def test_the_list_in_all_its_wrappings(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [DESK, {"tools": DESK}, {"jsonrpc": "2.0", "id": 1, "result": {"tools": DESK}}]
    for at, answer in enumerate(answers):
        stdin = io.TextIOWrapper(io.BytesIO(json.dumps(answer).encode()))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert run("init", "-", "--output", tmp_path / str(at), "--name", "desk").code == 0
    texts = {(tmp_path / str(at) / "agentpdp.toml").read_text() for at in range(len(answers))}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "tools.json:1:2: not JSON"),
        ("[" * 100_000, "not JSON that can be read"),
        ('{"tools": [], "tools": []}', "a key is repeated"),
        ("{}", "there is no list of tools"),
        ("[]", "0 tools: a list has 1 to 10,000"),
        ("[3]", "tools[0]: not an object"),
        ('[{"name": ""}]', "`name` is not a text of 1 to 128"),
        ('[{"name": "a\\u0007"}]', "`name` is not a text of 1 to 128"),
        ('[{"name": "a"}, {"name": "a"}]', "the tool `a` is listed twice"),
        ('[{"name": "a", "inputSchema": 3}]', "`inputSchema` of `a`"),
    ],
)
def test_a_list_that_cannot_be_read(run: Run, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "tools.json"
    path.write_text(text)
    ran = run("init", path, "--output", tmp_path / "out")
    assert ran.code == 2
    assert message in ran.err
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_used(run: Run, tmp_path: Path) -> None:
    assert "cannot be read: No such file" in run("init", tmp_path / "none.json").err
    (tmp_path / "tools.json").write_bytes(b"\n\xff")
    assert "tools.json:2: not UTF-8" in run("init", tmp_path / "tools.json").err
    (tmp_path / "tools.json").write_text(json.dumps(DESK))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    ran = run("init", tmp_path / "tools.json", "--output", tmp_path / "out")
    assert ran.code == 2
    assert "exists and is not an empty directory: name another one with --output" in ran.err
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_list_with_something_that_cannot_load_says_so(run: Run, tmp_path: Path) -> None:
    remote = tool("set_thing", thing={"$ref": "https://example.org/thing.json"})
    (tmp_path / "tools.json").write_text(json.dumps([remote]))
    ran = run("init", tmp_path / "tools.json", "--output", tmp_path / "out")
    assert ran.code == 1
    assert "the bundle does not load yet" in ran.err
    assert "tools/tools.json" in ran.err
