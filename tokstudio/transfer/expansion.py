"""Give a byte model the rows of the subwords it used to read: see tokstudio/models/expanded_bytes.py."""

import copy
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer
from tokstudio.transfer.surgery import is_tied, untie

if TYPE_CHECKING:
    from tokstudio.models.expanded_bytes import ExpandedEmbedding

LONGEST = 16  # bytes; longer tokens are left out, rather than matched too early by their last 16


def byte_codes(tokenizer: Tokenizer) -> np.ndarray:
    """The byte that each id stands for, 256 for special tokens: int64 [v]. Raises TransferError for a tokenizer
    with longer tokens."""
    codes = np.full(len(tokenizer), 256, np.int64)
    special = set(tokenizer.special_tokens.values())
    for token in range(len(tokenizer)):
        data = tokenizer.token_bytes(token)
        if token in special or not data:
            continue
        if len(data) != 1:
            raise TransferError(
                f"{tokenizer.name} has tokens of several bytes, as {data!r}.",
                hint="Subword context is for byte models: set the tokenizer to bytes, or expansion.longest to 0.",
            )
        codes[token] = data[0]
    return codes


def reversed_trie(
    spellings: Sequence[bytes | None], longest: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(keys, entry, tokens): `keys` and `entry` as ExpandedEmbedding has them, `tokens` the index in `spellings` of
    each entry. Of equal spellings the first counts. A node's number is its place among the sorted edges and one."""
    chosen: dict[bytes, int] = {}
    for token, data in enumerate(spellings):
        if data and len(data) <= longest:
            chosen.setdefault(data[::-1], token)
    level, keys, entry = {b"": 0}, [], [-1]
    tokens: list[int] = []
    for depth in range(1, max(map(len, chosen), default=0) + 1):
        paths = {path[:depth] for path in chosen if len(path) >= depth}
        order = sorted(
            paths, key=lambda path: (level[path[:-1]], path[-1])
        )  # a level's nodes follow the last one's
        keys += [level[path[:-1]] * 256 + path[-1] for path in order]
        level = {path: len(entry) + i for i, path in enumerate(order)}
        for path in order:
            token = chosen.get(path)
            entry.append(-1 if token is None else len(tokens))
            if token is not None:
                tokens.append(token)
    return np.array(keys, np.int64), np.array(entry, np.int64), np.array(tokens, np.int64)


def expand(
    model: Any,
    source: Tokenizer,
    target: Tokenizer,
    matrix: np.ndarray,
    *,
    longest: int = LONGEST,
    trained: bool = True,
    empty_bytes: bool = True,
) -> "ExpandedEmbedding":
    """Replace the input embedding of `model`, which has `target`'s rows, in place. `matrix` [v_source, d] are the
    source's input rows, `trained`: do they learn? `empty_bytes`: the rows of bytes begin at zero, so that at first
    a byte looks like the token that ends there and no more."""
    import torch

    from tokstudio.models.expanded_bytes import ExpandedEmbedding

    codes = byte_codes(target)
    special = set(source.special_tokens.values())
    known = min(len(source), len(matrix))
    spellings = [None if t in special else source.token_bytes(t) for t in range(known)]
    keys, entry, tokens = reversed_trie(spellings, longest)
    if is_tied(model):
        untie(model)
    old = model.get_input_embeddings()
    scale = float(getattr(old, "scalar_embed_scale", 1.0))  # Gemma's rows are made larger on their way in
    size, width = old.weight.shape
    new = ExpandedEmbedding(size, width, len(tokens), len(keys), longest=longest, scale=scale)
    with torch.no_grad():
        new.weight.copy_(old.weight)
        new.subwords.copy_(torch.from_numpy(matrix[tokens]))
        if empty_bytes:
            new.weight[torch.from_numpy(codes < 256)] = 0
    for buffer, value in ((new.codes, codes), (new.keys, keys), (new.entry, entry)):
        buffer.copy_(torch.from_numpy(value))
    new = new.to(device=old.weight.device, dtype=old.weight.dtype)
    new.weight.requires_grad_(old.weight.requires_grad)
    new.subwords.requires_grad_(trained)
    model.set_input_embeddings(new)
    new.watch(model.base_model)
    return new


def expansion_of(model: Any) -> "ExpandedEmbedding | None":
    from tokstudio.models.expanded_bytes import ExpandedEmbedding

    found = model.get_input_embeddings()
    return found if isinstance(found, ExpandedEmbedding) else None


def for_export(model: Any) -> Any:
    """`model` as a class of its own where its input is expanded, sharing its weights; else `model` itself."""
    from tokstudio.models.expanded_bytes import ExpandedBytesConfig, ExpandedBytesForCausalLM

    embedding = expansion_of(model)
    if embedding is None or isinstance(model, ExpandedBytesForCausalLM):
        return model
    inner = {k: v for k, v in model.config.to_dict().items() if k != "_name_or_path"}
    config = ExpandedBytesConfig(
        inner,
        subwords=len(embedding.subwords),
        edges=len(embedding.keys),
        longest=embedding.longest,
        scale=embedding.scale,
        **{k: inner.get(k) for k in ("bos_token_id", "eos_token_id", "pad_token_id")},
    )
    made = ExpandedBytesForCausalLM.around(model, config)
    made.generation_config = copy.deepcopy(model.generation_config)
    return made


def write_loader(folder: Path) -> None:
    """The file that knows how to open the model, beside it, and a word on why."""
    from tokstudio.models import expanded_bytes

    shutil.copyfile(expanded_bytes.__file__, folder / "expanded_bytes.py")
    (folder / "HOW_TO_OPEN.txt").write_text(
        "Each byte's input row of this model has the row of the longest subword that ends there added to it.\n"
        "No architecture of transformers has such an input, so the folder holds the code that makes it:\n"
        "expanded_bytes.py. Read it, then either import it before AutoModelForCausalLM.from_pretrained, or call\n"
        "that with its argument trust_remote_code. Otherwise the model does not open, rather than opening wrongly.\n"
        "\n"
        "    import sys\n"
        "    from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "\n"
        '    folder = "this folder"\n'
        "    sys.path.insert(0, folder)\n"
        "    import expanded_bytes\n"
        "\n"
        "    model = AutoModelForCausalLM.from_pretrained(folder)\n"
        "    tokenizer = AutoTokenizer.from_pretrained(folder)\n",
        encoding="utf-8",
    )
