"""Numbers as the Embeddings page writes them."""


def signed(value: float, digits: int = 4) -> str:
    """With its sign, and a real minus."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def plain(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace("-", "\u2212")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"
