"""Editors and people read the same keys as the code."""

import re

import pytest
import yaml

from simagents.config import documentation
from simagents.config.documentation import Args, at, kinds_of, main, schema, with_tables
from simagents.errors import InputError
from simagents.report.columns import COLUMNS

from .conftest import ROOT

REFERENCE = schema()
README = (ROOT / documentation.README).read_text()


def nodes(node, path=""):
    """Every key with its schema, kinds of settings and items of lists included."""
    for name, inner in node.get("properties", {}).items():
        yield f"{path}.{name}".lstrip("."), inner
        yield from nodes(inner, f"{path}.{name}".lstrip("."))
    for inner in node.get("patternProperties", {}).values():
        yield from nodes(inner, f"{path}.NAME")
    for choice in node.get("anyOf", []):
        yield from nodes(choice, path)
    if isinstance(node.get("items"), dict):
        yield from nodes(node["items"], f"{path}[]")


def test_schema_and_readme_are_current():
    main(Args(check=True, root=ROOT))


def test_what_is_not_current_is_named_and_left_alone(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/README.md").write_text("<!-- keys: seeds -->\nold\n<!-- end -->\n")
    (tmp_path / "workflow/schemas").mkdir(parents=True)
    (tmp_path / documentation.SCHEMA).write_text((ROOT / documentation.SCHEMA).read_text())
    with pytest.raises(
        InputError, match=r"README\.md: not current; run `simagents config-reference`"
    ):
        main(Args(check=True, root=tmp_path))
    assert "old" in (tmp_path / "config/README.md").read_text()
    main(Args(root=tmp_path))
    assert "| `seeds` | list of whole number ≥ 0 |" in (tmp_path / "config/README.md").read_text()
    main(Args(check=True, root=tmp_path))


def test_every_key_has_a_description():
    undescribed = [
        path
        for path, node in nodes(REFERENCE)
        # The tag of a kind of one's own has none, nor has what a change is a change of.
        if "description" not in node and "not" not in node and not path.endswith(".base")
    ]
    assert not undescribed


def test_every_top_level_key_and_every_kind_has_a_table():
    keys = " ".join(re.findall("<!-- keys: (.*) -->", README)).split()
    assert sorted(keys) == sorted(REFERENCE["properties"])
    tables = re.findall("<!-- kinds: (.*) -->", README)
    documented = {tuple(kinds_of(at(path, REFERENCE))[1]) for path in tables}
    assert documented == {
        tuple(kinds_of(node)[1]) for _, node in nodes(REFERENCE) if "discriminator" in node
    } | {
        tuple(kinds_of(value)[1])
        for node in REFERENCE["properties"].values()
        for value in node.get("patternProperties", {}).values()
        if "discriminator" in value
    }


def test_an_unknown_path_names_the_nearest():
    with pytest.raises(InputError, match="unknown value `sede`; did you mean `seeds`"):
        with_tables("<!-- keys: sede -->\n<!-- end -->", REFERENCE)


def test_the_schema_accepts_every_file_and_refuses_a_typo():
    """As an editor reads them: each file on its own."""
    import jsonschema  # which Snakemake depends on

    validator = jsonschema.Draft202012Validator(
        yaml.safe_load((ROOT / documentation.SCHEMA).read_text())
    )
    files = [ROOT / "config.yaml", *(ROOT / "config").rglob("*/*.yaml")]
    assert len(files) > 10
    for path in files:
        content = yaml.safe_load(path.read_text())
        assert not list(validator.iter_errors(content)), path
    wrong = yaml.safe_load((ROOT / "config/papers/smart_r1.yaml").read_text())
    wrong["stages"]["rft"]["algorithm"]["divergence"]["betta"] = 1.0
    assert list(validator.iter_errors(wrong))


def test_tables_may_show_every_column_that_the_report_has():
    columns = REFERENCE["properties"]["tables"]
    assert set(at("NAME.columns", columns)["items"]["enum"]) == set(COLUMNS)
