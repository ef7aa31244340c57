"""The Sphinx extension: writes generated pages and parts before sources are read, and draws formulas."""

from pathlib import Path

from sphinx.application import Sphinx

from building import algorithms, copies, estimates, findings, formulas, interfaces, layers

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    formulas.setup(app)
    app.connect("builder-inited", lambda app: write(DOCS))
    app.connect("source-read", _follow)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _follow(app: Sphinx, page: str, text: list[str]) -> None:
    """Links to a file of the repository that has a page here lead to that page; findings get their numbers."""
    if page == findings.PAGE:
        text[0] = findings.rendered(text[0], ROOT)
    text[0] = copies.moved(text[0], f"docs/{page}.md", f"{page}.md", ROOT)


def write(docs: Path) -> None:
    """Every generated page and part, below `docs`; files whose text is the same keep their time."""
    current = {}
    for part in (algorithms, copies, estimates, interfaces, layers):
        current |= part.pages(ROOT)
    for name, text in current.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for folder in ("_generated", "pages", "api/modules"):
        for path in (docs / folder).rglob("*.md"):
            if str(path.relative_to(docs)) not in current:
                path.unlink()  # of a page that there is no more
