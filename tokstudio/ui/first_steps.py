"""The four hints of the first start."""

from collections.abc import Callable

from tokstudio.ui.widgets.hints import Hint

KEY = "hints/seen"


def first_steps(show: Callable[[str], object], demo: Callable[[], object]) -> list[Hint]:
    """`show`: a page by its name; `demo`: the demo transfer."""
    return [
        Hint(
            "Type or paste into Text: each pane shows how one tokenizer splits it. Color marks where they differ.",
            "Show Compare",
            lambda: show("compare"),
        ),
        Hint(
            "Drop a tokenizer, a model or a text anywhere on the window, or find one by name with Ctrl+K.",
        ),
        Hint(
            "Vocabulary lists every token; Embeddings and Model look inside a language model.",
            "Show Vocabulary",
            lambda: show("vocabulary"),
        ),
        Hint(
            "Transfer moves a model to another tokenizer. The demo needs only this machine; F1 has help for each page.",
            "Start the demo transfer",
            demo,
        ),
    ]
