"""Two machines that trained the same seeds: rows agree when they are as alike as seeds are."""

import json

import numpy as np
import pandas as pd
import pytest

from simagents.errors import InputError
from simagents.reference import repeat
from simagents.report.columns import COLUMNS

SYSTEMS = [f"bc-{seed}" for seed in range(4)]
SCENES = [f"scene-{number}" for number in range(30)]


def machine(folder, shift=0.0, number=0, scenes=SCENES, systems=SYSTEMS):
    """Results in which seeds differ by 0.01, scenes by 0.05, and the machine as a whole by `shift`."""
    draws = np.random.default_rng(number)
    of_scene = np.random.default_rng(99).normal(0, 0.05, len(scenes))
    for system in systems:
        frame = pd.DataFrame({"scenario_id": scenes})
        for key in repeat.COMPARED:
            scores = (
                0.7 + shift + of_scene + draws.normal(0, 0.01) + draws.normal(0, 0.01, len(scenes))
            )
            frame[COLUMNS[key].source] = scores
            if COLUMNS[key].over:
                frame[COLUMNS[key].over] = 1.0
        path = folder / "scores" / system / "0123456789" / "0.parquet"
        path.parent.mkdir(parents=True)
        frame.to_parquet(path, index=False)
    rows = [
        {"label": label, "systems": systems, "imported": False, "shared": None}
        for label, systems in (("BC", SYSTEMS), ("The log", ["baseline-log"]), ("Alone", ["sft-0"]))
    ]
    (folder / "tables").mkdir()
    for name in ("one", "two"):  # a row that two tables show is compared once
        table = {"evaluation": "0123456789", "rows": rows}
        (folder / "tables" / f"{name}.json").write_text(json.dumps(table))
    return folder


def test_the_same_training_elsewhere_agrees(tmp_path):
    kept, other = machine(tmp_path / "kept"), machine(tmp_path / "other", number=1)
    repeat.main(repeat.Args(kept, other, tmp_path / "repeat.md"))
    text = (tmp_path / "repeat.md").read_text()
    assert "Of 3 differences of rows with several seeds, 0 are resolved" in text
    assert text.count("| one | BC | 4 |") == 1
    assert "The log" not in text  # a baseline is the same everywhere
    assert "Alone" not in text  # neither machine has it


def test_a_machine_that_trains_otherwise_is_found(tmp_path):
    kept = machine(tmp_path / "kept")
    other = machine(tmp_path / "other", shift=0.1, number=1)
    (line,) = repeat.compared(kept, other)
    assert line.differences["metametric"].low > 0.05
    assert "3 are resolved at 5% (Holm)" in repeat.markdown([line])


def test_false_differences_are_as_rare_as_promised(tmp_path):
    """Machines that differ in nothing, many times over."""
    kept = machine(tmp_path / "kept")
    found = 0
    for number in range(1, 41):
        other = machine(tmp_path / str(number), number=number)
        found += ", 0 are resolved" not in repeat.markdown(list(repeat.compared(kept, other)))
    assert found <= 5  # of 40 at 5 %


def test_one_seed_says_nothing(tmp_path):
    systems = [*SYSTEMS, "sft-0"]
    folders = [machine(tmp_path / name, systems=systems) for name in ("kept", "other")]
    assert "of which nothing can be said: 1." in repeat.markdown(list(repeat.compared(*folders)))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (dict(systems=["grpo-0"]), "none of its systems is in a table of"),
        (dict(scenes=SCENES[1:]), "scored it on different scenarios"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, other, said):
    folders = machine(tmp_path / "kept"), machine(tmp_path / "other", **other)
    with pytest.raises(InputError, match=said):
        repeat.main(repeat.Args(*folders, tmp_path / "repeat.md"))


def test_a_folder_that_was_not_kept_is_named(tmp_path):
    other = machine(tmp_path / "other")
    with pytest.raises(InputError, match="elsewhere/tables: there is no such folder"):
        repeat.main(repeat.Args(tmp_path / "elsewhere", other, tmp_path / "repeat.md"))
