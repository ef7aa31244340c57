"""Pages whose text lies elsewhere in the repository, with links that lead from where they are shown."""

import posixpath
import re
from pathlib import Path

from building.algorithms import FOLDER, all_pages

PAGES = {
    "config/README.md": "pages/configuration.md",
    "benchmarks/README.md": "pages/speed.md",
    "CONTRIBUTING.md": "pages/contributing.md",
    "CHANGELOG.md": "pages/changelog.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_KIND = re.compile(r"^`(?:name|rule|kind|choice|family): (\w+)`: ", re.MULTILINE)


def pages(root: Path) -> dict[str, str]:
    """The copies; each kind of settings in the reference of keys gets an anchor `key-KIND`, and a link to its page
    where it is an algorithm or a credit rule."""
    texts = {
        page: moved((root / source).read_text(), source, page, root)
        for source, page in PAGES.items()
    }
    reference = PAGES["config/README.md"]
    described = {
        kind: f"[{title(root / FOLDER / f'{page.name}.md')}](../algorithms/{page.name}.md)"
        for page in all_pages(root)
        for kind in (page.credits or page.algorithms)
    } | {"policy_gradient": "[Algorithms](../algorithms/index.md)"}

    def linked(found: re.Match) -> str:
        also = f"({described[found[1]]}) " if found[1] in described else ""
        return f"(key-{found[1]})=\n\n{found[0]}{also}"

    texts[reference] = _KIND.sub(linked, texts[reference])
    return texts


def title(path: Path) -> str:
    """Of a Markdown file, without what follows a comma."""
    return path.read_text().partition("\n")[0].removeprefix("# ").partition(",")[0]


def moved(text: str, source: str, page: str, root: Path) -> str:
    """The text of `source`, as it reads at `page` below docs/. Links to folders become their names."""
    here = posixpath.dirname(posixpath.join("docs", page))

    def link(found: re.Match) -> str:
        words, target = found[1], found[2]
        if "://" in target or target.startswith("#"):
            return found[0]
        path, hash_, anchor = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if (root / there).is_dir():
            return words
        if there in PAGES:
            there = posixpath.join("docs", PAGES[there])
        return f"[{words}]({posixpath.relpath(there, here)}{hash_}{anchor})"

    parts = re.split(r"(```.*?```)", text, flags=re.DOTALL)  # code stays as it is
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts)
