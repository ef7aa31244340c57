"""Costs and power as the commands print them."""

import re
from pathlib import Path

from simagents.costs import tables as costs
from simagents.power import tables as power

COSTS = ("paper", "lab")
POWER = {
    "paper": power.Args(),
    "paper-small": power.Args(spread="small", brief=True),
    "lab": power.Args(scale="lab"),
}


def pages(root: Path) -> dict[str, str]:
    """Parts that pages include."""
    parts = {f"costs-{scale}": costs.report(root, {"scale": scale}) for scale in COSTS}
    for name, args in POWER.items():
        text = power.report(power.Args(args.scale, args.spread, brief=args.brief, root=root))
        parts[f"power-{name}"] = _folded(text)
    return {f"_generated/{name}.md": text for name, text in parts.items()}


def _folded(text: str) -> str:
    """The long table of all orderings opens when clicked."""
    return re.sub(
        r"(\| table \| the paper puts .*?\n)\n", r"<details><summary>All orderings</summary>\n\n\1\n</details>\n\n",
        text + "\n", count=1, flags=re.DOTALL,
    )  # fmt: skip
