"""Train a language model further on one's own text, with the tokenizer it has."""

from tokstudio.runs.kinds import RunKind, register
from tokstudio.runs.kinds.transfer import loader, run

FINETUNE = register(
    RunKind(name="finetune", title="Fine-tuning", load=loader("finetune"), run=run, ranks=True)
)
