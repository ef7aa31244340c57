"""Which policy gradients there are, and what each asks for: read off their signatures."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from pkgutil import iter_modules
from types import ModuleType

from simagents import algorithms
from simagents.errors import unknown_key

MEASURED: dict[str, frozenset[str]] = {
    "logp": frozenset(),
    "logp_old": frozenset({"passes"}),
    "divergence": frozenset({"divergence"}),
    "reward": frozenset({"reward", "challenge"}),
    "value": frozenset({"value_warmup", "value_learning_rate"}),
    "advantage": frozenset({"discount", "gae_lambda"}),
    "returns": frozenset({"discount", "gae_lambda"}),
    "weight": frozenset(),
}
"""What a loss may ask for, and the coefficients that it takes to measure it.

[S, R, A, T], log-probabilities of the tokens taken now and when they were sampled, the divergence
from the reference, values, whitened advantages and returns; [S, R], the reward; and the `weight` of
each token.
"""
SAMPLING = frozenset({"sampling_top_k", "temperature"})
REWARD = frozenset({"reward", "challenge"})


@dataclass(frozen=True)
class Objective:
    """A loss with the names of its arguments."""

    loss: Callable
    measured: tuple[str, ...]
    """before the `*` of the signature"""
    coefficients: tuple[str, ...]
    """behind it"""

    @staticmethod
    def of(loss: Callable) -> "Objective":
        parameters = signature(loss).parameters.values()
        behind = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
        before = [p.name for p in parameters if p.kind is not Parameter.KEYWORD_ONLY]
        return Objective(loss, tuple(before), tuple(behind))

    @property
    def needs(self) -> set[str]:
        """Coefficients that a recipe of this algorithm must have.

        Raises InputError where the loss asks for something that nobody measures.
        """
        for name in self.measured:
            if name not in MEASURED:
                where = f"{self.loss.__module__}.{self.loss.__name__}"
                raise unknown_key(name, where, MEASURED)
        made = frozenset().union(*(MEASURED[name] for name in self.measured))
        # Reward and divergence are logged whether or not the loss wants them.
        return {*made, *SAMPLING, *REWARD, "divergence", *self.coefficients}


def losses(package: ModuleType = algorithms) -> dict[str, Callable]:
    """Every `name_loss` of a module `name.py`, by name."""
    found = {}
    for module in iter_modules(package.__path__):
        loss = getattr(
            import_module(f"{package.__name__}.{module.name}"), f"{module.name}_loss", None
        )
        if loss is not None:
            found[module.name] = loss
    return found
