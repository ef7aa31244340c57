"""Experiments as data -> runs with names that say what they are made of.

Everything the workflow does follows from here. Reads no data and loads no torch.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from simagents.errors import InputError, unknown_key

Json = dict[str, Any]

# Keys of a stage that say what differs from the top-level keys of these names.
_DEFAULTED = ("tokenizer", "model", "optimiser")
# Keys of a stage that are about training in general; all others are the algorithm's coefficients.
_GENERAL = ("algorithm", "from", "budget", "trains", "revision", *_DEFAULTED)


def digest(content: Any) -> str:
    """Ten hex digits that name `content`: equal for equal values, whatever the order of keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, eq=False)
class Run:
    """One training run: a complete recipe, and the run it starts from."""

    recipe: Json
    parent: "Run | None" = None

    @cached_property
    def id(self) -> str:
        """`stage-digest`: equal requests share a run; a changed parent renames its descendants."""
        return f"{self.recipe['stage']}-{digest(self.recipe)}"

    @property
    def tokens(self) -> str:
        """Digest of the vocabularies that it reads and acts by."""
        return self.recipe["tokens"]

    @property
    def calibration(self) -> Json | None:
        """What has to be measured on the parent before training, if α starts from its mean reward.

        Offsets from the mean are not part of it: a sweep over them measures once.
        """
        if not isinstance(self.recipe["coefficients"].get("alpha"), Mapping):
            return None
        names = {
            "reward": "reward",
            "challenge": "challenge",
            "sampling_top_k": "top_k",
            "temperature": "temperature",
            "subgroup": "subgroup",
        }
        given = self.recipe["coefficients"]
        taken = {new: given[old] for old, new in names.items() if old in given}
        return {
            "parent": self.recipe["parent"],
            "held_out": self.recipe["held_out"],
            "rollouts": self.recipe["budget"]["rollouts"],
            "seed": self.recipe["seed"],
            **taken,
        }

    @property
    def calibration_id(self) -> str | None:
        return self.calibration and f"{self.recipe['parent']}-{digest(self.calibration)}"


@dataclass(frozen=True, eq=False)
class Baseline:
    """A system that is scored without training."""

    name: str
    tokens: str

    @property
    def id(self) -> str:
        """Only what acts by tokens is named after them."""
        return f"baseline-{self.name}" + f"-{self.tokens}" * (self.name == "random_tokens")


System = Run | Baseline


@dataclass(frozen=True)
class Row:
    """One line of a table: the same recipe under every seed."""

    label: str
    systems: list[System]
    published: str | None
    """name of the row in the published table"""


@dataclass(frozen=True)
class Exhibit:
    """A table or a figure."""

    name: str
    settings: Json
    rows: list[Row]

    @property
    def systems(self) -> list[System]:
        return list({system.id: system for row in self.rows for system in row.systems}.values())


