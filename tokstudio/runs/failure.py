"""What went wrong in a run, as a sentence for people."""

import traceback

from tokstudio.errors import TokstudioError
from tokstudio.events import Failed
from tokstudio.runs.files import is_disk_full


def explain(error: Exception, step: int, way_on: str) -> Failed:
    """`way_on` says from where a resume would continue. The traceback is kept as detail, except for an error
    that a person can act on: it would only be noise there."""
    where = f" at step {step:,}" if step else ""
    if isinstance(error, TokstudioError):
        return Failed(message=str(error), hint=error.hint or way_on)
    detail = "".join(traceback.format_exception(error))
    if is_disk_full(error):
        return Failed(message=f"The disk is full{where}.", hint=f"Free some space. {way_on}", detail=detail)
    if type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError):
        return Failed(
            message=f"The device ran out of memory{where}.",
            hint=f"Start again with a smaller batch. {way_on}",
            detail=detail,
        )
    if isinstance(error, PermissionError):
        return Failed(
            message=f"The run may not write {error.filename}.",
            hint=f"Give yourself the right to write there. {way_on}",
            detail=detail,
        )
    return Failed(message=f"A fault in Tokstudio ended the run{where}: {error!r}", hint=way_on, detail=detail)
