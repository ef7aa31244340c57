"""Metadata: closed keys, and a sentence for whatever the challenge would not accept."""

from pathlib import Path

import pytest
import tyro
import yaml

from simagents.errors import InputError
from simagents.submission.metadata import Metadata, problems
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission
from simagents.submission.submit import Args


def test_complete_metadata_have_no_problem(tmp_path, metadata):
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(metadata.fields()))
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
    (found,) = problems(metadata.model_copy(update=change).message())
    assert words in found


def test_a_simulator_may_have_no_parameters(metadata):
    assert problems(metadata.model_copy(update={"num_model_parameters": "0"}).message()) == []


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
        ("authors: me", "m.yaml.authors: 'me' must be a valid list"),
        ("num_model_parameters: 7", "m.yaml.num_model_parameters: 7 must be a valid string"),
        ("[a, b]", "m.yaml: the value must be a valid dictionary"),
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
    words = ["--metadata", str(tmp_path / "m.yaml"), "--unique-method-name", "new", "--shards", "2"]
    args = tyro.cli(Args, args=["rollouts.safetensors", *words])
    assert args.rollouts == [Path("rollouts.safetensors")]
    merged = Metadata.read(args.metadata_file).overridden_by(args.metadata)
    assert merged.fields() == {"unique_method_name": "new", "affiliation": "here"}
