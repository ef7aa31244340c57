"""Spreads from simulated scores, and from files."""

import numpy as np
import pytest

from simagents.errors import InputError
from simagents.power.spreads import measured, read_spreads


def test_the_three_parts_are_found_again():
    generator, seeds, scenes = np.random.default_rng(0), 40, 400
    pairs = [
        0.03 * generator.standard_normal((seeds, 1))
        + 0.1 * generator.standard_normal((1, scenes))
        + 0.05 * generator.standard_normal((seeds, scenes))
        + shift
        for shift in (0.0, 1.0)
    ]
    found = measured(pairs)
    assert found.seed == pytest.approx(0.03, rel=0.2)
    assert found.scene == pytest.approx(0.1, rel=0.1)
    assert found.residual == pytest.approx(0.05, rel=0.02)


def test_by_hand():
    """Seeds 1 apart and scenes 2, nothing else: variances 1/2 and 2."""
    found = measured([np.array([[0.0, 2.0], [1.0, 3.0]])])
    assert (found.seed, found.scene, found.residual) == pytest.approx((0.5**0.5, 2**0.5, 0.0))


def test_one_seed_has_no_spread():
    with pytest.raises(InputError, match="1 seeds and 3 scenes say nothing"):
        measured([np.zeros((1, 3))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("other: {source: s, columns: {}}", "unknown value `demo`"),
        ("demo: {source: s, columns: {}}", "columns"),
        ("demo: {source: s, column: {}}", "unknown key `column`"),
        ("demo: {source: s, columns: {metametric: {seed: 1.0}}}", "scene: the key is missing"),
        (
            "demo: {source: s, columns: {metametric: {seed: 1.0, scene: -1.0, residual: 0.0}}}",
            "scene",
        ),
    ],
)
def test_a_wrong_file_is_an_input_error(tmp_path, text, message):
    path = tmp_path / "spread.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_spreads(path, "demo")
