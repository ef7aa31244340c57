"""Recipes become policies; weights that do not fit are named."""

import pytest
import torch
from safetensors.torch import save_file

from simagents.config.keys import read_as
from simagents.config.recipe import Recipe
from simagents.errors import InputError
from simagents.models.families import build_policy, freeze, load_weights


def test_the_seed_decides_the_weights(recipe_of, vocabulary):
    one, same, other = (build_policy(recipe_of(seed=seed), vocabulary) for seed in (1, 1, 2))
    assert torch.equal(one.head[0].weight, same.head[0].weight)
    assert not torch.equal(one.head[0].weight, other.head[0].weight)


def test_building_does_not_touch_the_callers_random_numbers(recipe_of, vocabulary):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    build_policy(recipe_of(), vocabulary)
    assert torch.equal(torch.rand(1), expected)


def test_keys_of_the_model_are_checked(recipe_of, tiny):
    model = {**tiny, "widht": 3}
    with pytest.raises(InputError, match=r"model: unknown key `widht`; did you mean `width`"):
        read_as(Recipe, {**recipe_of().model_dump(mode="json"), "model": model}, "recipe.json")
    model = {key: value for key, value in tiny.items() if key != "heads"}
    with pytest.raises(InputError, match=r"recipe\.json\.model\.heads: the key is missing"):
        read_as(Recipe, {**recipe_of().model_dump(mode="json"), "model": model}, "recipe.json")


def test_a_model_that_reads_tokens_needs_their_vocabulary(recipe_of):
    with pytest.raises(InputError, match="its model reads tokens; give their vocabulary"):
        build_policy(recipe_of(), None)


def test_weights_come_back(recipe_of, vocabulary, policy, tmp_path):
    save_file(policy.state_dict(), tmp_path / "w")
    again = build_policy(recipe_of(), vocabulary, tmp_path / "w").state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in policy.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("head.3.bias"), r"tensor `head\.3\.bias` is missing"),
        (lambda w: w.update(extra=torch.zeros(1)), r"tensor `extra` is not of this model"),
        (
            lambda w: w.update({"head.3.bias": torch.zeros(7)}),
            r"tensor `head\.3\.bias` has shape \[7\], the recipe's model needs \[48\]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(policy, tmp_path, change, message):
    weights = dict(policy.state_dict())
    before = weights["head.0.weight"].clone()
    change(weights)
    save_file(weights, tmp_path / "w")
    with pytest.raises(InputError, match=message):
        load_weights(policy, tmp_path / "w")
    assert torch.equal(policy.state_dict()["head.0.weight"], before)


def test_absent_and_foreign_files_are_named(policy, tmp_path):
    with pytest.raises(InputError, match="absent: no readable weights"):
        load_weights(policy, tmp_path / "absent")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="text: no readable weights"):
        load_weights(policy, tmp_path / "text")


def test_closed_loop_training_leaves_map_and_embeddings_alone(recipe_of, policy):
    freeze(policy, recipe_of(trains="everything"))
    assert all(p.requires_grad for p in policy.parameters())
    freeze(policy, recipe_of(trains="agents"))
    trained = {name.split(".")[0] for name, p in policy.named_parameters() if p.requires_grad}
    assert trained == {"time_layers", "map_agent_layers", "agent_layers", "head"}
