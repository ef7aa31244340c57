"""The README's numbers are those of kept tables."""

from pathlib import Path

from building import readme

ROOT = Path(__file__).parents[2]


def test_the_table_is_that_of_the_kept_cells():
    text = (ROOT / "README.md").read_text()
    assert readme.with_table(text, ROOT) == text
