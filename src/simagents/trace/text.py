"""What is known of a cell, for people: value, scores, then the runs of each seed back to the first."""

from collections.abc import Iterator
from textwrap import fill
from typing import Any

from simagents.report.apart import apart
from simagents.report.rows import ONE_SEED

Json = dict[str, Any]


def as_text(told: Json) -> str:
    """Lines of a terminal; runs that several seeds share are described once."""
    lines = [
        f"{told['table']}: {told['row']['label']}, {told['column']['heading']}"
        f" (scale {told['scale']}, row {told['row']['name']}, column {told['column']['key']})",
        "",
        *_value(told),
        "",
        *_measured(told),
        *_data(told["data"]),
    ]
    described: set[str] = set()
    for chain in told["runs"]:
        for depth, system in enumerate(chain):
            start = "\nsystem " if depth == 0 else "\nparent "
            if system["id"] in described:
                lines.append(f"{start}{system['id']} and its parents: see above")
                break
            described.add(system["id"])
            lines.append(start + "\n  ".join(_system(system, told["command"])))
    return "\n".join(lines)


def _value(told: Json) -> Iterator[str]:
    if told["cell"] is None:
        why = {
            "outdated": f"{told['path']} was made for other runs, scores or columns than are planned"
            " now; no number of it is shown",
        }.get(told["state"], f"{told['path']} does not exist")
        yield f"value     {told['state']}: {why}"
        yield f"make it   {told['command']}"
        return
    pairs = told["cell"].get("pairs")
    yield f"value     {'one for each row' if pairs else told['printed']} (from {told['path']})"
    if why := apart(told["scale"], told["data"]["source"]):
        yield f"          {why}; not comparable with published numbers"
    yield from _pairs(told) if pairs else _spread(told)
    for each in told["differences"]:
        yield (
            f"          minus {each['minus']}: {_number(each['mean'])}, 95 % interval"
            f" {_number(each['low'])} to {_number(each['high'])}{_verdict(each)}"
        )


def _verdict(difference: Json) -> str:
    """With one seed an interval says nothing of training, so there is no p either."""
    if difference["covers"] == ONE_SEED:
        return " over scenarios alone: one seed gives no verdict"
    p = "" if difference["p"] is None else f", p {difference['p']:.3g}"
    return f"{p}, over {difference['covers']}"


def _spread(told: Json) -> Iterator[str]:
    """Only what the column has: a vocabulary is measured once, and a comparison has no deviation."""
    cell = told["cell"]
    parts = [f"mean as stored {_number(cell['mean'])}"]
    if cell["deviation"] is not None:
        parts.append(f"deviation over {told['seeds']} seeds {_number(cell['deviation'])}")
    if cell["standard_error"] is not None:
        error = _number(cell["standard_error"])
        parts.append(f"standard error over {told['scenarios']} scenarios {error}")
    if cell["undefined"]:
        parts.append(f"undefined on {cell['undefined']} of {told['scenarios']} scenarios")
    yield f"          {'; '.join(parts)}; {told['seeds']} system(s)"


def _pairs(told: Json) -> Iterator[str]:
    """Of the row with each one of the table; with itself, between halves of the scenes."""
    for label, pair in zip(told["rows"], told["cell"]["pairs"], strict=True):
        ends = f", 95 % interval {_number(pair['low'])} to {_number(pair['high'])}"
        known = "" if pair["low"] is None else ends
        yield f"          with {label}: {_number(pair['value'])}{known}"


def _measured(told: Json) -> Iterator[str]:
    evaluation = told["evaluation"]
    yield (
        f"measured  {evaluation['name']} ({evaluation['digest']}): {_settings(evaluation['settings'])}"
        if evaluation
        else f"measured  without rollouts: {told['column']['source'].removeprefix('/')} of"
    )
    for source in told["sources"]:
        yield f"          {source['path']}{'' if source['there'] else '  (planned, not made)'}"
    if not told["sources"]:
        yield "          no file: the system has no numbers of this kind"


def _data(data: Json) -> Iterator[str]:
    yield f"data      {data['source']} ({data['digest']}): {_settings(data['settings'])}"
    yield f"          {data['folder']}"


def _system(system: Json, command: str) -> Iterator[str]:
    tokens = system["tokens"] and f"{system['tokens']} ({system['tokenizer'] or 'given'})"
    if system["kind"] == "baseline":
        yield f"{system['id']}: not trained"
        yield f"tokens    {tokens or 'none'}"
        return
    if system["kind"] == "import":
        yield f"{system['id']}: imported from {system['folder']}{_missing(system, command)}"
        yield f"weights   SHA-256 {system['sha256']}"
        yield f"tokens    {tokens}"
        return
    yield f"{system['id']}: stage {system['stage']}, seed {system['seed']}{_missing(system, command)}"
    yield f"recipe    {system['recipe']}{'' if system['made'] else '  (planned)'}"
    yield from _changes(system)
    if system["calibration"]:
        measured = system["calibration"]["content"]
        found = _settings(measured) if measured else "planned, not made"
        yield f"threshold {found} ({system['calibration']['path']})"
    yield f"tokens    {tokens or 'none'}; training data {system['data']}"
    if system["made"]:
        yield from _made(system)


def _missing(system: Json, command: str) -> str:
    return "" if system["made"] else f"; planned, not made: {command}"


def _changes(run: Json) -> Iterator[str]:
    if run["changes"] is None:
        yield "settings  from random weights; the recipe has all of them"
        return
    yield f"settings  those of {run['parent']}, but for"
    gone = []
    for key, (before, after) in run["changes"].items():
        if after is None:
            gone.append(key)
        else:
            yield f"            {key}: {_plain(after)}" + (
                "" if before is None else f" (was {_plain(before)})"
            )
    if gone:
        yield f"            without {fill(', '.join(gone), 90, subsequent_indent=' ' * 22)}"


def _made(run: Json) -> Iterator[str]:
    made = run["provenance"]
    tree = {True: "tree clean", False: "tree with changes", None: "not in git"}[made["clean"]]
    versions = ", ".join(f"{name} {version}" for name, version in made["packages"].items())
    yield f"commit    {made['commit']}, {tree}"
    yield f"versions  Python {made['python']}, {versions}"
    hardware = made.get("hardware")
    where = (
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gb']} GB,"
        f" GPU {hardware['gpu'] or 'none'}"
        if hardware
        else "not recorded by this version"
    )
    yield f"hardware  {made['machine']}; {where}"
    cpu = run["cpu_seconds"]
    spent = "CPU time not recorded by this version" if cpu is None else f"CPU time {cpu:.0f} s"
    yield (
        f"time      {run['wall_seconds']:.0f} s in {run['steps']} steps, without reading data, validation and saves;"
        f" {spent}; processes {made.get('processes', 'not recorded')}"
    )


def _settings(content: Json) -> str:
    return ", ".join(f"{key} {_plain(value)}" for key, value in content.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + _settings(value) + "}"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.6g}"
