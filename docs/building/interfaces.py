"""Pages of the public modules, from their source: signatures as they are written, docstrings as Markdown.

Sphinx's own autodoc imports modules, torch among them, shows the values of annotations in place of their names,
and reads docstrings as reStructuredText; those of this project are Markdown.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PUBLIC: dict[str, tuple[str, ...]] = {
    "metric": ("The metric, usable alone",
        "simagents.metrics.challenge", "simagents.metrics.statistics", "simagents.metrics.wosac",
        "simagents.metrics.distance", "simagents.metrics.goals", "simagents.submission.score",
    ),
    "scenarios": ("Scenarios and files",
        "simagents.scenarios.scenario", "simagents.scenarios.womd.decode",
        "simagents.scenarios.womd.encode", "simagents.scenarios.store",
        "simagents.scenarios.shard_file", "simagents.scenarios.lookup",
        "simagents.scenarios.rollout_file", "simagents.scenarios.incident_file",
        "simagents.scenarios.synthetic.generate",
    ),
    "registries": ("Registries and settings",
        "simagents.config.keys", "simagents.config.configuration", "simagents.config.reading",
        "simagents.config.recipe", "simagents.config.stages", "simagents.config.algorithms",
        "simagents.config.credit", "simagents.config.rewards", "simagents.config.models",
        "simagents.config.tokenizers", "simagents.config.figures", "simagents.errors",
    ),
    "models": ("A model of your own",
        "simagents.models.policy", "simagents.models.log_policy", "simagents.models.families",
        "simagents.models.scenes", "simagents.models.paths", "simagents.models.distribution",
        "simagents.models.reconstruction", "simagents.models.forecasting", "simagents.models.nearby",
    ),
    "learning": ("A reward, a credit rule, an algorithm of your own",
        "simagents.rewards.reward", "simagents.algorithms", "simagents.algorithms.credit",
        "simagents.algorithms.credit.constant", "simagents.algorithms.credit.leave_one_out",
        "simagents.algorithms.credit.mloo", "simagents.algorithms.credit.rloo",
        "simagents.algorithms.credit.scene_mean", "simagents.algorithms.credit.reward_to_go",
        "simagents.algorithms.credit.gae", "simagents.algorithms.policy_gradient",
        "simagents.algorithms.surrogate", "simagents.algorithms.kl", "simagents.algorithms.weights",
        "simagents.algorithms.whitening", "simagents.algorithms.dpo",
        "simagents.algorithms.supervised", "simagents.algorithms.smoothing",
        "simagents.algorithms.reconstruction", "simagents.algorithms.forecasting",
        "simagents.algorithms.goals", "simagents.training.learners.learner",
    ),
    "driving": ("A controller, a planner, a tokenizer of your own",
        "simagents.simulation.controller", "simagents.simulation.rollout",
        "simagents.simulation.rules", "simagents.planners.planner",
        "simagents.planners.surroundings", "simagents.planners.bicycle",
        "simagents.planners.closed_loop", "simagents.tokens.tokenizers",
    ),
    "results": ("Plans and results",
        "simagents.planning.plan", "simagents.planning.exhibits", "simagents.planning.chains",
        "simagents.planning.runs", "simagents.report.cells", "simagents.report.scores", "simagents.differences",
        "simagents.geometry",
    ),
}  # fmt: skip
"""By page: its title, by what a reader looks for, and modules. Others may change without notice."""


def pages(root: Path) -> dict[str, str]:
    """A page for each group, and a list of all modules by group."""
    texts, lists = {}, []
    for name, (title, *modules) in PUBLIC.items():
        sources = [Module.read(module, root) for module in modules]
        text = "\n".join([f"# {title}", "", *map(section, sources)])
        texts[f"api/modules/{name}.md"] = text
        rows = [f"| {{py:mod}}`{source.name}` | {source.does} |" for source in sources]
        head = f"## [{title}](modules/{name}.md)"
        lists.append("\n".join([head, "", "| module | holds |", "|---|---|", *rows]))
    paths = "\n".join(f"modules/{name}" for name in PUBLIC)
    lists.append(f"```{{toctree}}\n:hidden:\n\n{paths}\n```")
    return {**texts, "_generated/modules.md": "\n\n".join(lists) + "\n"}


def place(module: str) -> str | None:
    """Where in the API a module is, or the first public one in a package; None where none is public."""
    for name, (_, *modules) in PUBLIC.items():
        inside = [m for m in modules if m == module or m.startswith(f"{module}.")]
        if inside:
            return f"modules/{name}.html#module-{module if module in inside else inside[0]}"
    return None


@dataclass(frozen=True)
class Module:
    """The source of a public module."""

    name: str
    tree: ast.Module
    path: str
    """in the repository"""

    @staticmethod
    def read(name: str, root: Path) -> "Module":
        """Raises FileNotFoundError for a module that there is not."""
        path = root / "src" / Path(*name.split("."))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        return Module(name, ast.parse(path.read_text()), str(path.relative_to(root)))

    @property
    def does(self) -> str:
        """The first sentence of its docstring."""
        first, _, _ = text_of(self.tree).partition("\n\n")
        return re.split(r"(?<=\.) ", " ".join(first.split()))[0].replace("|", r"\|")


def section(module: Module) -> str:
    """Markdown with a directive of Sphinx for each public name."""
    parts = [f"## {module.name}", f"```{{py:module}} {module.name}\n```", text_of(module.tree)]
    parts += [f"Source: `{module.path}`.", *_members(module.tree.body)]
    return "\n\n".join(part for part in parts if part) + "\n"


def text_of(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """A docstring as Markdown."""
    return as_text(ast.get_docstring(node) or "")


def as_text(said: str) -> str:
    """Stars, angle brackets, dollars and a bracket that begins a line mean themselves, but in code."""
    parts = re.split(r"(`[^`]*`|^    .*$)", said, flags=re.MULTILINE)
    parts[::2] = [re.sub(r"([*<$]|^\[)", r"\\\1", text, flags=re.MULTILINE) for text in parts[::2]]
    return "".join(parts)


def _members(body: list[ast.stmt], method: bool = False) -> Iterator[str]:
    for node, after in zip(body, [*body[1:], None], strict=True):
        described = after.value.value if _is_text(after) else ""
        match node:
            case ast.FunctionDef(name=name) if _public(name):
                yield _function(node, method)
            case ast.ClassDef(name=name) if _public(name):
                yield _class(node)
            case ast.AnnAssign(target=ast.Name(id=name)) if _public(name) and (method or described):
                lines = [f":type: {ast.unparse(node.annotation)}"]
                kind = "py:attribute" if method else "py:data"
                yield _directive(kind, name, lines, as_text(_joined(described)), method)
            case ast.Assign(targets=[ast.Name(id=name)]) if _public(name) and described:
                shown = ast.unparse(node.value)
                lines = [f":value: {shown}"] if len(shown) < 60 else []
                kind = "py:attribute" if method else "py:data"
                yield _directive(kind, name, lines, as_text(_joined(described)), method)


def _function(node: ast.FunctionDef, method: bool) -> str:
    decorators = {ast.unparse(each) for each in node.decorator_list}
    arguments = _signature(node, drops_self=method and "staticmethod" not in decorators)
    returns = f" -> {_annotation(node.returns)}" if node.returns else ""
    if decorators & {"property", "cached_property"}:
        lines = [f":type: {_annotation(node.returns)}"] if node.returns else []
        return _directive("py:property", node.name, lines, text_of(node), method)
    lines = [f":{flag}:" for flag in ("staticmethod", "classmethod") if flag in decorators]
    kind = "py:method" if method else "py:function"
    return _directive(kind, f"{node.name}({arguments}){returns}", lines, text_of(node), method)


def _annotation(node: ast.expr) -> str:
    """A class that is named before it exists is written as text."""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _class(node: ast.ClassDef) -> str:
    bases = ", ".join(f"`{ast.unparse(base)}`" for base in node.bases)
    parts = [f"Bases: {bases}" if bases else "", text_of(node)]
    init = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    arguments = f"({_signature(init[0], drops_self=True)})" if init else ""
    parts += _members(node.body, method=True)
    inner = "\n\n".join(part for part in parts if part)
    return _directive("py:class", f"{node.name}{arguments}", [], inner, False)


def _signature(node: ast.FunctionDef, drops_self: bool) -> str:
    arguments = node.args
    if drops_self:
        arguments = ast.arguments(
            arguments.posonlyargs, arguments.args[1:], arguments.vararg, arguments.kwonlyargs,
            arguments.kw_defaults, arguments.kwarg, arguments.defaults,
        )  # fmt: skip
    return ast.unparse(arguments)


def _directive(kind: str, name: str, lines: list[str], inner: str, nested: bool) -> str:
    fence = ":::" if nested else "::::"
    return "\n".join([f"{fence}{{{kind}}} {name}", *lines, "", inner, fence])


def _is_text(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _joined(text: str) -> str:
    return " ".join(text.split())


def _public(name: str) -> bool:
    return not name.startswith("_") or name == "__call__"
