"""What docs/ shows of kinds of one's own: modules for `simagents.extensions`, and lines of config/papers/own.yaml."""

import re
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from building.algorithms import all_pages
from simagents.config.changes import merged

ROOT = Path(__file__).parents[1]
PAGES = ("tutorials/own_model.md", "extending.md")
TEXT = "".join((ROOT / "docs" / page).read_text() for page in PAGES)
LOGS = {page.name: page for page in all_pages(ROOT)}
"""Pages of the algorithms, with the names of the numbers that a step logs."""
_MODULE = r"The whole of `src/simagents/extensions/(\w+)\.py`:\n\n```python\n(.*?)```"
_LINES = r"lines of `config/papers/own\.yaml`[^\n]*:\n\n```yaml\n(.*?)```"


def configuration() -> dict[str, Any]:
    """The content of config/papers/own.yaml."""
    blocks = re.findall(_LINES, TEXT, re.DOTALL | re.IGNORECASE)
    assert len(blocks) == TEXT.count("```yaml")
    return reduce(merged, map(yaml.safe_load, blocks))


def write_modules(folder: Path) -> list[str]:
    """Writes every module that the text shows into `folder`; their names."""
    modules = re.findall(_MODULE, TEXT, re.DOTALL)
    assert len(modules) == TEXT.count("```python")
    for name, code in modules:
        (folder / f"{name}.py").write_text(code)
    return [name for name, _ in modules]
