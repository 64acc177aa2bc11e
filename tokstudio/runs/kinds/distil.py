"""A smaller model learns the next-token distributions of a larger one that has the same tokenizer."""

from tokstudio.runs.kinds import RunKind, register
from tokstudio.runs.kinds.transfer import loader, run

DISTIL = register(RunKind(name="distil", title="Distillation", load=loader("distil"), run=run, ranks=True))
