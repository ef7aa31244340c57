"""The whole workflow, with nothing left out, from a model that was trained elsewhere."""

import json

import pytest
import yaml

from plain.checkpoint import Checkpoint
from simagents.config.recipe import Recipe
from simagents.exchange import import_catk
from simagents.tokens.vocabulary import Vocabulary

TABLE = """
tables:
  own:
    caption: A model from elsewhere, and what it learns here.
    evaluation: wosac_2025
    columns: [metametric, kl, vehicle_tokens]
    rows:
      - {label: Imported, stage: bc}
      - {label: Fine-tuned, stage: sft}
figures:
  curves:
    kind: training_curves
    caption: Of what is trained here.
    rows:
      - {label: Imported, stage: bc}
      - {label: Fine-tuned, stage: sft}
"""


@pytest.fixture
def tiny_world(fresh, warm):
    """The demo with four scenes, two steps of training and two rollouts; the commands do their work."""
    warm.program(fresh.folder / "bin/simagents")
    (fresh.folder / "config/papers/own.yaml").write_text(TABLE)
    fresh.change(
        "config/scale/demo.yaml",
        scenarios__synthetic__per_shard=4,
        scenarios__synthetic__training_shards=1,
        scenarios__synthetic__held_out=1,
        budgets__finetune={
            "steps": 2,
            "batch": 1,
            "learning_rate": 1e-3,
            "rollouts": 0,
            "validations": 1,
        },
        evaluation__rollouts=2,
        evaluation__limit=1,
        compute__micro_batch=1,
    )
    return fresh


def test_tokens_training_scores_and_a_table_continue_from_an_import(tiny_world, vocabulary):
    catk = Checkpoint(tiny_world.folder, vocabulary)
    import_catk.main(import_catk.Args(catk.checkpoint, catk.agent, catk.map, catk.out))
    results = tiny_world.folder / "results/demo"
    targets = [f"results/demo/{name}" for name in ("tables/own.tex", "figures/curves.pdf")]
    tiny_world.run("--config", "stages={bc: {import: imported}}", "--", *targets)

    cells = json.loads((results / "tables/own.json").read_text())
    imported, tuned = cells["rows"]
    ((bc,), (sft,)) = imported["systems"], tuned["systems"]
    assert Recipe.read(results / f"runs/{sft}/recipe.json").parent == bc
    assert len((results / f"runs/{sft}/history.jsonl").read_text().splitlines()) == 2
    assert not (results / f"runs/{bc}/history.jsonl").exists()
    assert [row["imported"] for row in cells["rows"]] == [True, False]
    assert imported["cells"]["kl"]["mean"] is None
    assert [row["cells"]["vehicle_tokens"]["mean"] for row in cells["rows"]] == [48, 48]
    scores = [row["cells"]["metametric"]["mean"] for row in cells["rows"]]
    assert 0 < min(scores) < max(scores) < 1

    # One vocabulary was made, and it is the import's.
    (tokens,) = (results / "tokens").iterdir()
    given = Vocabulary.read(tokens / "vocabulary.safetensors")
    assert given.motion.equal(Vocabulary.read(catk.out / "vocabulary.safetensors").motion)
    report = json.loads((tokens / "vocabulary.json").read_text())
    assert report["vehicle"]["tokens"] == 48

    # The same from a file of keys; and an import that has moved is the same import.
    elsewhere = tiny_world.folder / "elsewhere"
    catk.out.rename(elsewhere)
    own = tiny_world.folder / "own.yaml"
    own.write_text(yaml.safe_dump({"stages": {"bc": {"import": "elsewhere"}}}))
    assert tiny_world.planned("--configfile", "own.yaml", "--", *targets) == {}
