"""What a mistake in a configuration is told: one sentence, with the place and the nearest valid key."""

import pytest
import yaml

from simagents.config.configuration import Configuration
from simagents.errors import InputError


def test_the_files_of_the_repository_are_valid(content):
    assert Configuration.of(content).scale == "demo"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["stages"]["rft"]["algorithm"]["divergence"].update(betta=0.1),
         r"stages\.rft\.algorithm\.divergence: unknown key `betta`; did you mean `beta`\?"),
        (lambda c: c["stages"]["bc"].update(form="sft"), r"stages\.bc: unknown key `form`; did you mean `from`\?"),
        (lambda c: c["stages"]["bc"]["algorithm"].update(name="catc"),
         r"stages\.bc\.algorithm\.name: unknown value `catc`; did you mean `catk`\?"),
        (lambda c: c["stages"]["rft"]["algorithm"]["credit"].update(rule="mlo"),
         r"stages\.rft\.algorithm\.credit\.rule: unknown value `mlo`; did you mean `mloo`\?"),
        (lambda c: c["stages"]["rft"]["algorithm"].pop("credit"),
         r"stages\.rft\.algorithm\.credit: the key is missing\."),
        (lambda c: c["stages"]["rft"]["algorithm"]["reward"].update(scored="subgroup"),
         r"algorithm\.reward: `subgroup` must be given if and only if `scored` is subgroup\."),
        (lambda c: c["models"]["smart"].update(widht=8), r"models\.smart: unknown key `widht`; did you mean `width`\?"),
        (lambda c: c["models"]["smart"].update(relation_rows=1), r"models\.smart\.relation_rows: 1 row leaves nothing"),
        (lambda c: c["tokenizers"]["k_disks"].update(reach=1), r"tokenizers\.k_disks: unknown key `reach`"),
        (lambda c: c["tokenizers"]["trajtok"].pop("mirror"), r"tokenizers\.trajtok\.mirror: the key is missing\."),
        (lambda c: c["tokenizers"]["grid"]["vehicle"].update(x=[2.0, 1.0, 0.1]),
         r"tokenizers\.grid\.vehicle\.x: the numbers are from, to and step, with from ≤ to"),
        (lambda c: c["tokenizers"]["grid"]["vehicle"].update(x=[1.0, 2.0]),
         r"tokenizers\.grid\.vehicle\.x: list should have at least 3 items"),
        (lambda c: c.update(sedes=[0]), r"configuration: unknown key `sedes`; did you mean `seeds`\?"),
        (lambda c: c.update(seeds=[0, 0]), r"seeds: a seed is given twice\."),
        (lambda c: c["compute"].update(gpus=-1), r"compute\.gpus: -1 must be greater than or equal to 0\."),
        (lambda c: c["compute"].update(gpus=True), r"compute\.gpus: True must be a valid integer\."),
        (lambda c: c["tables"]["alpha"]["columns"].append("min_adee"),
         r"tables\.alpha\.columns\[8\]: unknown value `min_adee`; did you mean `min_ade`\?"),
        (lambda c: c["tables"]["alpha"]["rows"][0].update(baseline="log"),
         r"tables\.alpha\.rows\[0\]: a row has either a `stage` or a `baseline`\."),
        (lambda c: c["tables"]["baselines"]["rows"][0].update({"with": {"from": "bc"}}),
         r"tables\.baselines\.rows\[0\]: `with` changes a `stage`"),
        (lambda c: c["tables"]["alpha"].pop("evaluation"), r"tables\.alpha\.evaluation: the key is missing\."),
        (lambda c: c["stages"].update({"Own-stage": c["stages"]["bc"]}), r"stages\.Own-stage: 'Own-stage' must match"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_the_nearest_valid_key(content, change, message):
    change(content)
    with pytest.raises(InputError, match=message):
        Configuration.of(content)


def test_a_number_without_a_dot_is_text(content):
    """YAML 1.1 reads 5e-4 as a string."""
    content["budgets"]["pretrain"] |= yaml.safe_load("learning_rate: 5e-4")
    with pytest.raises(
        InputError, match=r"learning_rate: .*YAML reads 5e-4 as text; write 5\.0e-04"
    ):
        Configuration.of(content)
