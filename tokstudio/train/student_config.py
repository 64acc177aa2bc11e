"""Settings of what is done to a student's inputs and outputs before it learns. No torch here."""

from dataclasses import dataclass

from tokstudio.train.settings import setting


@dataclass(frozen=True)
class ExpansionConfig:
    """Bytes that see subwords."""

    longest: int = setting(
        0,
        "Subword context",
        "For byte models: each byte also gets the row of the longest source token that ends there, "
        "of at most this many bytes; 0: none. The export then needs a file of code that lies in its folder.",
        unit="bytes",
        low=0,
        high=16,
    )
    train: bool = setting(True, "Train these rows", "Off: they stay what the source model had.")
    empty_bytes: bool = setting(
        True, "Empty byte rows", "The rows of single bytes begin at zero and only add what is learnt."
    )


@dataclass(frozen=True)
class RowFitConfig:
    """Fit of the new rows under token distillation."""

    steps: int = setting(100, "Steps of the fit", "0: the rows stay as they start.", low=0)
    batch_size: int = setting(8, "Texts a step of the fit", low=1)
    window_bytes: int = setting(512, "Size of these texts", unit="bytes", low=32)
    learning_rate: float = setting(
        1e-2, "Learning rate of the fit", "Of the new rows; it falls to zero.", low=0
    )


@dataclass(frozen=True)
class ProjectorConfig:
    """A small network that moves all token rows alike."""

    kind: str = setting(
        "identity",
        "Row network",
        "transformer: layers between the token rows and the model, which begin as no change and become plain rows "
        "in the export. identity: none.",
        choices=("identity", "transformer"),
    )
    layers: int = setting(1, "Layers", low=1, high=8)
    strength: float = setting(1.0, "Strength", "Factor of what the layers add.", low=0)
