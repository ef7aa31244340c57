"""Figures: what they need, what they refuse, and that equal numbers give equal bytes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from matplotlib.text import Text

from simagents import extensions
from simagents.errors import InputError
from simagents.metrics import Challenge
from simagents.report import draw_figure
from simagents.report.draw_figure import Args
from simagents.report.figures import composition
from simagents.report.figures.time_split import seconds_of_steps
from simagents.report.figures.training_curves import curves_of
from simagents.report.histories import read_histories
from simagents.report.rows import read_rows
from simagents.scenarios.rollout_file import writing_rollouts
from simagents.scenarios.scenario import CURRENT
from simagents.scenarios.store import write_scenarios

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "paper/paper.mplstyle"


def arguments(kind, out, keys=(), **files):
    """As the workflow calls the command; kinds that draw systems have the configuration's rows."""
    settings = {"caption": "", **dict(keys)}
    if "rows" in files:
        settings.setdefault("rows", [{"label": "BC", "stage": "bc"}])
    if "pictures" in files:
        settings.setdefault("evaluation", "wosac_2025")
    return Args(kind, json.dumps(settings), out, style=STYLE, **files)


@pytest.fixture(autouse=True)
def legible(monkeypatch):
    """Every figure that is written here has no text below 7 points, at the size of print."""

    def checked(figure, out):
        texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        small = {text.get_text() for text in texts if text.get_fontsize() < 7}
        assert not small
        save(figure, out)

    save = draw_figure.save
    monkeypatch.setattr(draw_figure, "save", checked)


def drawn(folder, kind, keys=(), **files):
    """Draws twice; returns the bytes of PDF and PNG after checking that they are equal."""
    pair = []
    for name in ("one", "two"):
        out = folder / name / "figure.pdf"
        draw_figure.main(arguments(kind, out, keys, **files))
        pair.append((out.read_bytes(), out.with_suffix(".png").read_bytes()))
    assert pair[0] == pair[1]
    return pair[0]


def test_training_curves_for_every_way_of_learning(tmp_path, history, rows):
    histories = [
        history("bc-1", cross_entropy=3.0, accuracy=0.1, loss=3.0),
        history("sft-1", cross_entropy=2.0, accuracy=0.2, distance_to_log=0.5, gradient_norm=1.0),
        history("rft-1", reward=0.7, advantage=0.01, kl=0.0, entropy=2.0),
        history("rft-2", steps=900, reward=0.7, kl=0.0),
    ]
    given = rows("bc-1", "sft-1", ["rft-1", "rft-2"], "baseline-log")
    pdf, png = drawn(tmp_path, "training_curves", rows=given, histories=histories)
    assert pdf.startswith(b"%PDF")
    assert png.startswith(b"\x89PNG")
    assert b"CreationDate" not in pdf


def test_a_run_of_one_step_has_panels(tmp_path, history, rows):
    histories = [history("rft-1", steps=1, reward=0.7, kl=0.0, beta=0.04)]
    _, png = drawn(tmp_path, "training_curves", rows=rows("rft-1"), histories=histories)
    assert png.startswith(b"\x89PNG")


def test_a_run_without_a_history_is_an_error(tmp_path, history, rows):
    args = arguments(
        "training_curves",
        tmp_path / "f.pdf",
        rows=rows("bc-1", "sft-1"),
        histories=[history("bc-1", cross_entropy=3.0)],
    )
    with pytest.raises(InputError, match="no history of sft-1"):
        draw_figure.main(args)


def test_an_imported_model_has_no_history_and_no_curve(tmp_path, history, rows):
    given = json.loads(rows("bc-1", "sft-1"))
    given[0]["imported"] = True
    histories = [history("sft-1", cross_entropy=2.0, seconds_update=0.5)]
    read = read_rows(json.dumps(given)), read_histories(histories)
    assert [curve.label for curve in curves_of(*read)] == [given[1]["label"]]
    assert list(seconds_of_steps(*read).index) == [given[1]["label"]]
    for kind in ("training_curves", "time_split"):
        args = arguments(kind, tmp_path / "f.pdf", rows=json.dumps(given[:1]), histories=histories)
        with pytest.raises(InputError, match="none of the rows is trained"):
            draw_figure.main(args)


@pytest.fixture
def varied(tmp_path, cell, cells):
    """Cells of a start and two rows that gain .1 and lose .1; of the second the paper speaks."""

    def write(name, divergences=(0.1, 0.2)):
        content = cells(
            {"SFT": 0.5, "$\\alpha_0$": 0.6, "$\\alpha_0+0.1$": 0.4},
            published=[None, "0.77", None],
            differences=[
                (1, 0, 0.1, 0.05, 0.15),
                (2, 0, -0.1, -0.3, 0.1),
                (2, 1, -0.2, -0.3, -0.1),
            ],
            columns=["metametric", "kl"],
        )
        for row, mean in zip(content["rows"], (None, *divergences), strict=True):
            row["cells"]["kl"] = cell(mean, None)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        return path

    return write


