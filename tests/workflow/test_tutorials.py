"""Every command that README and tutorials print is planned, parsed or run; what they say it does, it does."""

import re
import shlex
import subprocess
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from simagents.cli import parsed
from simagents.commands import COMMANDS
from simagents.config import reading
from simagents.config.changes import merged
from simagents.config.configuration import Configuration
from simagents.errors import InputError
from simagents.planning.plan import Plan

ROOT = Path(__file__).parents[2]
FOLDERS = ROOT / "docs", ROOT / "docs/tutorials"
TEXTS = [ROOT / "README.md", *(path for folder in FOLDERS for path in sorted(folder.glob("*.md")))]
OWN_ROW = (ROOT / "docs/tutorials/own_row.md").read_text()
PLANNED = {
    "snakemake": "tests/workflow: the plan of demo",
    "snakemake --profile slurm": "tests/workflow: the papers' scale",
    "snakemake --config 'stages={bc: {import: imported}}'": "tests/workflow/test_import.py",
    "snakemake --config data=womd": "test_womd_has_results_of_its_own",
    "snakemake results/demo/tables/baselines.tex": "test_another_size_of_the_model_is_one_word",
    "snakemake results/demo/animations/bc/first.gif": "test_plan_of_jobs.py, of another stage",
    "snakemake --unlock": "an option of Snakemake's that reads nothing of ours",
    "snakemake results/demo/tables/velocities.tex": "tests/workflow/test_extensions.py",
}
"""Lines whose plan another test looks at."""
SHELL = ("source", "mkdir", "ln", "cp")


def commands(text):
    """Lines of all blocks of a shell, without comments and continued over backslashes."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


ALL = {shlex.join(words): words for path in TEXTS for words in commands(path.read_text())}


def plain(words):
    """A line of Snakemake without what only plans it."""
    return [word for word in words if word not in ("-n", "-q")]


def of(program):
    return [words for words in ALL.values() if words[0] == program]


def test_every_command_is_of_a_kind_that_is_tested():
    kinds = {"simagents", "snakemake", "make", *SHELL}
    assert {words[0] for words in ALL.values()} <= kinds
    assert PLANNED.keys() < {shlex.join(plain(words)) for words in of("snakemake")}


@pytest.mark.parametrize("words", of("simagents"), ids=shlex.join)
def test_commands_have_the_options_that_are_shown(words):
    _, name, *options = words
    module = import_module(COMMANDS[name].module)
    assert isinstance(parsed(module, name, options), module.Args)


@pytest.mark.parametrize("words", of("make"), ids=shlex.join)
def test_make_knows_its_targets(words):
    done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def lines_of_snakemake():
    lines = {shlex.join(plain(words)): plain(words) for words in of("snakemake")}
    return {line: words for line, words in lines.items() if line not in PLANNED}


def test_lines_of_the_shell_prepare_what_snakemake_then_plans(fresh, tmp_path):
    """The tutorial's data and settings, with few and empty shards; own.yaml is that of the tutorial."""
    (fresh.folder / ".venv/bin").mkdir(parents=True)
    (fresh.folder / ".venv/bin/activate").touch()
    for split, count in (("training", 4), ("validation", 3)):
        (tmp_path / split).mkdir()
        for number in range(count):
            (tmp_path / split / f"{split}.tfrecord-{number:05d}-of-{count:05d}").touch()
    fewer = {"scenarios__womd__training_shards": 4, "scenarios__womd__validation_shards": 3}
    for scale in ("paper", "lab", "demo"):
        fresh.change(f"config/scale/{scale}.yaml", **fewer)
    for words in (words for program in SHELL for words in of(program)):
        line = shlex.join(words).replace("/path/to/scenario", str(tmp_path))
        subprocess.run(["bash", "-ec", line], cwd=fresh.folder, check=True)
    (fresh.folder / "config/papers/own.yaml").write_text(yaml.safe_dump(own_rows()))
    for line, words in lines_of_snakemake().items():
        targets = [word for word in words[1:] if word.startswith("results/")]
        options = [word for word in words[1:] if word != "--" and word not in targets]
        jobs = fresh.planned(*options, "--", *targets)
        assert jobs["train"] > 0, line


def own_rows():
    """The first block of the tutorial."""
    return yaml.safe_load(re.findall(r"```yaml\n(.*?)```", OWN_ROW, re.DOTALL)[0])


def test_a_slip_in_the_tutorial_s_row_is_told_as_it_says():
    (said,) = re.findall(r"^    simagents: (.*)$", OWN_ROW, re.MULTILINE)
    rows = [{"label": "a", "stage": "rft", "with": {"algorithm.sampling.top_p": 1}}]
    table = {**own_rows()["tables"]["sampling"], "rows": rows}
    content = merged(reading.content(ROOT), {"tables": {"sampling": table}})
    with pytest.raises(InputError) as slip:
        Plan.of(Configuration.of(content))
    assert str(slip.value) == said


def test_the_stages_of_the_tutorial_are_planned():
    """Their rows add two runs: the fine-tuning, and the SFT after it."""
    own = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", OWN_ROW, re.DOTALL)[1])
    rows = [{"label": name, "stage": name} for name in own["stages"]]
    table = {**own_rows()["tables"]["sampling"], "rows": rows, "columns": ["metametric"]}
    before = Plan.of(reading.read(ROOT))
    content = merged(reading.content(ROOT), {"tables": {"patient": table}})
    content["stages"] |= reading.content(ROOT, own)["stages"]
    assert len(set(Plan.of(Configuration.of(content)).runs) - set(before.runs)) == 2
