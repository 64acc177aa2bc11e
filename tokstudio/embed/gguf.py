"""Tensors of a GGUF file: names, shapes and places, read without the weights and checked against the file.

A file holds its settings first, then one entry a tensor (name, dimensions with the fastest first, kind, place
behind the header), then the values, each tensor at a multiple of the alignment.
"""

import math
import struct
from pathlib import Path

from tokstudio.embed.header import AGAIN, Tensor
from tokstudio.errors import ModelError, TokenizerError
from tokstudio.tokens.gguf_file import Broken, read_entries

KINDS = {
    0: ("F32", 4),
    1: ("F16", 2),
    28: ("F64", 8),
    30: ("BF16", 2),
}  # number of the kind: name, bytes a value
Q8_0, Q8_VALUES, Q8_BYTES = 8, 32, 34  # a scale in float16 and 32 signed bytes
QUANTIZED = {
    **{2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K"},
    **{14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL"},
    **{21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"},
}
MOST_TENSORS = 1_000_000


def read_gguf(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Every tensor by name, and the settings. A kind that cannot be shown keeps its name as `dtype`."""
    try:
        settings, entries, start = read_entries(path, MOST_TENSORS)
        total = path.stat().st_size
        alignment = settings.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
            raise Broken("its alignment is no size")
    except TokenizerError as error:  # its settings; the sentence names the file
        raise ModelError(str(error), hint=error.hint) from None
    except (Broken, OSError, struct.error) as error:
        raise ModelError(f"{path.name} is no intact GGUF file: {error}.", hint=AGAIN) from None
    base = -(-start // alignment) * alignment
    tensors = {}
    for name, dimensions, kind, place in entries:
        tensors[name] = made = _tensor(path, name, dimensions, kind, base + place)
        if made.offset + made.size > total:
            raise ModelError(
                f"{path.name} is cut off: {name} ends at byte {made.offset + made.size:,} and the file at {total:,}.",
                hint=AGAIN,
            )
    return tensors, settings


def _tensor(path: Path, name: str, dimensions: list[int], kind: int, offset: int) -> Tensor:
    shape = tuple(reversed(dimensions))
    values = math.prod(shape)
    if kind in KINDS:
        dtype, item = KINDS[kind]
        return Tensor(name, dtype, shape, path, offset, values * item)
    if kind == Q8_0 and shape and shape[-1] % Q8_VALUES == 0:
        return Tensor(name, "Q8_0", shape, path, offset, values // Q8_VALUES * Q8_BYTES)
    return Tensor(name, QUANTIZED.get(kind, f"GGUF kind {kind}"), shape, path, offset, 0)


def settings_as_config(settings: dict) -> dict:
    """The names that the rest of the program knows."""
    architecture = settings.get("general.architecture", "")
    tokens = settings.get("tokenizer.ggml.tokens")
    config = {"architectures": [f"{architecture}ForCausalLM"] if architecture else []}
    size = settings.get(f"{architecture}.vocab_size") or (len(tokens) if tokens is not None else None)
    return config | ({"vocab_size": int(size)} if size else {})