def test_sweeps(tmp_path, varied):
    tables = [varied("alpha"), varied("beta")]
    pdf, _ = drawn(tmp_path, "sweep", {"tables": ["alpha", "beta"]}, cells=tables)
    assert pdf.startswith(b"%PDF")


def test_a_sweep_without_divergences_is_an_error(tmp_path, varied):
    cells = [varied("alpha", (0.1, None))]
    args = arguments("sweep", tmp_path / "f.pdf", {"tables": ["alpha"]}, cells=cells)
    with pytest.raises(InputError, match="alpha: every row but the first needs the column `kl`"):
        draw_figure.main(args)


def test_a_sweep_may_show_another_score_and_another_column(tmp_path, varied):
    keys = {"tables": ["weight"], "above": "metametric", "below": "metametric"}
    pdf, _ = drawn(tmp_path, "sweep", keys, cells=[varied("weight", (0.1, None))])
    assert pdf.startswith(b"%PDF")


def test_a_sweep_of_a_score_that_the_table_lacks_is_an_error(tmp_path, varied):
    keys = {"tables": ["weight"], "above": "collision"}
    args = arguments("sweep", tmp_path / "f.pdf", keys, cells=[varied("weight")])
    with pytest.raises(InputError, match="weight: give the table the column collision"):
        draw_figure.main(args)


def test_a_table_that_is_drawn_must_be_given(tmp_path, varied):
    args = arguments("sweep", tmp_path / "f.pdf", {"tables": ["beta"]}, cells=[varied("alpha")])
    with pytest.raises(InputError, match="--cells: the table beta is drawn and not given"):
        draw_figure.main(args)


def test_component_gains(tmp_path, varied):
    """Only scores have differences; the divergence beside them is passed over."""
    keys, cells = {"tables": ["components"], "over": "SFT"}, [varied("components")]
    pdf, _ = drawn(tmp_path, "component_gains", keys, cells=cells)
    assert pdf.startswith(b"%PDF")
    keys["over"] = "SF"
    with pytest.raises(InputError, match="did you mean `SFT`"):
        draw_figure.main(arguments("component_gains", tmp_path / "f.pdf", keys, cells=cells))


@pytest.fixture
def driving(tmp_path, cell, varied):
    """Such cells with the parts of the metric and the metres driven."""

    def write(name, challenge=2025):
        path = varied(name)
        content = json.loads(path.read_text()) | {"challenge": challenge}
        parts = ["kinematic", "interactive", "map", "distance"]
        content["columns"] += parts
        for row in content["rows"]:
            mean = row["cells"]["metametric"]["mean"]
            row["cells"] |= {key: cell(mean) for key in parts}
        path.write_text(json.dumps(content))
        return path

    return write


def test_what_the_metric_pays_for(tmp_path, driving, varied):
    keys = {"tables": ["baselines"]}
    pdf, _ = drawn(tmp_path, "composition", keys, cells=[driving("baselines")])
    assert pdf.startswith(b"%PDF")
    for name, cells, words in (
        ("old", driving("old", 2023), "the parts of challenge 2023 have no weights"),
        ("few", varied("few"), "give the table the columns kinematic, interactive, map, distance"),
    ):
        args = arguments("composition", tmp_path / "f.pdf", {"tables": [name]}, cells=[cells])
        with pytest.raises(InputError, match=words):
            draw_figure.main(args)


@pytest.mark.parametrize("year", composition.WEIGHTS)
def test_the_weights_of_the_parts_are_those_of_the_metric(year):
    """Four kinematic features, then three interactive ones, then three of the map."""
    weights = list(Challenge.of(year).weights.values())
    parts = {"kinematic": weights[:4], "interactive": weights[4:7], "map": weights[7:]}
    for part, of_features in parts.items():
        assert composition.WEIGHTS[year][part] == pytest.approx(sum(of_features))


def test_gain_and_metres_against_divergence(tmp_path, driving, varied):
    keys = {"tables": ["alpha", "beta"]}
    cells = [driving("alpha"), driving("beta")]
    pdf, _ = drawn(tmp_path, "tradeoff", keys, cells=cells)
    assert pdf.startswith(b"%PDF")
    args = arguments("tradeoff", tmp_path / "f.pdf", {"tables": ["alpha"]}, cells=[varied("alpha")])
    with pytest.raises(InputError, match="alpha: give the table the columns distance"):
        draw_figure.main(args)


