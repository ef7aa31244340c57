"""Estimates from dot products against a world whose gradients are known by enumeration."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from scipy.special import digamma

from simagents.algorithms.credit.constant import above
from simagents.algorithms.credit.leave_one_out import added_by
from simagents.algorithms.credit.mloo import centred
from simagents.algorithms.credit.rloo import leave_one_out
from simagents.algorithms.credit.scene_mean import relative
from simagents.errors import InputError
from simagents.report import draw_figure, gradient_table
from simagents.report.credit_variance import FITTED_FROM, credit_variance
from simagents.report.gradient_noise import Measured, advantages, noise_of, rollouts_needed

KINDS, TOKENS, ROLLOUTS = 4, 3, 4
"""A scene is of one of four kinds, a rollout is one of three tokens, drawn with the kind's chances."""
RANDOM = np.random.default_rng(0)
CHANCE = RANDOM.dirichlet(np.full(TOKENS, 4.0), KINDS)
QUALITY = 0.2 * RANDOM.normal(size=(KINDS, 1)) + RANDOM.normal(size=(KINDS, TOKENS))
SCORE = np.eye(TOKENS) - CHANCE[:, None]
"""∇ log chance of a token over logits that all kinds share."""


def metric(quality):
    """Of a set, over the last axis; not a sum over members."""
    return 1 / (1 + np.exp(-quality.mean(axis=-1)))


def world(scenes, seed):
    """What `simagents gradients` would have measured in so many scenes."""
    random = np.random.default_rng(seed)
    kind = random.integers(KINDS, size=scenes)
    token = np.array([random.choice(TOKENS, ROLLOUTS, p=CHANCE[each]) for each in kind])
    quality, score = QUALITY[kind[:, None], token], SCORE[kind[:, None], token]
    rewards, without = {}, {}
    for size in (1, 2, 4):
        groups = quality.reshape(scenes, -1, size)
        rewards[size] = metric(groups)
        if size > 1:
            rest = [metric(np.delete(groups, place, axis=-1)) for place in range(size)]
            without[size] = np.stack(rest, axis=-1)
    return Measured(np.einsum("srp,tqp->srtq", score, score), rewards, without, 4)


def truth(size):
    """By rule: |E g|² and E|g|² over all kinds and groups; α is the mean reward."""
    groups = np.array(list(product(range(TOKENS), repeat=size)))
    chance = CHANCE[:, groups].prod(axis=-1) / KINDS
    quality, score = QUALITY[:, groups], SCORE[:, groups]
    reward = metric(quality)
    alpha = (chance * reward).sum()
    rest = np.stack([metric(np.delete(quality, p, axis=-1)) for p in range(size)], axis=-1)
    single = metric(quality[..., None])
    by_rule = {
        "constant": (reward - alpha)[..., None] * np.ones(size),
        "leave_one_out": reward[..., None] - rest,
        "mloo": rest.mean(axis=-1, keepdims=True) - rest,
        "rloo": (single - single.mean(axis=-1, keepdims=True)) * size / (size - 1),
    }
    result = {}
    for rule, advantage in by_rule.items():
        gradient = (advantage[..., None] * score).mean(axis=-2)
        mean = np.einsum("kg,kgp->p", chance, gradient)
        square = (chance * (gradient**2).sum(axis=-1)).sum()
        result[rule] = (mean @ mean, square)
    return result


def covers(interval, number):
    return interval.low <= number <= interval.high


@pytest.mark.parametrize("size", [2, 4])
def test_intervals_cover_what_enumeration_says(size):
    exact, count = truth(size), 100
    assert exact["constant"][0] == pytest.approx(exact["leave_one_out"][0])
    # MLOO follows the metric of one rollout fewer: close to it, and not the same.
    assert exact["constant"][0] != pytest.approx(exact["mloo"][0], rel=0.002)
    found = [noise_of(world(60, seed), size) for seed in range(count)]
    for rule, (signal, square) in exact.items():
        noise = square - signal
        estimates = np.array([each[rule].signal.value for each in found])
        # Unbiased: the mean of all estimates is within three of its standard errors.
        assert abs(estimates.mean() - signal) < 3 * estimates.std() / count**0.5, rule
        for name, number in (("signal", signal), ("noise", noise), ("scenes", noise / signal)):
            share = np.mean([covers(getattr(each[rule], name), number) for each in found])
            assert share > 0.86, (rule, name, share)
    ratio = (exact["constant"][1] - exact["constant"][0]) / (
        exact["leave_one_out"][1] - exact["leave_one_out"][0]
    )
    assert ratio > 1
    assert np.mean([covers(each["constant"].relative, ratio) for each in found]) > 0.86


