"""An explanation as one HTML page that stands alone: no scripts, nothing from elsewhere.

Everything that comes from the call or the bundle is escaped, and the page's own policy lets it load
and run nothing.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from agentpdp.explanations.outline import DECIDED, outline_of, title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentpdp.explanation import Explanation
    from agentpdp.explanations.outline import Item

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
       color: #202124; background: #fff; }
h1 { font-size: 1.2rem; overflow-wrap: anywhere; }
ul { padding-left: 1.4rem; border-left: 1px solid #dadce0; list-style: none; }
li { margin: .25rem 0; overflow-wrap: anywhere; }
.allow { color: #137333; } .step_up { color: #b06000; } .deny { color: #c5221f; }
.decided { font-weight: 600; }
footer { color: #5f6368; font-size: .85rem; margin-top: 2rem; }
"""


def page_of(explanation: Explanation) -> str:
    """The text of the page."""
    title = escape(title_of(explanation))
    verdict = escape(explanation.decision.verdict)
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1 class="{verdict}">{title}</h1>
{_list(outline_of(explanation))}
<footer>For the host and its auditors. A model sees decision.advice and not this page.</footer>
</body>
</html>
"""


def _list(items: Sequence[Item]) -> str:
    if not items:
        return ""
    return "<ul>\n" + "\n".join(map(_item, items)) + "\n</ul>"


def _item(item: Item) -> str:
    classes = [item.verdict] if item.verdict else []
    classes += ["decided"] if item.decided else []
    mark = f" &larr; {DECIDED}" if item.decided else ""
    style = f' class="{escape(" ".join(classes))}"' if classes else ""
    return f"<li><span{style}>{escape(item.text)}{mark}</span>{_list(item.below)}</li>"
