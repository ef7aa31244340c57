"""A head for each class of agents, because a shared one would be mostly padding."""

from jaxtyping import Float, Int64
from torch import Tensor, nn

from simagents.models.perceptrons import mlp_head
from simagents.models.smart.classes import by_class
from simagents.tokens.vocabulary import Vocabulary


class ClassHeads(nn.Module):
    """As many outputs for a class as it has tokens (TrajTok, Zhang et al. 2025,
    arXiv:2506.21618).

    The published sizes are 8,040, 3,001 and 2,798 tokens; a shared head would have 8,040 for all.
    """

    def __init__(self, width: int, vocabulary: Vocabulary):
        super().__init__()
        self.size = vocabulary.size
        self.of_class = nn.ModuleList(
            mlp_head(width, width, count) for count in vocabulary.count.tolist()
        )

    def forward(
        self, x: Float[Tensor, "N width"], agent_class: Int64[Tensor, "N"]
    ) -> Float[Tensor, "N V"]:
        """Logits in the order of the vocabulary; those of padding are undefined."""
        logits = x.new_zeros(len(x), self.size)
        for head, rows in zip(self.of_class, by_class(agent_class), strict=True):
            of_class = head(x[rows])
            padded = nn.functional.pad(of_class, (0, self.size - of_class.shape[-1]))
            logits = logits.index_copy(0, rows, padded.to(logits.dtype))
        return logits
