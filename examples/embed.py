"""The whole API on one screen: load a bundle, decide one call, decide many."""

import json
from pathlib import Path

import agentpdp

example = Path(__file__).parent / "assistant"
engine = agentpdp.Engine(agentpdp.Bundle.load(example / "bundle"))

given = {"message_id": "m0042", "permanent": False}
context = {"input": given, "system": {"now": "2031-04-14T09:30:00Z"}}
d = engine.authorize('Agent::"mara-desk"', 'Action::"delete_mail"', 'Mailbox::"mara"', context)
print(d.verdict, d.reason, d.policies)  # `if d:` raises: say `d.allowed`

rows = [json.loads(line) for line in (example / "requests.jsonl").read_text().splitlines()]
keys = ("principal", "action", "resource", "context")
out = engine.authorize_batch([{key: row[key] for key in keys} for row in rows])
print(out.counts()["reasons"])
