"""Names of shards, and of the files of scenarios and tokens that are made of them."""


def shard_names(split):
    """Shards of a split: WOMD's file names, or names of our own for synthetic ones."""
    if PLAN.source == "synthetic":
        count = getattr(PLAN.scenarios, f"{split}_shards")
        return [f"{split}.tfrecord-{number:05d}-of-{count:05d}" for number in range(count)]
    try:
        return PLAN.linked_shards(split)
    except InputError as problem:
        stop(problem)


def parts(shards):
    """Splits, divided among jobs: split, number of the part, names of its shards."""
    size = COMPUTE.shards
    for split, names in shards.items():
        for number, first in enumerate(range(0, len(names), size)):
            yield split, number, names[first : first + size]


def folder_of(wildcards, output):
    """The output folder of a job on several shards."""
    return Path(output[0]).parent


def first_scenario(split, shard):
    """Number of a synthetic shard's first scenario; validation starts at a number beyond training."""
    start = 10**9 if split == "validation" else 0
    return start + SHARDS[split].index(shard) * PLAN.scenarios.per_shard


def scenarios_of(split):
    """The file that lists all shards: jobs depend on it, so command lines stay short."""
    return f"<data>/{split}/{len(SHARDS[split])}-shards.txt"


def tokens_of(split, digest):
    return f"{TOKENS}/{digest}/{split}/{len(SHARDS[split])}-shards.txt"


def vocabulary_of(digest):
    return f"{TOKENS}/{digest}/vocabulary.safetensors"


def given_vocabulary(wildcards):
    """The vocabulary of an import; nothing where one is built."""
    given = PLAN.given_tokens.get(wildcards.digest)
    return f"{PLAN.results}/runs/{given.id}/vocabulary.safetensors" if given else []


def vocabulary_command(wildcards, input):
    """How the vocabulary is made: built by a rule, or taken from an import."""
    settings = PLAN.config.tokens.model_dump(mode="json", exclude={"revision"})
    if input.get("given"):
        return f"given-vocabulary --given {input.given} --snippets {settings['snippets']}"
    tokenizer = PLAN.tokenizers[wildcards.digest].model_dump_json()
    return f"vocabulary {options(settings)} --tokenizer {shlex.quote(tokenizer)}"


def reconstruction_of(row):
    """How well the row's vocabulary follows logs."""
    return f"{TOKENS}/{row.systems[0].tokens}/reconstruction.json"


SHARDS = {split: shard_names(split) for split in ("training", "validation")}
RECORDS = f"resources/synthetic/{PLAN.data_id}" if PLAN.source == "synthetic" else "resources/womd"
