"""A Hugging Face normalizer or pre-tokenizer in a few words."""

from tokstudio.tokens.hf_parts import parts

SILENT = {"Sequence"}


def describe(component) -> str:
    """ "NFD, Lowercase, Strip accents"."""
    return ", ".join(_one(part) for part in parts(component) if part.get("type") not in SILENT) or "none"


def _one(part: dict) -> str:
    kind = part.get("type", "")
    if kind == "BertNormalizer":
        return _bert(part)
    if kind in ("Replace", "Split"):
        pattern = part.get("pattern")
        value = next(iter(pattern.values()), "") if isinstance(pattern, dict) else pattern
        return f"{kind} {value!r}" + (f" by {part['content']!r}" if "content" in part else "")
    if kind == "Prepend":
        return f"Prepend {part.get('prepend')!r}"
    if kind == "ByteLevel":
        extra = ["a space in front"] * bool(part.get("add_prefix_space"))
        extra += ["GPT-2's pattern"] * bool(part.get("use_regex", True))
        return "Bytes as letters" + (f" ({', '.join(extra)})" if extra else "")
    if kind == "Metaspace":
        front = {"never": "none is put in front", "first": "one is put in front of the text"}
        return (
            f"Spaces as \u2581 ({front.get(part.get('prepend_scheme'), 'one is put in front of every part')})"
        )
    if kind == "BertPreTokenizer":
        return "BERT: words, and marks alone"
    if kind == "Precompiled":
        return "SentencePiece's rules"
    words = "".join(
        f" {c.lower()}" if c.isupper() and i and not kind[i - 1].isupper() else c for i, c in enumerate(kind)
    )
    return words


def _bert(part: dict) -> str:
    lower = bool(part.get("lowercase"))
    accents = part.get("strip_accents")
    on = {
        "clean control characters": part.get("clean_text"),
        "spaces around Chinese characters": part.get("handle_chinese_chars"),
        "lower case": lower,
        "strip accents": lower if accents is None else accents,
    }
    return "BERT: " + (", ".join(name for name, wanted in on.items() if wanted) or "nothing")