def test_time_is_split_by_the_medians_of_steps(tmp_path, history, rows):
    """Steps of 1.00, 1.01, … 1.04 s have the median 1.02 s; what a row does not do takes none."""
    histories = [
        history("rft-1", steps=5, seconds_sampling=1.0, seconds_update=2.0),
        history("dpo-1", steps=5, seconds_update=3.0),
    ]
    given = rows("rft-1", "dpo-1")
    split = seconds_of_steps(read_rows(given), read_histories(histories))
    assert list(split.columns) == ["seconds_sampling", "seconds_update"]
    np.testing.assert_allclose(split, [[1.02, 2.02], [0.0, 3.02]])
    drawn(tmp_path, "time_split", rows=given, histories=histories)


def test_a_history_without_seconds_is_an_error(tmp_path, history, rows):
    histories = [history("a-1", loss=1.0)]
    args = arguments("time_split", tmp_path / "f.pdf", rows=rows("a-1"), histories=histories)
    with pytest.raises(InputError, match="a-1: its histories do not say"):
        draw_figure.main(args)


@pytest.fixture
def pictures(tmp_path, street):
    """A cached street, and pictures of two systems on it."""
    scenario = street
    write_scenarios(tmp_path / "shard.safetensors", [scenario])
    log = scenario.position[:, CURRENT + 1 :]
    poses = np.concatenate([log, scenario.heading[:, CURRENT + 1 :, None]], axis=-1)
    paths = []
    for system, shift in (("baseline-log", 0.0), ("bc-1", 0.5)):
        path = tmp_path / "scores" / system / "0" / "0.pictures.safetensors"
        path.parent.mkdir(parents=True)
        rollouts = poses[None] + shift * np.arange(3, dtype=np.float32)[:, None, None, None]
        with writing_rollouts(path) as keep:
            keep("street", scenario.agent_id, rollouts.astype(np.float32))
        with writing_rollouts(path.with_name("1.pictures.safetensors")):
            pass
        paths += [path, path.with_name("1.pictures.safetensors")]
    return paths


def test_rollout_picture(tmp_path, pictures, rows):
    pdf, png = drawn(
        tmp_path,
        "rollouts",
        rows=rows("baseline-log", "bc-1"),
        pictures=pictures,
        scenarios=[tmp_path / "shard.safetensors"],
    )
    assert pdf.startswith(b"%PDF")
    assert len(png) > 10_000


def test_a_system_without_pictures_is_an_error(tmp_path, pictures, rows):
    args = arguments(
        "rollouts",
        tmp_path / "f.pdf",
        rows=rows("baseline-log", "rft-1"),
        pictures=pictures,
        scenarios=[tmp_path / "shard.safetensors"],
    )
    with pytest.raises(InputError, match="no pictures of rft-1"):
        draw_figure.main(args)


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        ("sweeps", {}, r"kind: unknown value `sweeps`; did you mean `sweep`\?"),
        ("sweep", {"table": ["a"]}, r"unknown key `table`; did you mean `tables`\?"),
        ("sweep", {"tables": ["a"]}, "--cells: a figure of kind sweep reads these"),
        ("component_gains", {"tables": ["a", "b"], "over": "A"}, "--settings.tables: "),
    ],
)
def test_what_a_kind_does_not_know_or_lacks_is_an_error(tmp_path, kind, keys, words):
    with pytest.raises(InputError, match=words):
        draw_figure.main(arguments(kind, tmp_path / "f.pdf", keys))


def test_a_kind_of_ones_own_is_one_file_and_lines_of_yaml(tmp_path, monkeypatch, rows, score):
    """The walk of docs/extending.md, walked."""
    _, section = (ROOT / "docs/extending.md").read_text().split("## A kind of figure\n")
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    (lines,) = re.findall(r"```yaml\n(figures:.*?)```", section, re.DOTALL)
    (tmp_path / "own").mkdir()
    (tmp_path / "own/scenario_counts.py").write_text(code)
    monkeypatch.setattr(extensions, "__path__", [str(tmp_path / "own")])
    monkeypatch.delitem(sys.modules, "simagents.extensions.scenario_counts", raising=False)
    keys = yaml.safe_load(lines)["figures"]["counts"]
    kind = keys.pop("kind")
    scores = [score("a-1", {"x": 0.1, "y": 0.2}), score("b-1", {"x": 0.3, "y": 0.4})]
    given = rows("a-1", "b-1")
    pdf, _ = drawn(tmp_path, kind, keys, rows=given, scores=scores)
    assert pdf.startswith(b"%PDF")
    del keys["colour"]
    args = arguments(kind, tmp_path / "f.pdf", keys, rows=given, scores=scores)
    with pytest.raises(InputError, match=r"--settings.colour: the key is missing"):
        draw_figure.main(args)


def test_reports_never_load_torch():
    code = (
        "import pkgutil, importlib, sys, simagents.report as report\n"
        "for module in pkgutil.walk_packages(report.__path__, 'simagents.report.'):\n"
        "    importlib.import_module(module.name)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
