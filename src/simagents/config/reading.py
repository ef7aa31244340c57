"""Configuration files -> one configuration."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from simagents.config.changes import Json, merged
from simagents.config.configuration import Configuration
from simagents.errors import InputError, unknown_value

# The parser in C, where PyYAML has it, is ten times as fast; every job of a cluster reads these files.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(root: Path, choices: Mapping[str, Any] | None = None) -> Configuration:
    """The configuration of a repository.

    Read are config/papers/*.yaml, config/scale/SCALE.yaml, config/model/SIZE.yaml and config.yaml;
    later files win, and `choices`, such as the keys of a command line, win over all of them. A stage
    that config.yaml or `choices` import replaces the whole stage of that name. Raises InputError
    for a file that is missing or no YAML, and for whatever is wrong with a key.
    """
    return Configuration.of(content(root, choices))


def chosen(configfile: Path | None, **keys: str | None) -> Json:
    """Choices of a command line, as Snakemake has them: keys of a file, and over them those given."""
    written = read_yaml(configfile) if configfile else {}
    return merged(written, {key: value for key, value in keys.items() if value is not None})


def content(root: Path, choices: Mapping[str, Any] | None = None) -> Json:
    """What `read` reads, before it is checked."""
    above = merged(read_yaml(root / "config.yaml"), choices or {})
    together = papers(sorted((root / "config/papers").glob("*.yaml")))
    for key in ("scale", "size"):
        folder = root / "config" / {"scale": "scale", "size": "model"}[key]
        name = str(above.get(key, together.get(key)))
        if not (folder / f"{name}.yaml").exists():
            raise unknown_value(name, key, (path.stem for path in folder.glob("*.yaml")))
        together = merged(together, read_yaml(folder / f"{name}.yaml"))
    return merged(_without_imported(together, above), above)


def _without_imported(content: Json, chosen: Json) -> Json:
    """Without the stages that `chosen` imports: none of their keys describes an imported model."""
    stages, chosen_stages = content.get("stages"), chosen.get("stages")
    if not isinstance(stages, Mapping) or not isinstance(chosen_stages, Mapping):
        return content
    imported = {
        name
        for name, stage in chosen_stages.items()
        if isinstance(stage, Mapping) and "import" in stage
    }
    return content | {"stages": {n: stage for n, stage in stages.items() if n not in imported}}


def papers(paths: Iterable[Path]) -> Json:
    """The content of files that define different stages, tables and figures.

    Raises InputError where two files define the same one.
    """
    together: Json = {}
    files: dict[str, Path] = {}
    for path in paths:
        for key, value in read_yaml(path).items():
            names = [f"{key}.{name}" for name in value] if isinstance(value, Mapping) else [key]
            for name in names:
                if name in files:
                    raise InputError(
                        f"{name}: {files[name].name} and {path.name} of {path.parent} both define"
                        " it; rename one or remove it."
                    )
                files[name] = path
            together = merged(together, {key: value})
    return together


def read_yaml(path: Path) -> Json:
    """A mapping. Raises InputError, naming the line, where the file is something else."""
    try:
        keys = yaml.load(path.read_text(), _Loader)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        said = getattr(problem, "problem", None) or "see the YAML specification"
        raise InputError(f"{path}{line}: not valid YAML ({said}).") from None
    except UnicodeDecodeError as problem:
        raise InputError(f"{path}: not text ({problem}).") from None
    if not isinstance(keys, dict):
        raise InputError(f"{path}: must hold keys with values.")
    return keys
