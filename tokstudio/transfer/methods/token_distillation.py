"""Token distillation (Dobler, Elliott and de Melo 2025, arXiv 2505.20133): rows fitted to the old hidden states.

Here are the rows that the fit starts from: copies, else the mean of the source pieces. The fit itself needs the whole
model, so whoever gives a model these rows does it: `fits` says so (tokstudio/train/distill_rows.py).
"""

from collections.abc import Iterator

from tokstudio.transfer.base import Rows, TransferProblem, transfer_method
from tokstudio.transfer.compose import compose


@transfer_method(
    "token-distillation",
    title="Token distillation",
    help="Means of old pieces, then fitted to your texts; the body stays frozen.",
    paper="https://arxiv.org/abs/2505.20133",
    needs_texts=True,
    fits=True,
)
def token_distillation(problem: TransferProblem) -> Iterator[Rows]:
    yield from compose(problem, lambda pieces: [1 / len(pieces)] * len(pieces))
