"""Reading arguments of kinds from Rust: a URL, a path, a list of two addresses, each canonical.

A small Rust program reads them (benches/README.md says how it is called); where that is not built,
the lines say "not measured". That reading what is canonical allocates nothing is a test of the
crate.
"""

from __future__ import annotations

from pathlib import Path

from measure import External, Timed

from groups.row import Group, Row

KINDS = {"url": "a URL", "path": "a path", "email-list": "a list of two e-mail addresses"}


def build(rust: Path | None = None) -> Group:
    timed: list[Timed | External] = []
    if rust is not None:
        timed += [External(name(kind), [str(rust), "kinds", kind]) for kind in KINDS]
    rows = [
        Row(f"reading {shown} from Rust, canonical, without allocation", "under", 1_000, name(kind))
        for kind, shown in KINDS.items()
    ]
    return Group(list(timed), rows)


def name(kind: str) -> str:
    return f"kind {kind}"
