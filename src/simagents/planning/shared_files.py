"""Files that many runs share: scenarios, vocabularies and scores, with digests as their names."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simagents.config.changes import Json, completed
from simagents.config.configuration import Configuration
from simagents.config.data import SourceSettings
from simagents.config.evaluation import Evaluation
from simagents.config.tokenizers import Tokenizer
from simagents.errors import InputError, unknown_value
from simagents.planning.runs import digest

WOMD = Path("resources/womd")
"""Where the user links WOMD's shards."""


@dataclass(frozen=True)
class SharedFiles:
    """A digest changes with whatever the file depends on, and with nothing else."""

    config: Configuration

    @property
    def source(self) -> str:
        """synthetic or womd."""
        chosen = self.config.data
        return self.config.scenarios.source if chosen == "default" else chosen

    @property
    def results(self) -> str:
        """Folder of all results: the scale's name, and the data's where they are not its own."""
        own = self.source == self.config.scenarios.source
        scale = self.config.scale
        return f"results/{scale}" if own else f"results/{scale}-{self.source}"

    @property
    def scenarios(self) -> SourceSettings:
        """The chosen source's settings."""
        return getattr(self.config.scenarios, self.source)

    @property
    def data(self) -> Json:
        """What a cached shard depends on; how many are used, and for what, changes no shard."""
        uses = ("held_out", "training_shards", "validation_shards")
        made_by = self.scenarios.model_dump(mode="json", exclude=set(uses))
        return {"source": self.source, **made_by}

    def linked_shards(self, split: str, root: Path = Path()) -> list[str]:
        """File names of WOMD's shards of a split, as many as are used. Raises InputError for too few."""
        count, folder = getattr(self.scenarios, f"{split}_shards"), WOMD / split
        names = sorted(path.name for path in (root / folder).glob("*tfrecord*"))
        if len(names) < count:
            raise InputError(
                f"{folder} holds {len(names)} TFRecord files and scale {self.config.scale} needs"
                f" {count}; link WOMD's {split} shards there (docs/data.md) or lower"
                f" scenarios.womd.{split}_shards."
            )
        return names[:count]

    @cached_property
    def data_id(self) -> str:
        """Names the cached shards."""
        return digest(self.data)

    @cached_property
    def training_id(self) -> str:
        """Names the scenarios that runs train on."""
        return digest({"data": self.data, "shards": self.scenarios.training_shards})

    def tokens_id(self, tokenizer: str, where: str) -> str:
        """Names the vocabularies of a tokenizer and the scenes that they tokenise."""
        tokenizers = self.config.tokenizers
        if tokenizer not in tokenizers:
            raise unknown_value(tokenizer, f"{where}.tokenizer", tokenizers)
        content = {
            "data": self.data,
            "shards": self.scenarios.training_shards,
            "tokens": self.config.tokens.model_dump(mode="json"),
            "tokenizer": tokenizers[tokenizer].model_dump(mode="json"),
        }
        return digest(content)

    def given_tokens_id(self, vocabulary: str) -> str:
        """Names a vocabulary that is given, by the SHA-256 of its file, and the scenes it tokenises."""
        content = {
            "data": self.data,
            "shards": self.scenarios.training_shards,  # on which it is measured
            "snippets": self.config.tokens.snippets,
            "revision": self.config.tokens.revision,
            "vocabulary": vocabulary,
        }
        return digest(content)

    @cached_property
    def default_tokens(self) -> str:
        """Of the stages that name no tokenizer, and of the baselines that read tokens."""
        return self.tokens_id(self.config.tokenizer, "configuration")

    @cached_property
    def tokenizers(self) -> dict[str, Tokenizer]:
        """Rules of motion vocabularies by the digests that name these."""
        rules = self.config.tokenizers
        return {self.tokens_id(name, "configuration"): rule for name, rule in rules.items()}

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """Ways to score systems, by name."""
        defaults = self.config.evaluation.model_dump(mode="json")
        return {
            name: completed(Evaluation, defaults, changes, f"evaluations.{name}")
            for name, changes in self.config.evaluations.items()
        }

    def evaluation_id(self, name: str) -> str:
        """Names the scores of an evaluation. Changing how systems are scored retrains none."""
        shards = self.scenarios.validation_shards
        settings = self.evaluations[name].model_dump(mode="json")
        return digest({"data": self.data, "shards": shards, **settings})

    @cached_property
    def evaluations_by_id(self) -> dict[str, Evaluation]:
        """The same by the digests that name their scores."""
        return {self.evaluation_id(name): each for name, each in self.evaluations.items()}
