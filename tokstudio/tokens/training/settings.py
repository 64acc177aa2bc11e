"""What to train. Refused with a way on before anything is read."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tokstudio.errors import ConfigError

# key -> (name shown, what it is)
ALGORITHMS = {
    "byte-bpe": ("Byte-level BPE", "As GPT-2 and GPT-4: merges of bytes, nothing is ever unknown."),
    "bpe": ("BPE", "Merges of characters, as in Llama 2; a space is written as “▁”."),
    "wordpiece": ("WordPiece", "As BERT: “##” marks what continues a word."),
    "unigram": ("Unigram", "Starts with many pieces and drops those that help least; as T5."),
    "sentencepiece-bpe": ("SentencePiece BPE", "Google's trainer; writes a .model file."),
    "sentencepiece-unigram": ("SentencePiece Unigram", "Google's trainer; writes a .model file."),
}
PRE_TOKENIZERS = {
    "gpt2": "GPT-2's words",
    "gpt4": "GPT-4's words, digits by threes",
    "digits": "GPT-2's words, single digits",
    "white-space": "White space alone parts words",
    "none": "Whole lines",
}
NORMALIZERS = {
    "none": "None",
    "nfc": "NFC",
    "nfkc": "NFKC",
    "lower": "NFKC, lower case",
    "bert": "BERT: lower case, no accents",
}
LARGEST = 2_000_000
DEFAULT_SPECIALS = {
    "byte-bpe": ("<|endoftext|>",),
    "bpe": ("<unk>", "<s>", "</s>"),
    "wordpiece": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "unigram": ("<unk>", "<s>", "</s>"),
    "sentencepiece-bpe": ("<unk>", "<s>", "</s>"),
    "sentencepiece-unigram": ("<unk>", "<s>", "</s>"),
}
UNKNOWN = {"bpe": "<unk>", "wordpiece": "[UNK]", "unigram": "<unk>"}


@dataclass(frozen=True)
class TrainingSettings:
    """`specials` None: the usual ones of the algorithm. `held_out`: share of the text that is not trained on and
    measures the compression. `extend`: the folder or file of a byte-level BPE that gets `vocab_size` more tokens.
    `prune`: the one that is cut down to `vocab_size` tokens, those that the text uses most."""

    inputs: tuple[str, ...]
    output: str
    algorithm: str = "byte-bpe"
    vocab_size: int = 8_000
    column: str = ""
    specials: tuple[str, ...] | None = None
    pre_tokenizer: str = "gpt4"
    normalizer: str = "none"
    byte_fallback: bool = True
    min_frequency: int = 2
    longest: int = 0  # characters (bytes for byte-level) of a token; 0: no limit
    sample: float = 1.0
    held_out: float = 0.02
    extend: str = ""
    prune: str = ""
    replace: bool = False  # may a tokenizer that was trained into the same folder go?

    @property
    def special_tokens(self) -> tuple[str, ...]:
        return DEFAULT_SPECIALS[self.algorithm] if self.specials is None else self.specials

    def as_dict(self) -> dict:
        return asdict(self)

    def check(self) -> "TrainingSettings":
        """Itself. Raises ConfigError for what cannot work."""
        _one_of(self.algorithm, ALGORITHMS, "algorithm")
        _one_of(self.pre_tokenizer, PRE_TOKENIZERS, "pre-tokenizer")
        _one_of(self.normalizer, NORMALIZERS, "normalizer")
        if not self.inputs:
            raise ConfigError("There is no text to learn from.", hint="Choose a file or a folder.")
        if not self.output:
            raise ConfigError("No folder is named for the result.", hint="Name a new folder.")
        if self.extend and self.prune:
            raise ConfigError("A tokenizer is either extended or pruned.", hint="Do one after the other.")
        least = 1 if self.extend else self._least()
        if not least <= self.vocab_size <= LARGEST:
            raise ConfigError(
                f"A vocabulary of {self.vocab_size:,} cannot be made.",
                hint=f"Write a whole number from {least:,} to {LARGEST:,}.",
            )
        if not 0 < self.sample <= 1 or not 0 <= self.held_out <= 0.5:
            raise ConfigError(
                "The share to learn from is above 0 and at most 1, the part held out at most 0.5.",
                hint="For example 1 and 0.02.",
            )
        if len(set(self.special_tokens)) != len(self.special_tokens) or not all(self.special_tokens):
            raise ConfigError("A special token is named twice or is empty.", hint="Name each once.")
        needed = UNKNOWN.get(self.algorithm)
        if needed and needed not in self.special_tokens and not (self.extend or self.prune):
            raise ConfigError(
                f"{ALGORITHMS[self.algorithm][0]} needs the special token {needed}.", hint="Add it."
            )
        return self

    def _least(self) -> int:
        if self.prune or self.algorithm == "byte-bpe":
            return 257 + len(self.special_tokens) if not self.prune else 16
        fallback = 256 if self.byte_fallback and self.algorithm != "wordpiece" else 0
        return fallback + len(self.special_tokens) + 16

    def folder(self) -> Path:
        return Path(self.output).expanduser()


def settings_from(values: dict) -> TrainingSettings:
    """Raises ConfigError for a name that is none."""
    known = {field.name for field in fields(TrainingSettings)}
    if unknown := set(values) - known:
        raise ConfigError(
            f"There is no setting {min(unknown)!r}.", hint=f"There are {', '.join(sorted(known))}."
        )
    for key in ("inputs", "specials"):
        if isinstance(values.get(key), list):
            values = {**values, key: tuple(values[key])}
    return TrainingSettings(**values).check()


def _one_of(value: str, known: dict, what: str) -> None:
    if value not in known:
        raise ConfigError(f"There is no {what} {value!r}.", hint=f"There are {', '.join(known)}.")
