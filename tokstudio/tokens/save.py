"""Write a tokenizer into a folder, as transformers reads it."""

from pathlib import Path

from tokstudio.errors import TokenizerError
from tokstudio.tokens.graft import grafted
from tokstudio.tokens.reference import load_tokenizer
from tokstudio.tokens.spec import NOTES, notes_of, parse_spec, spec_folder


def save_tokenizer(reference: str, folder: Path, *, replace: bool = False) -> list[str]:
    """tokenizer.json, tokenizer_config.json and the chat template of `reference`, a spec or not. What a person
    should know about it is returned.

    Raises TokenizerError where `folder` has something in it, unless `replace`, or cannot be written.
    """
    spec = parse_spec(reference)
    if spec.plain:
        files, notes = grafted(load_tokenizer(spec.base), spec)
    else:
        made = spec_folder(spec)
        files = {path.name: path.read_bytes() for path in made.iterdir() if path.name != NOTES}
        notes = notes_of(reference)
    try:
        if folder.exists() and not folder.is_dir():
            raise TokenizerError(f"{folder} is a file.", hint="Name a folder.")
        if folder.is_dir() and any(folder.iterdir()) and not replace:
            raise TokenizerError(
                f"The folder {folder} is not empty.", hint="Name another one, or allow it to be overwritten."
            )
        folder.mkdir(parents=True, exist_ok=True)
        if "chat_template.jinja" not in files:  # of whatever was here before
            (folder / "chat_template.jinja").unlink(missing_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise TokenizerError(
            f"{folder} cannot be written: {error.strerror}.", hint="Name another folder."
        ) from None
    return notes
