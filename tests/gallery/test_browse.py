"""The page: data come back as they were packed, and its scripts show what the metric says."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.gallery import browse
from simagents.gallery.named_files import named_files
from simagents.gallery.packing import METRES, RADIANS, pack, pack_bits, packed_scene
from simagents.report.agent_drawing import Shown
from simagents.report.view import view_ahead

PAGE = Path(browse.__file__).parent / "page"
STAND_IN = Path(__file__).with_name("stand_in.js")


@pytest.fixture(scope="module")
def page(tmp_path_factory, kept, words):
    out = tmp_path_factory.mktemp("page") / "browser.html"
    browse.main(browse.Args(words, [kept / "shard.safetensors"], out, title="A </script> & b"))
    return out


def unpacked(packed):
    kind = {"int16": "<i2", "int32": "<i4"}[packed["type"]]
    return np.frombuffer(b64decode(packed["data"]), kind) * packed["unit"]


def test_numbers_are_rounded_to_half_a_unit_and_take_two_bytes_where_they_fit():
    """327.67 m are 32,767 cm, the largest number of 16 bits; 327.68 m need 32."""
    near, far = np.array([-327.67, 0.004, 327.67]), np.array([327.68])
    assert [pack(near, METRES)["type"], pack(far, METRES)["type"]] == ["int16", "int32"]
    for numbers in (near, far, np.zeros(0)):
        assert np.abs(unpacked(pack(numbers, METRES)) - numbers).max(initial=0) <= METRES / 2 + 1e-9


def test_bits_begin_with_the_lowest():
    """1 + 4 + 128 = 133, and a ninth flag in a byte of its own."""
    flags = np.array([1, 0, 1, 0, 0, 0, 0, 1, 1], dtype=bool)
    assert list(b64decode(pack_bits(flags))) == [133, 1]


def test_scripts_decode_what_python_packed(tmp_path, node, kept, words, scenarios):
    """All poses within half a unit in the frame of the recording vehicle, all marks exactly."""
    scenario, systems = scenarios[0], named_files(words)
    scene = packed_scene(scenario, systems, 3)
    (tmp_path / "scene.json").write_text(json.dumps(scene))
    (tmp_path / "test.js").write_text(
        (PAGE / "decode.js").read_text()
        + f"""
        const scene = decodeScene(JSON.parse(require("fs").readFileSync("{tmp_path}/scene.json")), 80);
        const all = (count, of) => Array.from({{ length: count }}, (_, at) => of(at));
        console.log(JSON.stringify(scene.systems.map((system) => all(system.rollouts, (rollout) =>
          all(scene.count, (agent) => all(81, (step) => [
            ...system.pose(rollout, agent, step),
            Number(system.collides(rollout, agent, step)), Number(system.leaves(rollout, agent, step)),
          ]))))));"""
    )
    decoded = [np.array(system) for system in json.loads(node(tmp_path / "test.js"))]
    assert [len(system) for system in decoded] == [1, 3]  # equal rollouts are kept once
    view = view_ahead(scenario, 1.0, 1.0)
    for numbers, system in zip(decoded, systems, strict=True):
        rollouts = system.rollouts(scenario)[: len(numbers)]
        incidents = system.judged(scenario, rollouts)
        paths = np.stack([Shown.of("", scenario, one, incidents).path for one in rollouts])
        assert np.abs(numbers[..., :2] - view.local(paths[..., :2])).max() <= METRES / 2 + 1e-6
        turn = numbers[..., 2] - (paths[..., 2] - view.heading)
        assert np.abs((turn + np.pi) % (2 * np.pi) - np.pi).max() <= RADIANS / 2 + 1e-6
        assert np.array_equal(numbers[:, :, 1:, 3], incidents.collision)
        assert np.array_equal(numbers[:, :, 1:, 4], incidents.off_road)
        assert not numbers[:, :, 0, 3:].any()
    assert decoded[1][..., 3:].any()


def shown_after(node, page, *keys, theme="light"):
    return json.loads(node(STAND_IN, page, theme, *keys))


def test_keys_choose_time_rollout_and_scene(node, page, scenarios):
    first = shown_after(node, page)
    assert first["scenes"] == [scenario.id for scenario in scenarios[:2]]
    assert first["systems"] == ["Log", "Drifts"]
    assert (first["time"], first["rollout"], first["scene"]) == ("0.0 s", "1 / 3", 0)
    later = shown_after(node, page, "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "+", "x")
    assert (later["time"], later["slider"], later["rollout"]) == ("0.1 s", 1, "2 / 3")
    assert shown_after(node, page, "Home", "ArrowLeft")["time"] == "0.0 s"
    assert shown_after(node, page, "n", "End")["scene"] == 1
    assert shown_after(node, page, "n", "n", "ArrowDown")["rollout"] == "3 / 3"


def test_play_takes_a_step_every_tenth_of_a_second_and_stops_at_the_end(node, page):
    playing = shown_after(node, page, " ", "wait:1000")
    assert (playing["time"], playing["play"]) == ("1.0 s", "❚❚")
    ended = shown_after(node, page, " ", "wait:9000")
    assert (ended["time"], ended["play"]) == ("8.0 s", "▶")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_counts_and_marks_as_the_metric_does(node, page, words, scenarios, theme):
    scenario = scenarios[0]
    drifts = named_files(words)[1]
    incidents = drifts.judged(scenario, drifts.rollouts(scenario)[2:])
    collided, left = (
        int(happens.any(axis=-1).sum()) for happens in (incidents.collision, incidents.off_road)
    )
    assert collided + left > 0
    shown = shown_after(node, page, "ArrowDown", "End", theme=theme)
    assert shown["counts"][1] == (
        f"rollout 3 of 3 · so far {collided} collided, {left} off road, of {len(scenario.evaluated)} scored"
    )
    boxes = shown["drawn"]["canvas1"]["strokeRect"]
    assert boxes % len(scenario.simulated) == 0  # every agent in every drawing
    assert shown["drawn"]["timeline1"]["fillRect"] > 2


class Outline(HTMLParser):
    """Open elements, ids, and what the page would load."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.loads = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self.loads += [value for key, value in attributes.items() if key in ("src", "href")]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_one_whole_file_without_network(page):
    """Elements close in order, every id that the scripts look up is there, and nothing is loaded."""
    text = page.read_text(encoding="utf-8")
    outline = Outline(text)
    assert outline.open == []
    assert outline.loads == []
    assert not re.search(r"https?://|import\s|fetch\(|url\(", text)
    looked_up = set(re.findall(r'element\("(\w+)"\)', text))
    looked_up |= {
        f"{name}{side}" for name in re.findall(r"element\(`(\w+)\$", text) for side in (0, 1)
    }
    assert looked_up <= outline.ids
    assert "<title>A &lt;/script&gt; &amp; b</title>" in text
    assert len(text) < 500_000


def test_a_browser_draws_the_page(page, tmp_path):
    names = "chromium", "chromium-browser", "google-chrome", "chrome"
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip(f"none of {', '.join(names)} is installed, so no browser shows the page")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
            "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert re.search(r'id="count1">rollout 1 of 3 · so far 0 collided', done.stdout)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"most": 0}, "--most is 0 and must be at least 1"),
        ({"rollouts": ["=a"]}, "--rollouts =a: give a name and a file"),
    ],
)
def test_what_makes_no_page_is_one_sentence(tmp_path, kept, words, changes, sentence):
    args = browse.Args(words, [kept / "shard.safetensors"], tmp_path / "browser.html")
    with pytest.raises(InputError, match=sentence):
        browse.main(replace(args, **changes))
    assert not args.out.exists()
