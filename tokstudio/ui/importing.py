"""Imports that take long, in a thread: pyqtgraph takes 140 ms, the Transfer page 240, and an import cannot be cut."""

import importlib
import sys
import threading
from collections.abc import Callable, Iterator

WAIT = 10  # milliseconds between two looks


def imported(module: str, also: Callable[[], object] | None = None) -> Iterator[int]:
    """For `InTurns`: imports the module, and then calls `also`, which must not touch Qt. Raises what they raise.

    Only for modules that make no QObject while they are imported: it would belong to a thread that ends.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            importlib.import_module(module)
            if also is not None:
                also()
        except BaseException as error:
            raised.append(error)

    if module in sys.modules and also is None:
        return
    thread = threading.Thread(target=work, name=f"import {module}")
    thread.start()
    while thread.is_alive():
        yield WAIT
    if raised:
        raise raised[0]