@dataclass(frozen=True)
class Plan:
    """All runs, tables and figures of a configuration, with the digests that name shared files."""

    config: Json
    tables: dict[str, Exhibit] = field(default_factory=dict)
    figures: dict[str, Exhibit] = field(default_factory=dict)

    @staticmethod
    def of(config: Json) -> "Plan":
        """Expand a validated configuration. Raises InputError where it contradicts itself."""
        plan = Plan(config)
        for kind, exhibits in (("tables", plan.tables), ("figures", plan.figures)):
            for name, settings in config[kind].items():
                where = f"{kind}.{name}"
                rows = [row for spec in settings.get("rows", ()) for row in plan._rows(spec, where)]
                if len({row.label for row in rows}) < len(rows):
                    raise InputError(f"{where}: two rows have the same label.")
                exhibits[name] = Exhibit(name, settings, rows)
        for name, figure in plan.figures.items():
            for table in figure.settings.get("tables", ()):
                if table not in plan.tables:
                    raise unknown_key(table, f"figures.{name}.tables", plan.tables)
        for name in config["on_demand"]:
            if name not in (known := {**plan.tables, **plan.figures}):
                raise unknown_key(name, "on_demand", known)
        return plan

    def in_paper(self, exhibits: dict[str, Exhibit]) -> list[str]:
        """Those that this scale does not leave for when they are asked for by name."""
        return [name for name in exhibits if name not in self.config["on_demand"]]

    @property
    def source(self) -> str:
        """synthetic or womd."""
        chosen = self.config.get("data", "default")
        return self.config["scenarios"]["source"] if chosen == "default" else chosen

    @property
    def results(self) -> str:
        """Folder of all results: the scale's name, and the data's where they are not its own."""
        own = self.source == self.config["scenarios"]["source"]
        scale = self.config["scale"]
        return f"results/{scale}" if own else f"results/{scale}-{self.source}"

    @property
    def scenarios(self) -> Json:
        """The chosen source's settings."""
        return self.config["scenarios"][self.source]

    @property
    def data(self) -> Json:
        """What a cached shard depends on; how many are used, and for what, is not of it."""
        uses = ("held_out", "training_shards", "validation_shards")
        made = {key: value for key, value in self.scenarios.items() if key not in uses}
        return {"source": self.source, **made}

    @cached_property
    def data_id(self) -> str:
        return digest(self.data)

    def tokens_id(self, tokenizer: str, where: str) -> str:
        """What names the vocabularies of a tokenizer; one that nobody uses names nothing else."""
        tokenizers = self.config["tokenizers"]
        if tokenizer not in tokenizers:
            raise unknown_key(tokenizer, f"{where}.tokenizer", tokenizers)
        common = {"data": self.data, "shards": self.scenarios["training_shards"]}
        return digest(
            {**common, "tokens": self.config["tokens"], "tokenizer": tokenizers[tokenizer]}
        )

    @cached_property
    def default_tokens(self) -> str:
        """Of the stages that name no tokenizer, and of the baselines."""
        return self.tokens_id(self.config["tokenizer"], "configuration")

    @cached_property
    def tokenizers(self) -> dict[str, Json]:
        """Rules of motion vocabularies by the digests that name these."""
        given = self.config["tokenizers"]
        return {self.tokens_id(name, "configuration"): rule for name, rule in given.items()}

    @cached_property
    def evaluation_id(self) -> str:
        """Changing how systems are scored rescores them and retrains none."""
        shards = self.scenarios["validation_shards"]
        return digest({"data": self.data, "shards": shards, **self.config["evaluation"]})

    @cached_property
    def systems(self) -> dict[str, System]:
        """Whatever is scored or trained, by name."""
        exhibits = (*self.tables.values(), *self.figures.values())
        return self.runs | {system.id: system for each in exhibits for system in each.systems}

    @cached_property
    def runs(self) -> dict[str, Run]:
        """Every run that an exhibit needs, parents included, by name."""
        found: dict[str, Run] = {}
        for exhibit in (*self.tables.values(), *self.figures.values()):
            for system in exhibit.systems:
                while isinstance(system, Run):
                    found[system.id] = system
                    system = system.parent
        return found

    @cached_property
    def calibrations(self) -> dict[str, Json]:
        """Measurements that runs wait for, by name."""
        return {
            run.calibration_id: run.calibration for run in self.runs.values() if run.calibration
        }

    def _rows(self, spec: Json, where: str) -> Iterator[Row]:
        if "baseline" in spec:
            yield Row(
                spec["label"],
                [Baseline(spec["baseline"], self.default_tokens)],
                spec.get("published"),
            )
            return
        changes = spec.get("with", {})
        lists = {
            key: value if isinstance(value, list) else [value] for key, value in changes.items()
        }
        for values in product(*lists.values()):
            changed = dict(zip(lists, values, strict=True))
            systems = [
                self._run(spec["stage"], seed, changed, where) for seed in self.config["seeds"]
            ]
            yield Row(_labelled(spec["label"], changed), systems, spec.get("published"))

    def _run(
        self, stage: str, seed: int, changes: Json, where: str, above: tuple[str, ...] = ()
    ) -> Run:
        stages = self.config["stages"]
        if stage not in stages:
            raise unknown_key(stage, where, stages)
        if stage in above:
            raise InputError(f"stages.{stage}: starts from itself, by way of {', '.join(above)}.")
        given = {**stages[stage], **changes}
        for key in changes:
            if key not in (known := {*stages[stage], *_DEFAULTED}):
                raise unknown_key(key, f"{where}, stage {stage}", known)
        parent = None
        if "from" in given:
            parent = self._run(given["from"], seed, {}, f"stages.{stage}.from", (*above, stage))
            for key in sorted({"tokenizer", "model"} & given.keys()):
                raise InputError(
                    f"{where}, stage {stage}: `{key}` is that of the stage it starts from; give it"
                    " to the first stage of the chain."
                )
        if given["budget"] not in self.config["budgets"]:
            raise unknown_key(given["budget"], f"stages.{stage}.budget", self.config["budgets"])
        optimiser = {**self.config["optimiser"], **given.get("optimiser", {})}
        if parent:
            model, tokens = parent.recipe["model"], parent.tokens
        else:
            model = {**self.config["model"], **given.get("model", {})}
            tokens = self.tokens_id(given.get("tokenizer", self.config["tokenizer"]), where)
        recipe = {
            "stage": stage,
            "algorithm": given["algorithm"],
            "seed": seed,
            "revision": given.get("revision", 0),
            "parent": parent.id if parent else None,
            "trains": given["trains"],
            "model": model,
            "tokens": tokens,
            "held_out": self.scenarios["held_out"],
            "precision": self.config["precision"],
            "budget": self.config["budgets"][given["budget"]],
            "optimiser": optimiser,
            "coefficients": {key: value for key, value in given.items() if key not in _GENERAL},
        }
        return Run(recipe, parent)


