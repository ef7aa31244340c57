"""Stages that are written as copies of others, and keys that are changed by dots."""

import pytest

from simagents.config.changes import changed, merged
from simagents.config.configuration import Configuration
from simagents.config.stages import without_copies
from simagents.errors import InputError


def stages(content):
    return Configuration.of(content).stages


def test_a_copy_has_the_keys_of_the_other_and_its_own_changes(content):
    assert content["stages"]["ppo"]["like"] == "rft_rollout"
    ppo, rft = (stages(content)[name] for name in ("ppo", "rft"))
    assert ppo.algorithm.reward.scored == "rollout"
    assert ppo.algorithm.credit.rule == "gae"
    assert (ppo.budget, ppo.algorithm.divergence) == (rft.budget, rft.algorithm.divergence)
    assert rft.algorithm.reward.scored == "scene"


def test_a_copy_follows_the_other(content):
    content["stages"]["rft"]["algorithm"]["divergence"]["beta"] = 0.5
    assert stages(content)["ppo"].algorithm.divergence.beta == 0.5


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"like": "stf"}, r"stages\.own\.like: unknown value `stf`; did you mean `sft`\?"),
        ({"like": "own"}, r"stages\.own: is like itself, by way of own\."),
        (
            {"like": "sft", "budget": "brief"},
            r"stages\.own: unknown key `budget`; valid keys are like, with",
        ),
        (
            {"like": "rft", "with": {"algorithm.divergence.betta": 1.0}},
            r"stages\.own\.with\.algorithm\.divergence: unknown key `betta`; did you mean `beta`\?",
        ),
        (
            {"like": "rft", "with": {"algoritm.whiten": True}},
            r"stages\.own\.with: unknown key `algoritm`; did you mean `algorithm`\?",
        ),
        (
            {"like": "rft", "with": {"budget.steps": 3}},
            r"stages\.own\.with\.budget\.steps: `budget` is no mapping; change it as a whole\.",
        ),
        (
            {"like": "rft", "with": {"algorithm.credit": {"rule": "running_mean"}}},
            r"stages\.own\.with\.algorithm\.credit\.alpha: the key is missing\.",
        ),
    ],
)
def test_a_wrong_copy_says_what_is_wrong_and_where(content, stage, message):
    content["stages"]["own"] = stage
    with pytest.raises(InputError, match=message):
        Configuration.of(content)


def test_a_mistake_is_reported_in_the_stage_that_makes_it(content):
    content["stages"]["rft"]["algorithm"]["whitten"] = True
    with pytest.raises(InputError, match=r"^stages\.rft\.algorithm: unknown key `whitten`"):
        Configuration.of(content)


def test_two_stages_cannot_be_like_each_other():
    circle = {"a": {"like": "b"}, "b": {"like": "a"}}
    with pytest.raises(InputError, match=r"stages\.a: is like itself, by way of a, b"):
        without_copies(circle)


def test_a_dotted_key_replaces_a_whole_value_and_leaves_the_original():
    content = {"a": {"b": {"c": 1, "d": 2}, "e": None}}
    after = changed(content, {"a.b": {"c": 3}, "a.e.f": 4}, "here")
    assert after == {"a": {"b": {"c": 3}, "e": {"f": 4}}}
    assert content == {"a": {"b": {"c": 1, "d": 2}, "e": None}}


def test_merging_goes_mapping_by_mapping_and_replaces_lists():
    first, second = {"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}, "e": {"f": 1}}
    assert merged(first, second) == {"a": {"b": 1, "c": [3]}, "d": 1, "e": {"f": 1}}
    assert first == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


# ---- imported stages ----------------------------------------------------------------------------------


def test_an_import_is_a_whole_stage(content):
    content["stages"]["bc"] = {"import": "imported"}
    assert stages(content)["bc"].import_ == "imported"
    assert stages(content)["sft"].from_ == "bc"


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (
            {"import": "imported", "budget": "brief"},
            r"stages\.own: unknown key `budget`; valid keys are import",
        ),
        ({"import": 7}, r"stages\.own\.import: 7 must be a valid string"),
    ],
)
def test_an_import_has_no_other_keys(content, stage, message):
    content["stages"]["own"] = stage
    with pytest.raises(InputError, match=message):
        stages(content)


def test_a_copy_of_an_import_is_refused(content):
    content["stages"] |= {"bc": {"import": "imported"}, "own": {"like": "bc"}}
    with pytest.raises(InputError, match=r"stages\.own\.like: `bc` is imported and has no keys"):
        stages(content)
