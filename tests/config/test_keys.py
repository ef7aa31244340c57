"""Settings told apart by a tag: built-in kinds, kinds of one's own, and the sentence for a wrong one."""

import json
import sys
from typing import Annotated

import pytest

from simagents.config.credit import CREDITS, Credit, Gae, RunningMean
from simagents.config.keys import Settings, module_of, read_as
from simagents.errors import InputError

OWN = '''
"""Half of the reward."""

from typing import Literal

from simagents.config import credit


class Settings(credit.CreditSettings):
    """Half of the reward."""

    rule: Literal["half"]
    share: float
'''


class Holder(Settings):
    """Some settings of one of several kinds."""

    credit: Credit
    """a rule"""
    limits: list[float]
    """some numbers"""


def gae(**changes):
    value = {"start": 0.0, "weight": 0.5, "warmup": 0.1, "learning_rate": 1e-3}
    return {"rule": "gae", "discount": 1.0, "gae_lambda": 0.9, "value": value, **changes}


def test_the_tag_chooses_the_class_and_comes_back():
    holder = read_as(Holder, {"credit": gae(), "limits": [1]}, "")
    assert isinstance(holder.credit, Gae)
    assert json.loads(holder.model_dump_json()) == {"credit": gae(), "limits": [1.0]}
    assert read_as(Credit, holder.credit, "") is holder.credit


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rule": "ga"}, r"^x\.credit\.rule: unknown value `ga`; did you mean `gae`\?$"),
        ({"rule": ["gae"]}, r"^x\.credit\.rule: unknown value `\['gae'\]`"),
        ({"discount": 1.0}, r"^x\.credit: needs the key `rule`, one of constant, running_mean"),
        (
            gae(value={"weigth": 1.0}),
            r"^x\.credit\.value: unknown key `weigth`; did you mean `weight`\?$",
        ),
        (gae(value={"int": 1.0}), r"^x\.credit\.value: unknown key `int`; (did|valid)"),
        (gae(**{"a[b]": 1.0}), r"^x\.credit: unknown key `a\[b\]`; (did|valid)"),
        (gae(discount=2.0), r"^x\.credit\.discount: 2\.0 must be less than or equal to 1\.$"),
        (
            gae(discount="1e0"),
            r"^x\.credit\.discount: '1e0' .*YAML reads 1e0 as text; write 1\.0e\+00",
        ),
    ],
)
def test_a_wrong_part_has_the_place_of_the_whole(content, message):
    with pytest.raises(InputError, match=message):
        read_as(Holder, {"credit": content, "limits": []}, "x")


def test_an_item_of_a_list_is_named_by_its_number():
    with pytest.raises(InputError, match=r"^limits\[1\]: 'two' must be a valid number\.$"):
        read_as(Holder, {"credit": gae(), "limits": [1.0, "two"]}, "")


def test_a_kind_of_one_s_own_is_one_file(tmp_path, monkeypatch):
    """Found by its name in a package for such files, and read, written and looked up as built-in ones."""
    import simagents.extensions

    (tmp_path / "half.py").write_text(OWN)
    monkeypatch.setattr(simagents.extensions, "__path__", [str(tmp_path)])
    settings = read_as(Credit, {"rule": "half", "share": 0.5}, "credit")
    assert module_of(settings, CREDITS.home, "rule").__doc__ == "Half of the reward."
    assert settings.model_dump() == {"rule": "half", "share": 0.5}
    with pytest.raises(InputError, match="credit: unknown key `shares`; did you mean `share`"):
        read_as(Credit, {"rule": "half", "shares": 0.5}, "credit")
    sys.modules.pop("simagents.extensions.half")


def test_settings_cannot_be_changed():
    rule = RunningMean(rule="running_mean", alpha={"parent_mean": 0.0}, rate=0.1)
    with pytest.raises(ValueError, match="frozen"):
        rule.rate = 0.2


def test_a_list_of_settings_is_read_too():
    kind = list[Annotated[Settings, CREDITS]]
    with pytest.raises(
        InputError, match=r"^rules\[1\]\.rule: unknown value `gea`; did you mean `gae`"
    ):
        read_as(kind, [gae(), {"rule": "gea"}], "rules")
