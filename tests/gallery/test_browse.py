"""The page: data come back as they were packed, and its scripts show what the metric says."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import chromium
from simagents.errors import InputError
from simagents.gallery import browse
from simagents.gallery.named_files import named_files
from simagents.gallery.packing import METRES, RADIANS, pack, pack_bits, packed_scene
from simagents.report.agent_drawing import Shown
from simagents.report.view import view_ahead

PAGE = Path(browse.__file__).parent / "page"
COUNT = """
const drawn = {};
for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(CanvasRenderingContext2D.prototype)))
  if (typeof value === "function") CanvasRenderingContext2D.prototype[name] = function (...values) {
    if (values.flat().some((one) => Number.isNaN(one))) throw new Error(`${name}(${values})`);
    const calls = (drawn[this.canvas.id] ??= {});
    calls[name] = (calls[name] ?? 0) + 1;
    return value.apply(this, values);
  };
"""
"""Counts the drawing calls of each canvas by name, and refuses what is not a number."""
FRAMES = "window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 50);\n"
"""In virtual time a browser without a screen draws no frames."""
PRESS = """
const at = (id) => document.getElementById(id);
const text = (id) => at(id).textContent;
const labels = (id) => [...at(id).options].map((option) => option.textContent);
const shown = [];
for (const keys of %s) {
  for (const key of keys) {
    if (key > 0) await new Promise((done) => setTimeout(done, key));
    else document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }
  shown.push({
    scene: Number(at("scene").value), scenes: labels("scene"), systems: labels("system0"),
    time: text("time"), slider: Number(at("slider").value), rollout: text("rollout"), play: text("play"),
    counts: [text("count0"), text("count1")], drawn,
    ground: getComputedStyle(document.body).backgroundColor,
  });
}
return shown;
"""
"""Presses keys, waits where there is a number of milliseconds, and says what the page shows after each list."""


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


def test_scripts_decode_what_python_packed(tmp_path, kept, words, scenarios):
    """All poses within half a unit in the frame of the recording vehicle, all marks exactly."""
    scenario, systems = scenarios[0], named_files(words)
    scene = json.dumps(packed_scene(scenario, systems, 3))
    script = f"""
        const scene = decodeScene({scene}, 80);
        const all = (count, of) => Array.from({{ length: count }}, (_, at) => of(at));
        return scene.systems.map((system) => all(system.rollouts, (rollout) =>
          all(scene.count, (agent) => all(81, (step) => [
            ...system.pose(rollout, agent, step),
            Number(system.collides(rollout, agent, step)), Number(system.leaves(rollout, agent, step)),
          ]))));"""
    page = f"<head></head><body><script>{(PAGE / 'decode.js').read_text()}</script>"
    decoded = [np.array(system) for system in chromium.answer(page, script, tmp_path)]
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


@pytest.fixture
def shown_after(page, tmp_path):
    """What the page shows after each list of keys; numbers wait so many milliseconds."""

    def press(*lists, dark=False):
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        script = PRESS % json.dumps(lists)
        return chromium.answer(page.read_text(), script, tmp_path, FRAMES + COUNT, scheme)

    return press


def test_keys_choose_time_rollout_and_scene(shown_after, scenarios):
    first, later, start, second, last = shown_after(
        [], ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp", "+", "x"], ["Home", "ArrowLeft"],
        ["End", "n"], ["n", "n", "ArrowDown", "ArrowDown"],
    )  # fmt: skip
    assert first["scenes"] == [scenario.id for scenario in scenarios[:2]]
    assert first["systems"] == ["Log", "Drifts"]
    assert (first["time"], first["rollout"], first["scene"]) == ("0.0 s", "1 / 3", 0)
    assert (later["time"], later["slider"], later["rollout"]) == ("0.1 s", 1, "2 / 3")
    assert start["time"] == "0.0 s"
    assert (second["scene"], second["time"]) == (1, "0.0 s")
    assert (last["scene"], last["rollout"]) == (1, "3 / 3")


def test_play_takes_a_step_every_tenth_of_a_second_and_stops_at_the_end(shown_after):
    """Frames come every 50 ms or a little later, so after 1.5 s 13 to 15 steps are over."""
    playing, ended = shown_after([" ", 1500], [9000])
    assert playing["slider"] in (13, 14, 15)
    assert playing["play"] == "❚❚"
    assert (ended["time"], ended["play"]) == ("8.0 s", "▶")


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_counts_and_marks_as_the_metric_does(shown_after, words, scenarios, dark):
    scenario = scenarios[0]
    drifts = named_files(words)[1]
    incidents = drifts.judged(scenario, drifts.rollouts(scenario)[2:])
    collided, left = (
        int(happens.any(axis=-1).sum()) for happens in (incidents.collision, incidents.off_road)
    )
    assert collided + left > 0
    (shown,) = shown_after(["ArrowDown", "End"], dark=dark)
    assert shown["counts"][1] == (
        f"rollout 3 of 3 · so far {collided} collided, {left} off road, of {len(scenario.evaluated)} scored"
    )
    boxes = shown["drawn"]["canvas1"]["strokeRect"]
    assert boxes % len(scenario.simulated) == 0  # every agent in every drawing
    assert shown["drawn"]["timeline1"]["fillRect"] > 2
    brightest = max(map(int, re.findall(r"\d+", shown["ground"])))
    assert brightest < 64 if dark else brightest == 255


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
