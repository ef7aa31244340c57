"""Means, errors and intervals against numbers by hand and what must always hold."""

import numpy as np
import pandas as pd

from simagents.submission.summary import summarise, typeset


def test_by_hand():
    """1, 2, 3, 6: mean 3; squares about it 4 + 1 + 0 + 9 = 14, over 3, over 4: error 1.0801. Student's
    t(.975) at 3 degrees of freedom is 3.1824, so the half is 3.4375."""
    found = summarise(pd.DataFrame({"x": [1.0, 2.0, 3.0, 6.0], "same": [5.0] * 4}))
    assert found.loc["x", "mean"] == 3
    np.testing.assert_allclose(found.loc["x", "standard_error"], 1.0801234)
    np.testing.assert_allclose(found.loc["x", ["low", "high"]].tolist(), [-0.4375, 6.4375], 1e-3)
    assert found.loc["same"].tolist() == [5, 0, 5, 5]


def test_intervals_are_those_of_a_normal_mean_where_it_is_one():
    draw = np.random.default_rng(0)
    found = summarise(pd.DataFrame({"x": draw.normal(size=4000)})).loc["x"]
    half = 1.96 * found.standard_error
    np.testing.assert_allclose(
        [found.low, found.high], [found["mean"] - half, found["mean"] + half], atol=half / 10
    )


def test_one_scenario_has_no_error_and_nan_stays():
    found = summarise(pd.DataFrame({"x": [0.25], "nan": [np.nan]}))
    assert found.loc["x", "mean"] == 0.25
    assert found.loc["x", ["standard_error", "low", "high"]].isna().all()
    assert np.isnan(found.loc["nan"]).all()
    assert typeset(found).splitlines()[2].split() == ["nan", "-", "-", "-", "-"]
