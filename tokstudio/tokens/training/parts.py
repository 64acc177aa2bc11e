"""Normalizers, pre-tokenizers, decoders and frames, as Hugging Face's library has them."""

from typing import Any

from tokstudio.tokens.train import GPT2_PATTERN, WORD_PATTERN
from tokstudio.tokens.training.settings import TrainingSettings

GPT4_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""GPT-4's cut in the form without possessive quantifiers, which reads the same."""
DIGITS_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LINE_PATTERN = r"[^\n]{1,1000}\n?|\n"
PATTERNS = {
    "gpt2": GPT2_PATTERN,
    "gpt4": GPT4_PATTERN,
    "digits": DIGITS_PATTERN,
    "white-space": WORD_PATTERN,
    "none": LINE_PATTERN,
}
ENCODINGS = {"gpt2": "r50k_base", "gpt4": "cl100k_base"}  # tiktoken's encodings with the same cut


def normalizer(settings: TrainingSettings) -> Any:
    """None where nothing is changed. Where a space is written as "▁", every text gets one in front."""
    from tokenizers import normalizers

    steps = {
        "none": list,
        "nfc": lambda: [normalizers.NFC()],
        "nfkc": lambda: [normalizers.NFKC()],
        "lower": lambda: [normalizers.NFKC(), normalizers.Lowercase()],
        "bert": lambda: [normalizers.BertNormalizer()],
    }[settings.normalizer]()
    if settings.algorithm in ("bpe", "unigram"):
        steps += [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    return (steps[0] if len(steps) == 1 else normalizers.Sequence(steps)) if steps else None


def pre_tokenizer(settings: TrainingSettings) -> Any:
    from tokenizers import Regex, pre_tokenizers

    if settings.algorithm == "wordpiece":
        return pre_tokenizers.BertPreTokenizer()
    if settings.algorithm == "byte-bpe":
        split = pre_tokenizers.Split(Regex(PATTERNS[settings.pre_tokenizer]), behavior="isolated")
        return pre_tokenizers.Sequence(
            [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    spaces = pre_tokenizers.Metaspace(prepend_scheme="never", split=settings.pre_tokenizer != "none")
    if settings.pre_tokenizer == "digits":
        return pre_tokenizers.Sequence([spaces, pre_tokenizers.Digits(individual_digits=True)])
    return spaces


def decoder(settings: TrainingSettings) -> Any:
    from tokenizers import decoders

    if settings.algorithm == "wordpiece":
        return decoders.WordPiece()
    if settings.algorithm == "byte-bpe":
        return decoders.ByteLevel()
    return decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )


def frame(specials: dict[str, int]) -> Any:
    """What a model expects around a text, where the usual names are there; None otherwise."""
    from tokenizers import processors

    if "[CLS]" in specials and "[SEP]" in specials:
        return processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", specials["[CLS]"]), ("[SEP]", specials["[SEP]"])],
        )
    if "<s>" in specials:
        return processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", specials["<s>"])]
        )
    return None


ROLES = {
    "bos_token": ("<s>", "<bos>", "<|begin_of_text|>"),
    "eos_token": ("</s>", "<eos>", "<|endoftext|>", "<|end_of_text|>"),
    "unk_token": ("<unk>", "[UNK]"),
    "pad_token": ("<pad>", "[PAD]"),
    "cls_token": ("[CLS]",),
    "sep_token": ("[SEP]",),
    "mask_token": ("[MASK]", "<mask>"),
}


def config(specials: tuple[str, ...]) -> dict:
    """A tokenizer_config.json."""
    found = {role: name for role, names in ROLES.items() for name in reversed(names) if name in specials}
    return {"tokenizer_class": "PreTrainedTokenizerFast", **found, "clean_up_tokenization_spaces": False}
