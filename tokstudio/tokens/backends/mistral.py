"""Mistral's vocabularies: Tekken files, and what the package `mistral-common` carries under `mistral:`."""

import json
from binascii import Error as Base64Error
from binascii import a2b_base64
from hashlib import sha256
from pathlib import Path
from typing import Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.backends import sentencepiece
from tokstudio.tokens.backends.tiktoken import TiktokenTokenizer, check_pattern
from tokstudio.tokens.base import BACKENDS, Backend, Tokenizer
from tokstudio.tokens.mistral_data import FILES, FIRST_SPECIALS, packaged_file
from tokstudio.tokens.rank_files import Ranks
from tokstudio.tokens.sniff import is_tekken
from tokstudio.tokens.table import TokenTable

FETCH = "Fetch or copy it again, or choose the tokenizer.json of the same model."
MOST = 4_000_000  # ids
BEGIN = "<s>"


def load(path: Path, reference: str, name: str) -> TiktokenTokenizer:
    """Byte-level BPE whose first ids are special tokens. A text begins with <s>."""
    data = path.read_bytes()
    try:
        content = json.loads(data)
        config = content["config"]
        size, count = int(config["default_vocab_size"]), int(config["default_num_special_tokens"])
        if not 0 <= count < size <= MOST:
            raise ValueError(f"it cannot have {size:,} ids of which {count:,} are special")
        specials = _specials(content.get("special_tokens"), count)
        table = _table(content["vocab"], size, count)
        pattern = str(config["pattern"])
    except (
        *(KeyError, TypeError, ValueError, AttributeError, RecursionError),
        *(OverflowError, Base64Error),
    ) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise TokenizerError(
            f"{path.name} cannot be read as a Tekken vocabulary: {reason}.", hint=FETCH
        ) from None
    check_pattern(pattern, path.name)
    return TiktokenTokenizer(
        reference, name, Ranks(table, sha256(data).hexdigest()), pattern, specials, BEGIN
    )


def _specials(listed: Any, count: int) -> dict[str, int]:
    """Files of older versions do not list them; what is left of the first `count` ids is named by number."""
    names = dict(enumerate(FIRST_SPECIALS[:count])) if listed is None else {}
    for entry in listed or ():
        names[int(entry["rank"])] = str(entry["token_str"])
    found = {names.get(i, f"<SPECIAL_{i}>"): i for i in range(count)}
    if len(found) != count or (names and max(names) >= count):
        raise ValueError("a special token is there twice or has no place")
    return found


def _table(vocabulary: list[dict], size: int, count: int) -> TokenTable:
    """The bytes of every id. A file may hold more tokens than the model uses: the last ones are left out."""
    wanted = size - count
    tokens: list[bytes | None] = [None] * size
    for entry in vocabulary[:wanted]:
        rank = entry["rank"]
        if not isinstance(rank, int) or not 0 <= rank < wanted or tokens[count + rank] is not None:
            raise ValueError(f"the rank {rank} is there twice or out of range")
        tokens[count + rank] = a2b_base64(entry["token_bytes"])
    if len(set(tokens[count:])) != wanted or None in tokens[count:]:
        raise ValueError("a token is missing or there twice")
    if missing := [byte for byte in range(256) if bytes([byte]) not in tokens[count : count + 256]]:
        raise ValueError(f"it has no token for byte 0x{missing[0]:02x} at its beginning")
    return TokenTable.from_list(tokens)


def open_named(name: str) -> Tokenizer:
    if name not in FILES:
        raise TokenizerError(
            f"There is no vocabulary of Mistral's named {name!r}.", hint=f"Known are {', '.join(FILES)}."
        )
    if (path := packaged_file(name)) is None:
        raise TokenizerError(
            f"The vocabulary mistral:{name} is not on this machine.",
            hint="Install the package mistral-common, which carries it.",
        )
    opened = load if path.suffix == ".json" else sentencepiece.load
    return opened(path, f"mistral:{name}", f"Mistral {name}")


def claims(path: Path, head: bytes) -> bool:
    return path.suffix == ".json" and is_tekken(head)


BACKENDS.add(
    "mistral",
    Backend(scheme="mistral", named=open_named, files={"tekken*.json": 1}, claims=claims, load=load),
)
