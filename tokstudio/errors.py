"""Errors a person can act on. Anything else is a bug and reaches the crash dialog.

TokstudioError
├── InputError          what was typed, pasted or named cannot be used
├── TokenizerError      a tokenizer cannot be loaded or run
├── AlignmentError      two encodings do not describe the same text
├── ModelError          a model or matrix file cannot be read
├── TransferError       a method cannot produce the rows it was asked for
├── ConfigError         a setting is unknown or out of range
└── RunError            a supervised run cannot start, or ended badly
"""


class TokstudioError(Exception):
    """Base class. `hint` is what the person can do next; window and CLI show it as its own line."""

    def __init__(self, message: str, *, hint: str = ""):
        super().__init__(message)
        self.hint = hint


class InputError(TokstudioError):
    """What was typed, pasted or named cannot be used."""


class TokenizerError(TokstudioError):
    """A tokenizer cannot be loaded or run."""


class AlignmentError(TokstudioError):
    """Two encodings do not describe the same text."""


class ModelError(TokstudioError):
    """A model or matrix file cannot be read."""


class TransferError(TokstudioError):
    """A transfer method cannot produce the rows it was asked for."""


class ConfigError(TokstudioError):
    """A setting is unknown or out of range."""


class RunError(TokstudioError):
    """A supervised run cannot start, or ended badly."""