def test_proportional_advantages_need_equally_many_scenes():
    rules = noise_of(world(60, 0), 4)
    assert rules["scene_mean"].scenes.value == pytest.approx(rules["rloo"].scenes.value)
    assert rules["scene_mean"].noise.value == pytest.approx(9 / 16 * rules["rloo"].noise.value)


def test_a_signal_of_zero_has_no_upper_limit_of_scenes():
    """Score functions that have nothing to do with the rewards."""
    measured = world(40, 0)
    random = np.random.default_rng(1)
    score = random.normal(size=(40, ROLLOUTS, 500))
    gram = np.einsum("srp,tqp->srtq", score, score)
    needed = noise_of(Measured(gram, measured.rewards, measured.without, 4), 4)["constant"].scenes
    assert needed.high == np.inf
    assert 0 < needed.low < needed.value


def test_advantages_are_those_of_training():
    measured = world(5, 0)
    own = advantages(measured, 4)
    reward, without = (
        torch.from_numpy(a) for a in (measured.rewards[4], measured.without[4][:, 0])
    )
    single = torch.from_numpy(measured.rewards[1])
    deviation = reward.std()
    for rule, offset in (
        ("constant", 0),
        ("constant_low", -deviation),
        ("constant_high", deviation),
    ):
        expected = above(reward.expand(-1, 4), alpha=float(reward.mean() + offset))
        np.testing.assert_allclose(own[rule][:, 0], expected, atol=1e-12)
    expected = {
        "leave_one_out": added_by(reward.expand(-1, 4), without),
        "mloo": centred(without),
        "rloo": leave_one_out(single),
        "scene_mean": relative(single, divide_by_deviation=False),
    }
    for rule, advantage in expected.items():
        np.testing.assert_allclose(own[rule][:, 0], advantage, atol=1e-12)


