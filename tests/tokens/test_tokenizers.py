"""Requirements of every rule for vocabularies, and errors of wrong ones."""

import json

import numpy as np
import pytest

from simagents.config.tokenizers import TOKENIZERS
from simagents.errors import InputError
from simagents.tokens import build
from simagents.tokens.tokenizers import tokenizer_of


def draws():
    return np.random.Generator(np.random.Philox(0))


@pytest.fixture(scope="module")
def motions(scenarios):
    return build.collect(scenarios, 500)[0]


@pytest.mark.parametrize("rule", TOKENIZERS.kinds)
@pytest.mark.parametrize("agent_class", range(3))
def test_tokens_start_at_the_origin_and_the_first_stands_still(rules, rule, motions, agent_class):
    tokens = tokenizer_of(rules[rule]).tokens(motions[agent_class], agent_class, draws())
    assert np.isfinite(tokens).all()
    assert np.abs(tokens[:, 0]).max() < 1e-9
    assert (tokens[0] == 0).all()
    assert len(np.unique(tokens[:, -1].round(6), axis=0)) == len(tokens)


@pytest.mark.parametrize("rule", TOKENIZERS.kinds)
def test_a_class_that_was_never_seen_can_stand_still(rules, rule, motions):
    tokens = tokenizer_of(rules[rule]).tokens(motions[0][:0], 2, draws())
    assert (tokens[0] == 0).all()


@pytest.mark.parametrize("rule", TOKENIZERS.kinds)
def test_the_same_draws_give_the_same_tokens(rules, rule, motions):
    first, second = (tokenizer_of(rules[rule]).tokens(motions[0], 0, draws()) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "expected a JSON object"),
        (
            '{"rule": "k_disk"}',
            r"--tokenizer\.rule: unknown value `k_disk`; did you mean `k_disks`",
        ),
        (
            json.dumps({"rule": "k_disks", "size": 3, "tolerances": 1.0}),
            "--tokenizer: unknown key `tolerances`; did you mean `tolerance`",
        ),
        (
            json.dumps({"rule": "k_means", "size": 3, "iterations": 1, "seed": 1}),
            "--tokenizer: unknown key `seed`; valid keys are iterations, rule, size",
        ),
        (
            json.dumps({"rule": "k_disks", "size": 0, "tolerance": 1.0}),
            r"--tokenizer\.size: 0 must be greater than or equal to 2",
        ),
        (
            json.dumps({"rule": "grid", "vehicle": {"x": [1, 0, 0.1]}}),
            r"--tokenizer\.vehicle\.x: the numbers are from, to and step, with from ≤ to",
        ),
        (
            json.dumps({"rule": "trajtok", "vehicle": {"x": [0, 1, 0]}}),
            r"--tokenizer\.mirror: the key is missing",
        ),
    ],
)
def test_what_is_no_rule_says_so(text, message):
    with pytest.raises(InputError, match=message):
        tokenizer_of(text)
