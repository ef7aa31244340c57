"""What TensorBoard shows of a run is what the run logged."""

import json
import sys
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from simagents.errors import InputError
from simagents.mirrors.boards import WeightsAndBiases
from simagents.mirrors.mirror import Args, Mirrors, grouped, main
from simagents.mirrors.tail import Tail

ROWS = [
    {"step": 0, "loss": 2.0, "seconds_update": 0.5},
    {"step": 1, "loss": 1.5, "seconds_update": 0.25, "validation_driven": 0.75},
    {"step": 2, "loss": 1.25, "seconds_update": 0.125},
]


def write(folder, rows, steps=3):
    """A run's history and recipe; the history is another file than before, as after a resume."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "new").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "new").replace(folder / "history.jsonl")
    (folder / "recipe.json").write_text(json.dumps({"stage": "bc", "budget": {"steps": steps}}))


def shown(folder):
    """What TensorBoard reads: steps and values, of every name."""
    events = EventAccumulator(str(folder)).Reload()
    names = events.Tags()["scalars"]
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in names}


def test_tensorboard_shows_every_number_of_every_step(tmp_path, capsys):
    write(tmp_path / "runs/bc-1", ROWS)
    write(tmp_path / "runs/sft-2", ROWS[:1])
    main(Args([tmp_path / "runs"], tensorboard=tmp_path / "boards"))
    assert shown(tmp_path / "boards/bc-1") == {
        "training/loss": [(0, 2.0), (1, 1.5), (2, 1.25)],
        "time/seconds_update": [(0, 0.5), (1, 0.25), (2, 0.125)],
        "validation/driven": [(1, 0.75)],
    }
    assert shown(tmp_path / "boards/sft-2")["training/loss"] == [(0, 2.0)]
    assert "2 runs mirrored" in capsys.readouterr().out


def test_a_second_mirror_shows_no_step_twice(tmp_path):
    write(tmp_path / "runs/bc-1", ROWS)
    for _ in range(2):
        main(Args([tmp_path / "runs"], tensorboard=tmp_path / "boards"))
    assert shown(tmp_path / "boards/bc-1")["training/loss"] == [(0, 2.0), (1, 1.5), (2, 1.25)]


class Recorder:
    """A board that notes what it is told."""

    def __init__(self):
        self.rows, self.closed = [], False

    def add(self, step, numbers):
        self.rows.append((step, numbers["training/loss"]))

    def flush(self):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def watched(tmp_path):
    boards = {}
    mirrors = Mirrors(
        [tmp_path / "resume", tmp_path / "runs"],
        lambda run, recipe: [boards.setdefault(run, Recorder())],
    )
    return tmp_path, mirrors, boards


def test_a_run_that_resumes_repeats_nothing(watched):
    folder, mirrors, boards = watched
    write(folder / "resume/bc-1", ROWS[:2])
    mirrors.look()
    write(folder / "resume/bc-1", ROWS[:1])  # it was killed, and goes on from its last save
    mirrors.look()
    write(folder / "resume/bc-1", ROWS)
    mirrors.look()
    assert boards["bc-1"].rows == [(0, 2.0), (1, 1.5), (2, 1.25)]
    assert boards["bc-1"].closed


def test_a_run_that_begins_later_is_found_and_followed_to_its_folder_of_results(watched):
    folder, mirrors, boards = watched
    mirrors.look()
    write(folder / "resume/bc-1", ROWS[:1])
    mirrors.look()
    write(folder / "runs/bc-1", ROWS)
    mirrors.look()
    assert boards["bc-1"].rows == [(0, 2.0), (1, 1.5), (2, 1.25)]


def test_saves_that_vanish_beside_a_history_do_not_matter(watched):
    """Training removes its older saves while a mirror looks for histories."""
    folder, mirrors, boards = watched
    write(folder / "resume/bc-1", ROWS[:1])
    (folder / "resume/bc-1/step200").mkdir()
    (folder / "resume/bc-1/step200/history.jsonl").write_text("no history of a run\n")
    mirrors.look()
    assert boards["bc-1"].rows == [(0, 2.0)]


def test_a_line_that_is_being_written_waits(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text('{"step": 0, "loss": 2.0}\n{"step": 1, "lo')
    tail = Tail(path)
    assert [row["step"] for row in tail.new()] == [0]
    with path.open("a") as file:
        file.write('ss": 1.0}\n')
    assert [row["step"] for row in tail.new()] == [1]
    assert tail.new() == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (dict(), "no board is named"),
        (dict(folders="elsewhere", tensorboard="boards"), "there is no such folder"),
        (dict(folders="elsewhere", tensorboard="boards", follow=True), "there is no such folder"),
        (dict(tensorboard="boards"), "no folder in it has a history.jsonl"),
        (dict(tensorboard="boards", every=0.0), "the seconds between looks must be above 0"),
    ],
)
def test_what_cannot_be_mirrored_is_one_sentence(tmp_path, args, said):
    folders = [tmp_path / args.get("folders", "")]
    board = tmp_path / args["tensorboard"] if "tensorboard" in args else None
    with pytest.raises(InputError, match=said):
        options = {key: args[key] for key in ("every", "follow") if key in args}
        main(Args(folders, tensorboard=board, **options))


def test_a_file_that_is_no_history_is_named(tmp_path):
    (tmp_path / "bc-1").mkdir()
    for line in ("[1, 2]", '{"step": "one"}', '{"step": 1, "loss": [2]}', '{"loss": 1}'):
        (tmp_path / "bc-1/history.jsonl").write_text(line + "\n")
        with pytest.raises(InputError, match="is no row of a history"):
            main(Args([tmp_path], tensorboard=tmp_path / "boards"))


def test_names_are_grouped_for_the_boards():
    assert [grouped(name) for name in ("loss", "cpu_seconds", "seconds", "validation_driven")] == [
        "training/loss", "time/cpu_seconds", "time/seconds", "validation/driven",
    ]  # fmt: skip


def test_a_run_in_weights_and_biases_continues_where_it_ended(monkeypatch):
    """Its interface alone; the library is nobody's dependency here."""
    logged, opened = [], {}

    def init(**settings):
        opened.update(settings)
        return SimpleNamespace(step=2, log=lambda row, step: logged.append((step, row)))

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    board = WeightsAndBiases("traffic", "bc-1", {"stage": "bc"})
    for row in ROWS:
        board.add(row["step"], {"training/loss": row["loss"]})
    assert logged == [(2, {"training/loss": 1.25})]
    assert (opened["id"], opened["resume"], opened["config"]) == ("bc-1", "allow", {"stage": "bc"})
