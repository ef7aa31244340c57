"""Vocabularies at rest, and the rule that builds them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from simagents.errors import InputError
from simagents.scenarios.agent_class import class_of
from simagents.scenarios.store import write_scenarios
from simagents.tokens import build
from simagents.tokens.vocabulary import Vocabulary


def arguments(**changes):
    rule = {"rule": "k_disks", "size": 6, "tolerance": 0.2}
    rule |= {key: changes.pop(key) for key in ("size", "tolerance") if key in changes}
    numbers = dict(map_size=4, map_tolerance=0.2, snippets=500, seed=0)
    return build.Args([], Path(), Path(), json.dumps(rule), **{**numbers, **changes})


def test_unknown_types_move_as_vehicles():
    """WOMD: unset 0, vehicle 1, pedestrian 2, cyclist 3, other 4."""
    assert class_of(torch.arange(5)).tolist() == [0, 0, 1, 2, 0]


def test_round_trip(tmp_path, vocabulary):
    vocabulary.write(tmp_path / "v")
    again = Vocabulary.read(tmp_path / "v")
    for name in ("motion", "count", "map"):
        assert torch.equal(getattr(again, name), getattr(vocabulary, name))


def test_what_is_no_vocabulary_says_so(tmp_path):
    with pytest.raises(InputError, match="absent: there is no such vocabulary"):
        Vocabulary.read(tmp_path / "absent")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="text: not a vocabulary of this project"):
        Vocabulary.read(tmp_path / "text")


def test_every_class_can_stand_still(vocabulary):
    assert (vocabulary.motion[:, 0] == 0).all()
    assert (vocabulary.count >= 1).all()


def test_padding_is_marked(hand_made):
    assert hand_made.absent.tolist() == [
        [False] * 4,
        [False] * 2 + [True] * 2,
        [False] * 3 + [True],
    ]


def test_end_boxes_by_hand(hand_made):
    """A car of 4.8 x 2 m, 5 m ahead: its left front corner is at (7.4, 1)."""
    assert hand_made.end_box[0, 2].tolist() == [
        pytest.approx(corner) for corner in ([7.4, 1], [2.6, 1], [2.6, -1], [7.4, -1])
    ]


def test_a_token_is_the_mean_of_its_disk():
    """Snippets that end 5.0 and 5.1 m ahead share one disk of 0.2 m; 9 m is another."""
    share = np.linspace(0, 1, 6)
    snippets = np.zeros((3, 6, 3))
    snippets[:, :, 0] = np.array([5.0, 5.1, 9.0])[:, None] * share
    pieces = np.zeros((2, 11, 2))
    vocabulary = build.build([snippets, snippets[:0], snippets[:1]], pieces, arguments())
    assert vocabulary.count.tolist() == [3, 1, 2]
    assert sorted(vocabulary.motion[0, :3, -1, 0].tolist()) == pytest.approx([0, 5.05, 9])
    assert vocabulary.motion.shape == (3, 6, 6, 3)
    assert vocabulary.map.shape == (4, 11, 2)


@pytest.mark.parametrize("rule", ["k_means", "grid", "trajtok"])
def test_the_map_is_the_same_whatever_the_tokenizer_of_motions(rule, rules, scenarios):
    motions, pieces, _ = build.collect(scenarios, 500)
    args = arguments()
    disks = build.build(motions, pieces, args)
    args.tokenizer = rules[rule]
    other = build.build(motions, pieces, args)
    assert torch.equal(disks.map, other.map)
    assert not disks.motion.equal(other.motion)


def test_collected_motions_begin_at_the_origin_and_are_no_faults(scenarios):
    motions, pieces, used = build.collect(scenarios, 10_000)
    assert used == len(scenarios)
    for snippets in motions:
        assert np.abs(snippets[:, 0]).max(initial=0) < 1e-9
        assert np.linalg.norm(snippets[:, -1, :2], axis=-1).max(initial=0) < build.FASTEST * 0.5
    assert np.abs(pieces[:, 0]).max() < 1e-6
    assert len(motions[0]) > 100


def test_thirty_steps_are_counted_from_the_first_to_the_last(street):
    """Of the steps 8 to 38 every third is seen: 31 with the gaps; to 35 they are 28. At constant speed
    all tokens are one motion, and none comes from an extended history.
    """
    scenario = street()
    for last, snippets_of_vehicles in ((38, 1), (35, 0)):
        scenario.valid[:] = False
        scenario.valid[:, 8 : last + 1 : 3] = True
        scenario.valid[:, 10] = True
        scenario.velocity[..., 0] = 30  # an extended history would be another motion
        motions, _, _ = build.collect([scenario], 10)
        assert [len(one) for one in motions] == [snippets_of_vehicles, 0, 0]


def test_no_map_is_no_vocabulary():
    snippets = [np.zeros((1, 6, 3))] * 3
    with pytest.raises(InputError, match="have no map, so there are no map tokens"):
        build.build(snippets, np.zeros((0, 11, 2)), arguments())


def test_more_tokens_than_shards_can_number_are_refused():
    """Numbers of tokens are stored in two bytes, and 32,768 would come back negative."""
    pieces = torch.zeros(1, 11, 2)
    Vocabulary(torch.zeros(3, 2**15, 6, 3), torch.ones(3, dtype=torch.int64), pieces)
    with pytest.raises(InputError, match=r"of 32769 motions a class and 1 pieces .* at most 32768"):
        Vocabulary(torch.zeros(3, 2**15 + 1, 6, 3), torch.ones(3, dtype=torch.int64), pieces)


def test_collecting_stops_when_there_is_enough(scenarios):
    everyone = [s for s in scenarios for _ in range(2)]
    assert build.collect(everyone, 1)[2] < len(everyone)


def test_the_command_reports_bounded_errors(tmp_path, scenarios):
    """With room for all motions, the error is of the order of the tolerance and shrinks with it."""
    write_scenarios(tmp_path / "cached", scenarios)
    args = arguments(size=2000, tolerance=0.1, map_size=300, snippets=10_000)
    args.scenarios, args.out, args.report = [tmp_path / "cached"], tmp_path / "v", tmp_path / "r"
    build.main(args)
    report = json.loads(args.report.read_text())
    assert report["scenarios"] == len(scenarios)
    assert report["vehicle"]["mean_error_m"] < 0.2
    assert report["map"]["mean_error_m"] < 0.2
    build.main(args)
    assert json.loads(args.report.read_text()) == report
    args.tokenizer = arguments(size=2000, tolerance=0.5).tokenizer
    build.main(args)
    assert json.loads(args.report.read_text())["vehicle"]["mean_error_m"] > 0.3


@pytest.mark.parametrize("limit", [1, 7, 60, 1000])
def test_what_is_collected_in_parts_is_what_all_at_once_would_be(limit):
    """400 snippets, many of them equal: the first distinct ones in their order, whatever the parts."""
    random = np.random.default_rng(0)
    snippets = random.integers(0, 3, (400, 1, 3)).repeat(6, axis=1) / 2 + random.integers(
        0, 9, (400, 1, 1)
    )
    distinct = list(dict.fromkeys(map(bytes, snippets)))[:limit]
    collected = build._Distinct(limit)
    for part in np.split(snippets, [3, 3, 50, 51, 200, 333]):
        collected.add(part)
    assert collected.seen == 400
    assert list(map(bytes, collected.first())) == distinct


def test_equal_snippets_that_fill_the_room_do_not_keep_others_out():
    collected = build._Distinct(4)
    collected.add(np.zeros((4, 6, 3)))
    collected.add(np.arange(4.0)[:, None, None] + np.ones((4, 6, 3)))
    assert len(collected.first()) == 4
