"""Who says what the text's probabilities should be: the student's own start, or another model."""

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokstudio.models.load import load_model
from tokstudio.tokens.base import Tokenizer
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.train.config import TransferConfig
from tokstudio.train.data import TokenBatch
from tokstudio.train.scores import AnyScores

if TYPE_CHECKING:
    import torch

    from tokstudio.train.students import Student


class Teacher:
    tokenizer: Tokenizer
    limit: int  # longest input in tokens

    def model(self) -> contextlib.AbstractContextManager[Any]:
        """In evaluation mode, for as long as the context lasts."""
        raise NotImplementedError

    def scores(self, index: int, batch: TokenBatch, needs: frozenset[str], precision: str) -> AnyScores:
        """Of batch `index`, without gradient."""
        import torch

        from tokstudio.models.lean import lean
        from tokstudio.train.forward import scores_of
        from tokstudio.train.head import splits_well

        with torch.no_grad(), self.model() as model:
            if not hasattr(self, "whole"):
                self.whole = not splits_well(model)
                lean(model)
            return scores_of(
                model, batch, needs=needs, precision=precision, whole=self.whole, tokens=len(self.tokenizer)
            )


@dataclass(eq=False)
class OwnStart(Teacher):
    """What the student was before it got the new vocabulary."""

    student: "Student"
    tokenizer: Tokenizer
    limit: int

    def model(self):
        return self.student.as_source()


@dataclass(eq=False)
class OtherModel(Teacher):
    """Another model with a tokenizer of its own."""

    loaded: Any
    tokenizer: Tokenizer
    limit: int

    @contextlib.contextmanager
    def model(self):
        yield self.loaded


def other_teacher(config: TransferConfig, device: "torch.device") -> OtherModel | None:
    """The teacher that the settings name; None where it is the student's own start."""
    if not config.teacher:
        return None
    model = load_model(config.teacher).to(device).eval().requires_grad_(False)
    return OtherModel(model, load_tokenizer(config.teacher), model.config.max_position_embeddings)
