"""What does a deployment decide by?

A bundle is a directory (``agentpdp.toml``, ``schema.cedarschema``, ``policies/*.cedar``,
``entities.json``) or the same as text. It is compiled once, does not change, and is named by a
digest of its content. A bundle that is not right does not load: the error says file, line, column,
what is wrong and what would be right.

Read next: ``engine.py``.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from agentpdp import _core
from agentpdp._core import Finding
from agentpdp.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LATER_KEYS = (
    "principals",
    "agents",
    "namespace",
    "open_types",
    "claims",
    "actions",
    "limits",
    "meters",
)
_LATER_PLACES = ("tasks", "tools")
_READ_SUFFIXES = (".cedar", ".cedarschema", ".json", ".toml")
_FILE_BYTES_MAX = 1 << 30
# Where one of these is found, what is missing may be there.
_UNREAD_CODES = ("file_unreadable", "not_utf8", "text_too_large")


@dataclass(frozen=True)
class Validation:
    """What the validator says of a bundle.

    Attributes:
        passed: whether there is no error.
        errors: findings for which the bundle does not load, in the order of files and lines.
        warnings: findings that a person should look at.
    """

    passed: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


class Bundle(_core.Bundle):
    """Everything that a deployment decides by: compiled once, immutable.

    Make one with :meth:`load` or :meth:`from_sources`.
    """

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        schema: Literal["required", "none"] = "required",
        validate: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Load the bundle in a directory.

        Args:
            path: the directory.
            schema: ``"required"``, or ``"none"`` to load a bundle that has no schema.
            validate: false loads what does not validate. For conformance work only: a policy that
                does not validate can err at every call.
            progress: called with entities read so far and their number in all.

        Raises:
            BundleError: something is wrong; ``.findings`` has all of it.
        """
        if schema not in ("required", "none"):
            raise ValueError(f'schema is "required" or "none", not {schema!r}')
        files, findings = _read_files(Path(path))
        if not Path(path).is_dir():
            raise BundleError(findings)
        settings = _read_settings(files, findings)
        unread = any(each.code in _UNREAD_CODES for each in findings)
        if schema == "required" and "schema.cedarschema" not in files and not unread:
            findings.append(
                _finding(
                    "schema_missing",
                    "schema.cedarschema",
                    "there is no `schema.cedarschema`",
                    'write one, or load with `schema="none"` to decide without one',
                )
            )
        elif schema == "none" and "schema.cedarschema" in files:
            findings.append(
                _finding(
                    "schema_unexpected",
                    "schema.cedarschema",
                    'the bundle has a schema and was loaded with `schema="none"`',
                    'load it with `schema="required"`',
                )
            )
        if findings:
            raise BundleError(findings)
        return cls._make(files, settings, ids="annotation", validate=validate, progress=progress)

    @classmethod
    def from_sources(
        cls,
        *,
        policies: str | Mapping[str, str],
        schema: str,
        entities: Sequence[Any] | str | None = None,
        name: str | None = None,
        on_error: Literal["deny", "cedar"] = "deny",
        ids: Literal["annotation", "position"] = "annotation",
        validate: bool = True,
    ) -> Self:
        """Make a bundle of texts, for tests and embedding.

        Args:
            policies: Cedar text, or texts by file name.
            schema: the text of a Cedar schema, or ``"none"``.
            entities: Cedar's entity JSON, as text or as a list of dicts.
            name: a name for people.
            on_error: ``"deny"``: a forbid that errs denies; ``"cedar"``: it is skipped, as Cedar
                does.
            ids: ``"annotation"`` takes names of policies from ``@id``; ``"position"`` gives them as
                Cedar does (``policy0``, ``policy1``, …). For conformance work only.
            validate: false loads what does not validate. For conformance work only.

        Raises:
            BundleError: something is wrong; ``.findings`` has all of it.
        """
        if isinstance(policies, str):
            policies = {"policies.cedar": policies}
        files = {f"policies/{file}": text for file, text in policies.items()}
        if schema != "none":
            files["schema.cedarschema"] = schema
        if entities is not None:
            files["entities.json"] = entities if isinstance(entities, str) else json.dumps(entities)
        settings: dict[str, Any] = {
            "on_error": on_error,
            **({} if name is None else {"name": name}),
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in sorted(settings.items())]
        files["agentpdp.toml"] = "\n".join(lines) + "\n"
        files = {file: _with_plain_line_ends(text) for file, text in files.items()}
        findings: list[Finding] = []
        _check_settings(settings, findings)
        if findings:
            raise BundleError(findings)
        return cls._make(files, settings, ids=ids, validate=validate, progress=None)

    @classmethod
    def _make(
        cls,
        files: Mapping[str, str],
        settings: Mapping[str, Any],
        *,
        ids: str,
        validate: bool,
        progress: Callable[[int, int], None] | None,
    ) -> Self:
        return cls(
            policies=[(file, files[file]) for file in files if file.startswith("policies/")],
            schema=files.get("schema.cedarschema"),
            entities=files.get("entities.json"),
            name=settings.get("name"),
            digest=_digest(files),
            on_error=settings.get("on_error", "deny"),
            ids=ids,
            validate=validate,
            progress=progress,
        )

    def validate(self) -> Validation:
        """What the validator says: passed, errors and warnings. A loaded bundle has errors only if
        it was loaded with ``validate=False``."""
        errors = tuple(finding for finding in self.findings if finding.severity == "error")
        warnings = tuple(finding for finding in self.findings if finding.severity == "warning")
        return Validation(passed=not errors, errors=errors, warnings=warnings)


