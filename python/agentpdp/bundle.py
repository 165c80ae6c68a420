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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from agentpdp import _core
from agentpdp._core import Finding
from agentpdp.errors import BundleError
from agentpdp.tasks import Action, Task, read_action, read_task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FOLDERS = {"policies": (".cedar",), "tasks": (".toml", ".cedar"), "tools": (".json",)}
_FILES = ("agentpdp.toml", "schema.cedarschema", "entities.json")
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
        unread = any(each.code in _UNREAD_CODES for each in findings)
        if schema == "required" and "schema.cedarschema" not in files and not unread:
            findings.append(_no_schema())
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
        return cls._make(files, ids="annotation", validate=validate, progress=progress)

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Self:
        """Make a bundle of the texts that its directory would hold.

        Args:
            files: texts by path, as in ``{"agentpdp.toml": "…", "tasks/pay.cedar": "…"}``.

        Raises:
            BundleError: something is wrong; ``.findings`` has all of it.
        """
        texts = {path: _with_plain_line_ends(files[path]) for path in sorted(files)}
        findings = [_unknown(path) for path in texts if not _is_known(path)]
        _find_missing(texts, findings)
        if "schema.cedarschema" not in texts:
            findings.append(_no_schema())
        if findings:
            raise BundleError(findings)
        return cls._make(texts, ids="annotation", validate=True, progress=None)

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
        return cls._make(files, ids=ids, validate=validate, progress=None)

    @classmethod
    def _make(
        cls,
        files: Mapping[str, str],
        *,
        ids: str,
        validate: bool,
        progress: Callable[[int, int], None] | None,
    ) -> Self:
        return cls(
            files=list(files.items()),
            digest=_digest(files),
            ids=ids,
            validate=validate,
            progress=progress,
        )

    def task(self, name: str) -> Task:
        """What a task is for, how long it lives, which parameters it takes.

        Raises:
            KeyError: there is no such task.
        """
        return read_task(name, self._delegation()["tasks"][name])

    @property
    def actions(self) -> tuple[Action, ...]:
        """Tools and actions of the host, sorted by uid; empty for a plain bundle."""
        declared = self._delegation()["actions"]
        return tuple(read_action(uid, declared[uid]) for uid in sorted(declared))

    def review(self) -> dict[str, Any]:
        """What ``agentpdp check`` prints of tasks, as data.

        ``tasks`` has per task ``passes`` (ids of actions that pass unasked, if no condition
        denies), ``asks`` (``action`` and ``by``: policies with the role that approves),
        ``hands_on`` (``delegate.<task>``) and ``hands_on_only`` (what is not in its ``own``).
        ``opaque`` lists the arguments that rules do not see. Empty for a plain bundle.
        """
        declared = self._declared()
        empty: dict[str, Any] = {"tasks": {}, "opaque": []}
        return empty if declared is None else dict(json.loads(declared[1]))

    def _delegation(self) -> dict[str, Any]:
        declared = self._declared()
        empty: dict[str, Any] = {"tasks": {}, "actions": {}}
        return empty if declared is None else dict(json.loads(declared[0]))

    def validate(self) -> Validation:
        """What the validator says: passed, errors and warnings. A loaded bundle has errors only if
        it was loaded with ``validate=False``."""
        errors = tuple(finding for finding in self.findings if finding.severity == "error")
        warnings = tuple(finding for finding in self.findings if finding.severity == "warning")
        return Validation(passed=not errors, errors=errors, warnings=warnings)


def _finding(code: str, file: str, message: str, advice: str, line: int | None = None) -> Finding:
    return Finding(code, "error", file, message, advice, line=line)


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
        if path.name in _FOLDERS and path.is_dir():
            for inner in _listed(path, path.name, findings):
                _read_file(inner, f"{path.name}/{inner.name}", files, findings)
        else:
            _read_file(path, path.name, files, findings)
    if not findings:
        _find_missing(files, findings)
        if findings and (root / "policies").is_file():
            findings = [
                each if each.code != "policies_missing" else _no_policies("`policies` is a file")
                for each in findings
            ]
    return files, findings


def _find_missing(files: Mapping[str, str], findings: list[Finding]) -> None:
    """What a bundle cannot be without."""
    if "agentpdp.toml" not in files:
        advice = 'write one: `name = "…"` is enough for a plain bundle'
        findings.append(
            _finding("settings_missing", "agentpdp.toml", "there is no `agentpdp.toml`", advice)
        )
    if not any(file.startswith("policies/") for file in files):
        findings.append(_no_policies("there is no policy file"))


def _no_policies(message: str) -> Finding:
    return _finding(
        "policies_missing", "policies", message, "put Cedar policies into `policies/*.cedar`"
    )


def _no_schema() -> Finding:
    return _finding(
        "schema_missing",
        "schema.cedarschema",
        "there is no `schema.cedarschema`",
        'write one, or load with `schema="none"` to decide without one',
    )


def _is_known(path: str) -> bool:
    """Whether a file of this path is part of a bundle."""
    folder, _, name = path.rpartition("/")
    return path in _FILES or (bool(name) and name.endswith(_FOLDERS.get(folder, "\0")))


def _unknown(path: str) -> Finding:
    advice = (
        "a bundle has agentpdp.toml, schema.cedarschema, entities.json, policies/*.cedar, "
        "tools/*.json, tasks/*.toml and tasks/*.cedar"
    )
    return _finding("file_unknown", path, f"`{path}` is not read", advice)


def _listed(folder: Path, name: str, findings: list[Finding]) -> list[Path]:
    """What a directory holds, sorted."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        where = f"`{name or folder}`"
        message = f"{where} cannot be listed: {error.strerror}"
        findings.append(_finding("file_unreadable", name or ".", message, "see its permissions"))
        return []


def _read_file(path: Path, name: str, files: dict[str, str], findings: list[Finding]) -> None:
    if not _is_known(name):
        if path.suffix in _READ_SUFFIXES or "/" in name:
            findings.append(_unknown(name))
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
