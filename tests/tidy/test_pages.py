"""Pages lead to one another, and what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

from .sources import ROOT, files, name

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
OURS = re.compile(r"`((?:rust|python|tests|benches|examples|fuzz|docs)/[\w./-]*\w/?)`")
VERB = re.compile(r"`make ([a-z-]+)")


def pages() -> list[Path]:
    return [
        *sorted(ROOT.glob("*.md")),
        *files("docs", "examples", "benches", "tests", suffix=".md"),
    ]


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Names of the headings, as links spell them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(page)))
    return {heading.replace(" ", "-") for heading in plain}


def targets(page: Path) -> list[tuple[str, Path, str]]:
    """Links into the repository: as written, the file, the place in it."""
    found = []
    for link in LINK.findall(prose(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            found.append((link, (page.parent / path).resolve() if path else page, anchor))
    return found


def test_links_lead_somewhere() -> None:
    broken = [
        f"{name(page)}: {link}"
        for page in pages()
        for link, path, anchor in targets(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.is_file():
            reached.add(page)
            waiting.extend(path for _, path, _ in targets(page))
    assert [name(page) for page in files("docs", suffix=".md") if page not in reached] == []


def test_paths_that_pages_name_are_there() -> None:
    gone = [
        f"{name(page)}: {path}"
        for page in pages()
        for path in OURS.findall(prose(page))
        if not (ROOT / path).exists()
    ]
    assert gone == []


def test_verbs_that_pages_name_are_there() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {(name(page), verb) for page in pages() for verb in VERB.findall(prose(page))}
    assert {(page, verb) for page, verb in named if verb not in verbs} == set()
