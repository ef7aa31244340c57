"""The site's generated parts, and links between the project's Markdown files."""

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from building import copies, estimates, formulas, interfaces, layers, site
from simagents.costs import tables as costs
from simagents.power import tables as power

ROOT = Path(__file__).parents[2]
WRITTEN = [
    path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "config/README.md"])
    if not {"_build", "_generated", "pages", "modules"} & set(path.parts)
]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s#]+)(?:#([^)\s]+))?\)")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(path):
    text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.DOTALL)
    for target, anchor in LINK.findall(text):
        if "://" not in target:
            found = path.parent / target
            assert found.exists(), target
            if anchor:
                titles = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
                assert anchor in {slug(title) for title in titles}, f"{target}#{anchor}"


def slug(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize(
    ("link", "moved"),
    [
        ("[a](../docs/data.md#womd)", "[a](../data.md#womd)"),
        ("[b](../CONTRIBUTING.md)", "[b](contributing.md)"),
        ("[c](papers/catk.yaml)", "[c](../../config/papers/catk.yaml)"),
        ("[d](papers)", "d"),
        ("[e](https://example.org)", "[e](https://example.org)"),
    ],
)
def test_links_of_a_copied_page_lead_where_they_led(link, moved):
    assert copies.moved(link, "config/README.md", "pages/configuration.md", ROOT) == moved


def test_code_of_a_copied_page_stays():
    code = "```python\nrows[i](papers)\n```"
    assert copies.moved(code, "config/README.md", "pages/configuration.md", ROOT) == code


def test_what_is_generated_again_keeps_its_time_and_what_is_not_goes(tmp_path, monkeypatch):
    for part in (site.algorithms, site.copies, site.estimates, site.interfaces, site.layers):
        monkeypatch.setattr(part, "pages", lambda root: {"pages/same.md": "text"})
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/old.md").touch()
    site.write(tmp_path)
    written = (tmp_path / "pages/same.md").stat().st_mtime_ns
    site.write(tmp_path)
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["same.md"]
    assert (tmp_path / "pages/same.md").stat().st_mtime_ns == written


def test_costs_and_power_are_what_the_commands_say(monkeypatch):
    monkeypatch.setattr(estimates, "COSTS", ("demo",))
    monkeypatch.setattr(estimates, "POWER", {"lab": power.Args(scale="lab", brief=True)})
    parts = estimates.pages(ROOT)
    assert parts["_generated/costs-demo.md"] == costs.report(ROOT, {"scale": "demo"})
    brief = power.Args(scale="lab", brief=True, root=ROOT)
    assert parts["_generated/power-lab.md"].strip() == power.report(brief).strip()


def test_every_kind_of_settings_has_an_anchor():
    assert "(key-mloo)=\n\n`rule: mloo`" in copies.pages(ROOT)["pages/configuration.md"]


def test_the_picture_has_every_layer_in_order():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rows = contracts["contracts"][0]["layers"]
    picture = layers.svg(rows, "simagents")
    heights = {
        name: float(y) for y, name in re.findall(r' y="([\d.]+)"[^>]*>([a-z_]+)</text>', picture)
    }
    names = [re.split(r"\s*\|\s*", row) for row in rows]
    assert set(heights) == {name for row in names for name in row}
    tops = [max(heights[name] for name in row) for row in names]
    assert tops == sorted(tops)
    assert 'href="api/modules/metric.html#module-simagents.metrics.challenge"' in picture


def test_names_of_a_wide_layer_share_lines_in_which_they_fit():
    lines = list(layers.lines_of(["a" * 20, "b" * 20, "c" * 20, "d" * 20, "e" * 20]))
    assert [len(line) for line in lines] == [3, 2]


def test_public_names_are_those_of_the_modules():
    """What the page shows of a module is there under the same name when the module is imported."""
    pages = interfaces.pages(ROOT)
    text = "".join(text for name, text in pages.items() if name.startswith("api/"))
    shown = re.split(r"```\{py:module\} (\S+)\n```", text)[1:]
    assert len(shown) == 2 * sum(len(modules) for _, *modules in interfaces.PUBLIC.values())
    for name, section in zip(shown[::2], shown[1::2], strict=True):
        module = import_module(name)
        for found in re.findall(r"^::::\{py:\w+\} (\w+)", section, re.MULTILINE):
            assert hasattr(module, found), f"{name}.{found}"


def test_signs_of_a_docstring_mean_themselves_outside_code():
    said = "[S, R]: a * b < c for *N, `*N <`\n\n    *as it is*\n"
    shown = "\\[S, R]: a \\* b \\< c for \\*N, `*N <`\n\n    *as it is*\n"
    assert interfaces.as_text(said) == shown


def test_signatures_have_their_shapes():
    text = interfaces.pages(ROOT)["api/modules/learning.md"]
    shown = "centred(without: Float[Tensor, 'S R']) -> Float[Tensor, 'S R']"
    assert f"::::{{py:function}} {shown}\n" in text


def test_formulas_become_mathml_and_what_does_not_is_refused():
    assert formulas.mathml(r"\frac{1}{N}", "block").startswith("<math")
    with pytest.raises(Exception, match=r"no MathML for the formula \\nosuch"):
        formulas.mathml(r"\nosuch{N}", "inline")
