"""Laws of reading arguments: engine and reference read alike, whatever tool, declaration, input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .arguments import declarations, engine, fitting, members, model, normal, tools, values

VECTORS = Path(__file__).parents[1] / "vectors" / "arguments"
EXPECTED = ("values", "resource", "rewritten", "refused", "canonical", "problems")


def same(schema: Any, declaration: Any, arguments: Any, text: str | None = None) -> None:
    found = engine(schema, declaration, arguments, text=text)
    wanted = model(schema, declaration, arguments)
    if "problems" in wanted:
        # The reference stops at the first problem, the engine lists all.
        assert wanted["problems"][0] in found.get("problems", ())
    else:
        assert found == wanted


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_engine_and_reference_read_python_values_alike(data: st.DataObject) -> None:
    schema = data.draw(tools())
    arguments = data.draw(st.one_of(fitting(schema), fitting(schema), values()))
    same(schema, {}, arguments)


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_engine_and_reference_read_declared_arguments_alike(data: st.DataObject) -> None:
    schema = data.draw(tools())
    declaration = data.draw(declarations(schema))
    same(schema, declaration, data.draw(fitting(schema)))


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_text_and_python_values_are_read_alike(data: st.DataObject) -> None:
    schema = data.draw(tools())
    arguments = data.draw(fitting(schema))
    text = json.dumps(arguments)
    assert engine(schema, {}, None, text=text) == engine(schema, {}, json.loads(text))


def filled(thing: Any) -> Any:
    if isinstance(thing, dict) and "$repeat" in thing:
        before, text, count, after = thing["$repeat"]
        return before + text * count + after
    if isinstance(thing, dict):
        return {name: filled(each) for name, each in thing.items()}
    return [filled(each) for each in thing] if isinstance(thing, list) else thing


def spelled_out(case: dict[str, Any]) -> dict[str, Any]:
    """A case about a kind is one about a tool with one argument."""
    if "kind" not in case:
        return case
    calls = [
        {"arguments": {"it": text}, "values": {"it": it}} for text, it in case.get("reads", [])
    ]
    for text, reason, *canonical in case.get("refused", ()):
        call = {"arguments": {"it": text}, "refused": [reason, "it"]}
        calls.append({**call, "canonical": canonical[0]} if canonical else call)
    schema = {"type": "object", "properties": {"it": case.get("of", {"type": "string"})}}
    return {**case, "schema": schema, "declare": {"kinds": {"it": case["kind"]}}, "calls": calls}


def cases() -> list[Any]:
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            found.append(pytest.param(filled(spelled_out(case)), id=f"{path.stem}/{case['id']}"))
    return found


@pytest.mark.parametrize("case", cases())
def test_every_vector_is_read_as_it_says_by_both(case: dict[str, Any]) -> None:
    known = [tuple(pair) for pair in case.get("known", [])]
    types, declaration = case.get("open", []), case.get("declare", {})
    for call in case["calls"]:
        expected = {key: normal(each) if key == "values" else each for key, each in call.items()}
        expected = {key: each for key, each in expected.items() if key in EXPECTED}
        ways = {"known": known, "open_types": types}
        text = call.get("text")
        found = engine(case["schema"], declaration, call.get("arguments"), text=text, **ways)
        found.pop("input", None)
        assert found == expected, call
        try:
            arguments = call["arguments"] if text is None else read_text(text)
        except (ValueError, RecursionError):
            continue
        wanted = model(
            case["schema"],
            declaration,
            arguments,
            lambda uid: (uid.type, uid.id) in known or uid.type in types,
        )
        wanted.pop("input", None)
        assert wanted == expected, call


def read_text(text: str) -> Any:
    """JSON text as strict readers take it, numbers by their text."""
    from decimal import Decimal

    def wrong(word: str) -> Any:
        raise ValueError(word)

    if text.startswith("[" * 65):
        raise ValueError("too deep")
    return json.loads(text, object_pairs_hook=members, parse_float=Decimal, parse_constant=wrong)


def test_every_case_says_why_and_whence() -> None:
    for path in VECTORS.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))["cases"]
        assert len({case["id"] for case in found}) == len(found)
        assert [case["id"] for case in found if not case["why"].endswith(".")] == []
        assert [case["id"] for case in found if not case["source"]] == []
