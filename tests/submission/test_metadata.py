"""Metadata: closed keys, and a sentence for whatever the challenge would not accept."""

from dataclasses import replace

import pytest
import yaml

from simagents.errors import InputError
from simagents.submission.metadata import Metadata, problems
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission
from simagents.submission.submit import Args, metadata_of


def test_complete_metadata_have_no_problem(tmp_path, metadata):
    content = {name: value for name, value in vars(metadata).items() if value is not None}
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(content))
    assert Metadata.read(tmp_path / "m.yaml") == metadata
    assert problems(metadata.message()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account_name": "someone"}, "account_name is 'someone' and must be the e-mail"),
        ({"account_name": None}, "account_name is ''"),
        ({"unique_method_name": " "}, "unique_method_name is ' '"),
        ({"unique_method_name": "x" * 65}, "must have 1 to 64 characters"),
        ({"authors": []}, "authors must name at least one"),
        ({"uses_camera_data": None}, "uses_camera_data is not set"),
        ({"uses_public_model_pretraining": True}, "public_model_names is empty"),
        ({"num_model_parameters": "7.5M"}, "num_model_parameters is '7.5M'"),
        ({"acknowledge_complies_with_closed_loop_requirement": False}, "is not true"),
    ],
)
def test_each_problem_has_a_sentence(metadata, change, words):
    (found,) = problems(replace(metadata, **change).message())
    assert words in found


def test_a_simulator_may_have_no_parameters(metadata):
    assert problems(replace(metadata, num_model_parameters="0").message()) == []


def test_the_type_of_a_submission(metadata):
    message = metadata.message()
    message.submission_type = SimAgentsChallengeSubmission.UNKNOWN
    assert problems(message) == ["submission_type is not SIM_AGENTS_SUBMISSION."]
    other = metadata.message()
    other.ClearField("submission_type")
    unknown = SimAgentsChallengeSubmission.FromString(other.SerializeToString() + b"\x10\x07")
    assert problems(unknown) == ["submission_type is not SIM_AGENTS_SUBMISSION."]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("author: [me]", "unknown key `author`; did you mean `authors`?"),
        ("authors: me", "`authors` is 'me' and must be a list of texts"),
        ("num_model_parameters: 7", r"`num_model_parameters` is 7 and must be text"),
        ("[a, b]", "not a list of keys"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_an_error(tmp_path, text, words):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        Metadata.read(tmp_path / "m.yaml")
    assert words in str(caught.value)


def test_what_is_no_text_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Metadata.read(tmp_path)
    (tmp_path / "m.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not valid YAML"):
        Metadata.read(tmp_path / "m.yaml")


def test_an_option_is_stronger_than_the_file(tmp_path):
    (tmp_path / "m.yaml").write_text("unique_method_name: old\naffiliation: here\n")
    found = metadata_of(Args([], metadata=tmp_path / "m.yaml", unique_method_name="new"))
    assert (found.unique_method_name, found.affiliation) == ("new", "here")