def _finding(
    code: str,
    file: str,
    message: str,
    advice: str,
    line: int | None = None,
    column: int | None = None,
) -> Finding:
    return Finding(code, "error", file, message, advice, line=line, column=column)


def _with_plain_line_ends(text: str) -> str:
    return text.replace("\r\n", "\n")


def _digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the sorted pairs of path and SHA-256 of content; content has LF line ends."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(
            path.encode()
            + b"\0"
            + hashlib.sha256(files[path].encode("utf-8", "surrogatepass")).digest()
        )
    return digest.hexdigest()


def _read_files(root: Path) -> tuple[dict[str, str], list[Finding]]:
    """The bundle's files by their path in it, sorted, and what is wrong with them."""
    findings: list[Finding] = []
    files: dict[str, str] = {}
    if not root.is_dir():
        what = "is not a directory" if root.exists() else "does not exist"
        advice = (
            "a bundle is a directory with `agentpdp.toml`, `schema.cedarschema` and "
            "`policies/*.cedar`"
        )
        return {}, [_finding("bundle_missing", str(root), f"`{root}` {what}", advice)]
    for path in _listed(root, "", findings):
        if path.name in _LATER_PLACES:
            findings.append(
                _finding(
                    "not_in_this_release",
                    path.name,
                    f"`{path.name}/` is not in this release",
                    "take it out: what is not decided by is not loaded; organisation-wide rules "
                    "stand in `policies/`",
                )
            )
        elif path.name == "policies" and path.is_dir():
            for policy_file in _listed(path, "policies", findings):
                _read_file(
                    policy_file,
                    f"policies/{policy_file.name}",
                    policy_file.suffix == ".cedar",
                    files,
                    findings,
                )
        else:
            known = path.name in ("agentpdp.toml", "schema.cedarschema", "entities.json")
            _read_file(path, path.name, known, files, findings)
    if "agentpdp.toml" not in files and not findings:
        findings.append(
            _finding(
                "settings_missing",
                "agentpdp.toml",
                "there is no `agentpdp.toml`",
                'write one: `name = "…"` is enough',
            )
        )
    if not any(file.startswith("policies/") for file in files) and not findings:
        is_file = (root / "policies").is_file()
        findings.append(
            _finding(
                "policies_missing",
                "policies",
                "`policies` is a file" if is_file else "there is no policy file",
                "put Cedar policies into `policies/*.cedar`",
            )
        )
    return files, findings


