"""A workload on disk, for peers that are not written in Python.

    policies.cedar      each policy with an @id; templates among them
    schema.cedarschema
    entities.json       Cedar's entity JSON
    links.json          [{"template": id, "id": id, "principal": text or null, "resource": ...}]
    requests.jsonl      a line {"principal": text, "action": text, "resource": text, "context": {}}
    expected.json       what expected.json of this package holds for it

Texts are Cedar's, `Type::"id"`. Whoever reads this must decide all rows as expected.json says.
"""

from __future__ import annotations

import json
from pathlib import Path

from workloads.workload import Workload, rows, text


def export(workload: Workload, directory: Path) -> None:
    """Write the six files; the directory is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    links = [
        {
            "template": each.template,
            "id": each.id,
            "principal": each.principal and text(each.principal),
            "resource": each.resource and text(each.resource),
        }
        for each in workload.links
    ]
    files = {
        "policies.cedar": workload.policies,
        "schema.cedarschema": workload.schema,
        "entities.json": json.dumps(workload.entities),
        "links.json": json.dumps(links),
        "requests.jsonl": "".join(json.dumps(row) + "\n" for row in rows(workload.requests)),
        "expected.json": json.dumps(workload.expected, indent=2),
    }
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
