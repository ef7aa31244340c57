"""Films and strips: frames, times and sizes of what is written, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from simagents.errors import InputError
from simagents.gallery import animate
from simagents.gallery.animate import Args
from simagents.gallery.film import Film
from simagents.gallery.named_files import named_files
from simagents.gallery.writers import SmallGif
from simagents.report.agent_drawing import RECORDER
from simagents.scenarios.store import ScenarioStore


@pytest.fixture
def args(tmp_path, kept, words):
    return Args(
        words, [kept / "shard.safetensors"], tmp_path / "film.gif", width=400, every=40, rollout=1
    )


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_a_gif_has_a_frame_of_every_shown_step(args, scenarios):
    """Steps 0, 40 and 80 of 8 s at 2 frames a second; the last one stays for a second."""
    animate.main(replace(args, fps=2, scenario=scenarios[1].id))
    with Image.open(args.out) as film:
        assert (film.format, film.n_frames, film.width) == ("GIF", 3, 400)
        durations = [film.seek(frame) or film.info["duration"] for frame in range(3)]
        film.seek(0)
        pixels = np.asarray(film.convert("RGB")).reshape(-1, 3)
    assert durations == [500, 500, 1000]
    recorder = [int(RECORDER[at : at + 2], 16) for at in (1, 3, 5)]
    assert (pixels == recorder).all(axis=1).sum() > 10  # the palette keeps rare colours
    assert [path.name for path in args.out.parent.iterdir()] == ["film.gif"]  # nothing is left


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_a_strip_is_a_still_picture(args, ending):
    out = args.out.with_suffix(f".{ending}")
    animate.main(replace(args, out=out, moments=[0.0, 8.0]))
    assert out.read_bytes().startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[ending])


def test_what_a_film_says_under_a_name_is_what_the_metric_says(args, kept, words, scenarios):
    """Three agents' worth of drift: the text counts scored agents with a mark until then."""
    scenario = ScenarioStore([kept / "shard.safetensors"])[scenarios[0].id]
    shown = [animate.one_rollout(system, scenario, 2) for system in named_files(words)]
    film = Film(scenario, shown, 400)
    film.show(80)
    for text, each in zip(film._counts, shown, strict=True):
        collided = int(each.incidents.collision.any(axis=-1).sum())
        left = int(each.incidents.off_road.any(axis=-1).sum())
        assert text.get_text() == (
            f"so far: {collided} collided, {left} off road, of {len(scenario.evaluated)} scored"
        )
    assert shown[1].count(80) > (0, 0) == shown[1].count(0)


def test_a_killed_film_leaves_nothing(args, monkeypatch):
    def stopped(self, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(SmallGif, "grab_frame", stopped)
    with pytest.raises(KeyboardInterrupt):
        animate.main(args)
    assert list(args.out.parent.iterdir()) == []


def test_mp4_without_its_package_says_what_to_install(args, monkeypatch):
    monkeypatch.setattr("simagents.gallery.writers.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -c constraints.txt -e '.\[animation\]'"):
        animate.main(replace(args, out=args.out.with_suffix(".mp4")))


def test_mp4(args):
    pytest.importorskip("imageio_ffmpeg", reason="the extra `animation` is not installed")
    out = args.out.with_suffix(".mp4")
    animate.main(replace(args, out=out))
    assert out.read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rollouts": ["log.safetensors"]}, "--rollouts log.safetensors: give a name and a file"),
        ({"rollouts": ["Log=none.safetensors"]}, "none.safetensors: there is no such file"),
        ({"scenario": "x"}, "--scenario, of those that all systems keep: unknown value `x`"),
        ({"rollout": 3}, "--rollout is 3, and Log keeps rollouts 0 to 2"),
        ({"every": 0}, "--every is 0 and must be between 1 and 80"),
        ({"width": 20}, "--width is 20"),
        ({"half_width": -1.0}, "--half-width is -1.0 and must be between 0 and 500"),
        ({"moments": [9.0]}, "--moments: 9.0 is not between 0 and 8 seconds"),
        ({"out": "film.avi"}, "film.avi: write to .gif or .mp4, or to .png or .pdf"),
    ],
)
def test_what_makes_no_film_is_one_sentence(args, changes, sentence):
    if "out" in changes:
        changes = {"out": args.out.with_name(changes["out"])}
    with pytest.raises(InputError, match=sentence):
        animate.main(replace(args, **changes))
    assert list(args.out.parent.iterdir()) == []