def test_variance_of_advantages_falls_by_the_fitted_power():
    """Normal single rewards have RLOO advantages of variance σ² N / (N - 1)."""
    scenes, rollouts = 400, 32
    single = np.random.default_rng(0).normal(size=(scenes, rollouts))
    sizes = (2, 4, 8, 16, 32)
    rewards = {1: single} | {n: single.reshape(scenes, -1, n).mean(axis=-1) for n in sizes}
    without = {}
    for n in sizes:
        total = rewards[n][..., None] * n
        without[n] = (total - single.reshape(scenes, -1, n)) / (n - 1)
    measured = Measured(np.zeros((scenes, rollouts, scenes, rollouts)), rewards, without, 4)
    by_size, slope = credit_variance(measured, "rloo")
    # A scene's mean square is χ² of as many degrees of freedom as its groups leave it.
    freedom = {n: rollouts - rollouts // n for n in sizes}
    logarithm = {
        n: np.log(n / (n - 1)) + digamma(f / 2) - np.log(f / 2) for n, f in freedom.items()
    }
    assert all(covers(by_size[n].mean, np.exp(logarithm[n])) for n in sizes)
    assert by_size[4].low < by_size[4].mean.low < by_size[4].mean.high < by_size[4].high
    fitted = [n for n in sizes if n >= FITTED_FROM]
    assert len(fitted) == len(sizes) - 1
    place = np.log(fitted) - np.mean(np.log(fitted))
    assert covers(slope, place @ [logarithm[n] for n in fitted] / (place @ place))
    # The metric is a mean here, so leaving one out moves it by its distance from the mean / (N - 1).
    mloo, fall = credit_variance(measured, "mloo")
    for n in sizes:
        assert mloo[n].mean.value == pytest.approx(by_size[n].mean.value / n**2)
    assert fall.value == pytest.approx(slope.value - 2)


def test_scenes_without_any_difference_have_no_logarithm():
    measured = world(20, 0)
    same = {n: np.where(np.arange(20)[:, None] < 4, 0.5, r) for n, r in measured.rewards.items()}
    without = {
        n: np.where(np.arange(20)[:, None, None] < 4, 0.5, w) for n, w in measured.without.items()
    }
    by_size, _ = credit_variance(Measured(measured.gram, same, without, 4), "mloo")
    rest = Measured(
        measured.gram[4:, :, 4:],
        {n: r[4:] for n, r in measured.rewards.items()},
        {n: w[4:] for n, w in measured.without.items()},
        4,
    )
    assert by_size[4].mean == credit_variance(rest, "mloo")[0][4].mean
    nothing = {n: np.full_like(w, 0.5) for n, w in without.items()}
    by_size, slope = credit_variance(Measured(measured.gram, same, nothing, 4), "mloo")
    assert np.isnan(by_size[4].mean.value)
    assert np.isnan(slope.value)


def test_rollouts_of_a_step_are_its_scenes_times_n():
    measured = world(60, 0)
    scenes = noise_of(measured, 4)["mloo"].scenes
    needed = rollouts_needed(measured, 4)["mloo"]
    assert (needed.value, needed.low) == (4 * scenes.value, 4 * scenes.low)


def stored(path, scenes):
    """A file as `simagents gradients` writes it."""
    measured = world(scenes, 0)
    rows = scenes * ROLLOUTS
    arrays = {"products": measured.gram.reshape(rows, rows)[np.triu_indices(rows)]}
    arrays |= {f"rewards.{n}": array for n, array in measured.rewards.items()}
    arrays |= {f"without.{n}": array for n, array in measured.without.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}
    save_file(content, path, {"rollouts": str(ROLLOUTS), "group": "4"})
    return path


def test_files_are_read_as_they_were_written(tmp_path):
    measured = Measured.read(stored(tmp_path / "sft-1/a.safetensors", 6))
    assert (measured.sizes, measured.group) == ([2, 4], 4)
    exact = world(6, 0)
    np.testing.assert_allclose(measured.gram, exact.gram, atol=1e-6)
    np.testing.assert_allclose(measured.without[2], exact.without[2], atol=1e-6)
    with pytest.raises(InputError, match="2 scenes, and the noise of a gradient needs at least 3"):
        Measured.read(stored(tmp_path / "few", 2))
    (tmp_path / "other").write_text("text")
    with pytest.raises(InputError, match="not from `simagents gradients`"):
        Measured.read(tmp_path / "other")


@pytest.fixture
def measurement(tmp_path):
    return stored(tmp_path / "sft-1/a.safetensors", 60)


def test_the_table_has_every_rule_at_every_size(measurement, tmp_path):
    out = tmp_path / "table.md"
    gradient_table.main(gradient_table.Args([measurement], out, out.with_suffix(".html")))
    text = out.read_text()
    assert "## sft-1" in text
    assert text.count("| leave-one-out |") == 3  # N = 2, N = 4, exponents
    noise = noise_of(Measured.read(measurement), 4)["mloo"].noise
    assert f"{noise.value:.3g} ({noise.low:.2g} to {noise.high:.2g})" in text


@pytest.mark.parametrize("kind", ["gradient_noise", "reward_variance"])
def test_the_figure_is_drawn(measurement, kind, tmp_path):
    """With signals that are resolved, and with some that are not."""
    style = Path(__file__).parents[2] / draw_figure.Args.style
    settings = json.dumps({"caption": "", "rows": [{"label": "SFT", "stage": "sft"}]})
    unresolved = stored(tmp_path / "sft-2/a.safetensors", 5)
    pictures = []
    for number, path in enumerate((measurement, unresolved)):
        out = tmp_path / f"{number}.pdf"
        draw_figure.main(draw_figure.Args(kind, settings, out, gradients=[path], style=style))
        pictures.append(out.read_bytes())
    assert pictures[0].startswith(b"%PDF")
    assert pictures[0] != pictures[1]
