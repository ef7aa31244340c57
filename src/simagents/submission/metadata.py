"""Who submits what: the fields that every shard of a submission repeats."""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from simagents.config.keys import Settings, read_as
from simagents.errors import InputError
from simagents.submission.submission_pb2 import SimAgentsChallengeSubmission

_ACCOUNT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PARAMETERS = re.compile(r"0|[1-9][0-9]*[KMBT]?")
_LONGEST_NAME = 64
"""Characters. The challenge asks for a short name and publishes no limit."""
_REQUIRED_FLAGS = ("uses_lidar_data", "uses_camera_data", "uses_public_model_pretraining")


class Metadata(Settings):
    """Fields of `SimAgentsChallengeSubmission` under their own names; None and empty are not set."""

    account_name: str | None = None
    """e-mail of the account at waymo.com/open"""
    unique_method_name: str | None = None
    """short; a later submission of the same name replaces this one on the leaderboard"""
    authors: list[str] = Field(default_factory=list)
    """all of them"""
    affiliation: str | None = None
    """of the authors"""
    description: str | None = None
    """of the method"""
    method_link: str | None = None
    """paper or other page about the method"""
    uses_lidar_data: bool | None = None
    """whether the method reads lidar data"""
    uses_camera_data: bool | None = None
    """whether the method reads camera data"""
    uses_public_model_pretraining: bool | None = None
    """whether a public language or vision model was used for pre-training"""
    public_model_names: list[str] = Field(default_factory=list)
    """which"""
    num_model_parameters: str | None = None
    """a whole number, then K, M, B or T or nothing: 7M"""
    acknowledge_complies_with_closed_loop_requirement: bool | None = None
    """whether the rollouts are closed-loop simulations as the challenge defines them"""

    @classmethod
    def read(cls, path: Path) -> "Metadata":
        """From a YAML file with these keys and no others. Raises InputError for anything else."""
        try:
            content = yaml.safe_load(Path(path).read_text())
        except (FileNotFoundError, IsADirectoryError):
            raise InputError(f"{path}: there is no such file.") from None
        except (yaml.YAMLError, UnicodeDecodeError) as problem:
            raise InputError(f"{path}: not valid YAML ({problem}).") from None
        return read_as(cls, content, str(path))

    def overridden_by(self, other: "Metadata") -> "Metadata":
        """This, with the fields that are set in `other`."""
        return self.model_copy(update=other.fields())

    def fields(self) -> dict[str, Any]:
        """What is set, by name."""
        return {name: value for name, value in self if value not in (None, [])}

    def message(self) -> SimAgentsChallengeSubmission:
        """The shard without scenarios."""
        kind = SimAgentsChallengeSubmission.SIM_AGENTS_SUBMISSION
        return SimAgentsChallengeSubmission(submission_type=kind, **self.fields())


def problems(message: SimAgentsChallengeSubmission) -> list[str]:
    """What the challenge would not accept in the metadata of a shard, a sentence each."""
    offences = []
    if message.submission_type != SimAgentsChallengeSubmission.SIM_AGENTS_SUBMISSION:
        offences.append("submission_type is not SIM_AGENTS_SUBMISSION.")
    if not _ACCOUNT.fullmatch(message.account_name):
        offences.append(
            f"account_name is {message.account_name!r} and must be the e-mail of an account."
        )
    if not 0 < len(message.unique_method_name.strip()) <= _LONGEST_NAME:
        offences.append(
            f"unique_method_name is {message.unique_method_name!r} and must have 1 to"
            f" {_LONGEST_NAME} characters."
        )
    if not message.authors or not all(author.strip() for author in message.authors):
        offences.append("authors must name at least one, and none may be empty.")
    offences += [f"{name} is not set." for name in _REQUIRED_FLAGS if not message.HasField(name)]
    if message.uses_public_model_pretraining and not message.public_model_names:
        offences.append(
            "public_model_names is empty, though uses_public_model_pretraining is true."
        )
    if not _PARAMETERS.fullmatch(message.num_model_parameters):
        offences.append(
            f"num_model_parameters is {message.num_model_parameters!r} and must be a whole number"
            " with K, M, B, T or nothing after it."
        )
    if not message.acknowledge_complies_with_closed_loop_requirement:
        offences.append("acknowledge_complies_with_closed_loop_requirement is not true.")
    return offences