def _listed(folder: Path, name: str, findings: list[Finding]) -> list[Path]:
    """What a directory holds, sorted."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        where = f"`{name or folder}`"
        message = f"{where} cannot be listed: {error.strerror}"
        findings.append(_finding("file_unreadable", name or ".", message, "see its permissions"))
        return []


def _read_file(
    path: Path, name: str, known: bool, files: dict[str, str], findings: list[Finding]
) -> None:
    if not known:
        if path.suffix in _READ_SUFFIXES or name.startswith("policies/"):
            advice = (
                "a bundle has agentpdp.toml, schema.cedarschema, entities.json and policies/*.cedar"
            )
            findings.append(_finding("file_unknown", name, f"`{name}` is not read", advice))
        return
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            findings.append(
                _finding("text_too_large", name, f"`{name}` is larger than 1 GiB", "split it")
            )
            return
        files[name] = _with_plain_line_ends(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        findings.append(
            _finding("not_utf8", name, f"`{name}` is not UTF-8 text", "save it as UTF-8", line)
        )
    except OSError as error:
        message = f"`{name}` cannot be read: {error.strerror}"
        findings.append(_finding("file_unreadable", name, message, _to_read(path)))


def _to_read(path: Path) -> str:
    """What to do about a file that cannot be read."""
    if path.is_dir():
        return "put a file in its place"
    if path.is_symlink() and not path.exists():
        return "it is a link to a file that is not there: mend it, or take it out"
    return "see its permissions"


def _read_settings(files: Mapping[str, str], findings: list[Finding]) -> dict[str, Any]:
    try:
        settings = tomllib.loads(files.get("agentpdp.toml", ""))
    except tomllib.TOMLDecodeError as error:
        what, line, column = _toml_place(str(error), files["agentpdp.toml"])
        findings.append(
            _finding(
                "settings_syntax",
                "agentpdp.toml",
                f"not TOML: {what.lower()}",
                'a line is like `name = "…"`; toml.io has the rules',
                line,
                column,
            )
        )
        return {}
    except RecursionError:
        findings.append(
            _finding(
                "nested_too_deep", "agentpdp.toml", "brackets are nested too deep", "flatten it"
            )
        )
        return {}
    _check_settings(settings, findings)
    return settings


_TOML_PLACE = re.compile(r"(.*) \(at line (\d+), column (\d+)\)", re.DOTALL)


def _toml_place(message: str, text: str) -> tuple[str, int, int]:
    """What is wrong, and in which line and column; if not said, at the end."""
    found = _TOML_PLACE.fullmatch(message)
    if found:
        return found[1], int(found[2]), int(found[3])
    what = message.removesuffix(" (at end of document)")
    return what, text.count("\n") + 1, len(text) - text.rfind("\n")


def _check_settings(settings: Mapping[str, Any], findings: list[Finding]) -> None:
    for key, value in settings.items():
        if key in _LATER_KEYS:
            message = f"`{key}` is not in this release, and what is not decided by is not loaded"
            findings.append(
                _finding("not_in_this_release", "agentpdp.toml", message, "take it out")
            )
        elif key == "name":
            if not isinstance(value, str) or not 0 < len(value) <= 128:
                findings.append(
                    _finding(
                        "key_value",
                        "agentpdp.toml",
                        "`name` is not a text of 1 to 128 characters",
                        'write `name = "…"`',
                    )
                )
        elif key == "on_error":
            if value not in ("deny", "cedar"):
                advice = (
                    '`"deny"`: a forbid that errs denies; `"cedar"`: it is skipped, as Cedar does'
                )
                findings.append(
                    _finding(
                        "key_value", "agentpdp.toml", "`on_error` is neither of its words", advice
                    )
                )
        else:
            advice = "a plain bundle has `name` and `on_error`"
            findings.append(
                _finding("key_unknown", "agentpdp.toml", f"`{key}` is not a key", advice)
            )
