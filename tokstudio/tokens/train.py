"""Training of new tokenizers."""

from collections.abc import Iterable
from pathlib import Path

SPECIAL_TOKENS = ("<s>", "</s>")

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""How GPT-2 cuts a text before it merges bytes: a piece of punctuation never joins the word behind it."""

CODE_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{L}_]+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[ \r\n]*|\s*[\r\n]+[ ]*|\s+(?!\S)|\s+"
)
"""For source code: one mark may join the word behind it (`.join`, `(self`), identifiers keep their underscores,
and a line end takes the indentation of the next line with it."""


def train_bpe(texts: Iterable[str], folder: Path, *, vocab_size: int, pattern: str = GPT2_PATTERN) -> None:
    """Train a byte-level BPE and save it as a Hugging Face folder (tokenizer.json, tokenizer_config.json).

    All 256 bytes are in the vocabulary, so that nothing is ever unknown. `<s>` is id 0, `</s>` is id 1.
    """
    import json

    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 0)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")