def configuration(root: Path, scale: str, size: str | None = None) -> Json:
    """What Snakemake makes of the repository's files for a scale, checked: later files win."""
    config: Json = {}

    def read(name: str) -> None:
        path = root / name
        try:
            _merge(config, yaml.safe_load(path.read_text()))
        except FileNotFoundError:
            near = unknown_key(path.stem, name, (p.stem for p in path.parent.glob("*.yaml")))
            raise near from None

    read("config.yaml")
    read("config/experiments.yaml")
    read(f"config/scale/{scale}.yaml")
    config["scale"] = scale
    config["size"] = size or config["size"]
    read(f"config/model/{config['size']}.yaml")
    return validated(config, root / "workflow/schemas/config.schema.yaml")


def _merge(into: Json, more: Json) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def validated(config: Json, schema: Path) -> Json:
    """The configuration, if the schema accepts it; else InputError naming the nearest valid key."""
    rules = yaml.safe_load(schema.read_text())
    _check(config, rules, "")
    stage = rules["properties"]["stages"]["additionalProperties"]["properties"]
    for kind in ("tables", "figures"):
        for name, exhibit in config[kind].items():
            for row in exhibit.get("rows", ()):
                for key, value in row.get("with", {}).items():
                    for one in value if isinstance(value, list) else [value]:
                        _check(one, stage.get(key, {}), f"{kind}.{name}.rows.with.{key}")
    return config


def _check(content: Any, rules: Json, above: str) -> None:
    validator = jsonschema.Draft202012Validator(rules)
    for problem in sorted(
        validator.iter_errors(content), key=lambda p: (len(p.absolute_path), str(p.message))
    ):
        path = [above] * bool(above) + [str(name) for name in problem.absolute_path]
        where = ".".join(path) or "configuration"
        if problem.validator == "additionalProperties":
            known = problem.schema.get("properties", {})
            extra = sorted(set(problem.instance) - set(known))
            raise unknown_key(extra[0], where, known)
        if problem.validator == "enum":
            raise unknown_key(str(problem.instance), where, map(str, problem.validator_value))
        hint = ""
        if isinstance(problem.instance, str) and _number(problem.instance):
            number = float(problem.instance)
            hint = f" YAML reads {problem.instance} as text; write {number:.1e} with a dot."
        raise InputError(f"{where}: {problem.message}.{hint}")


def _labelled(label: str, values: Json) -> str:
    """The label with `{key}` replaced; other braces are TeX's.

    A value that is an offset from something measured shows its sign, and nothing where it is zero.
    """
    for key, value in values.items():
        if isinstance(value, Mapping) and set(value) == {"parent_mean"}:
            offset = value["parent_mean"]
            value = f"{offset:+g}" if offset else ""
        label = label.replace(f"{{{key}}}", str(value))
    return label


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
