"""A vocabulary that came with a model: taken as it is, and measured as those that are built."""

from dataclasses import dataclass
from pathlib import Path

from simagents.files import write_json
from simagents.scenarios.store import ScenarioStore
from simagents.tokens.build import read_until, report
from simagents.tokens.vocabulary import Vocabulary


@dataclass
class Args:
    """Measure a given vocabulary on the training scenarios that one would be built from."""

    scenarios: list[Path]
    """cached training shards, a folder or a list of them (.txt)"""
    given: Path
    """vocabulary (.safetensors)"""
    snippets: int
    """motions per class after which no more scenarios are read, as for `simagents vocabulary`"""
    out: Path
    """the same vocabulary (.safetensors)"""
    report: Path
    """reconstruction error and unused tokens, JSON"""


def main(args: Args) -> None:
    """Write a copy and the report."""
    store, vocabulary = ScenarioStore(args.scenarios), Vocabulary.read(args.given)
    *_, used = read_until(store, args.snippets)
    vocabulary.write(args.out)
    write_json(args.report, report(vocabulary, store, used))
