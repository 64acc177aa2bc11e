"""The files from before tokenizer.json: vocab.json and merges.txt (byte-level BPE), vocab.txt (WordPiece).

They hold the vocabulary alone. The rest comes from the settings beside them, and from what the class that these
name is known to do (`classes` in resources/families/gguf/pretokenizers.toml).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.errors import TokenizerError
from tokstudio.tokens.known_ranks import rule_of_class
from tokstudio.tokens.native import native_errors
from tokstudio.tokens.sidecar import settings_file
from tokstudio.tokens.sniff import MOST, check_count

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

USUAL = ("<|endoftext|>", "<s>", "</s>", "<pad>", "<unk>", "<mask>")  # special wherever settings say nothing
WORD_PIECE = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
AGAIN = "Fetch both again."


def byte_bpe(vocabulary: Path, merges: Path) -> "Library":
    """GPT-2's form of byte-level BPE, and what became of it."""
    from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as Library

    for path in (vocabulary, merges):
        if not path.is_file():
            raise TokenizerError(
                f"{path.name} is missing in {path.parent}: vocab.json and merges.txt belong together.",
                hint="Copy both files into the folder, or choose a tokenizer.json.",
            )
    check_count(merges.read_bytes(), b"\n", 2 * MOST, merges.name)
    check_count(vocabulary.read_bytes(), b",", MOST, vocabulary.name)
    with native_errors(f"{vocabulary.name} and {merges.name} cannot be read as a tokenizer", AGAIN):
        library = Library(models.BPE.from_file(str(vocabulary), str(merges)))
    settings = settings_file(vocabulary.parent, "tokenizer_config.json")
    space = bool(settings.get("add_prefix_space", False))
    rule = rule_of_class(str(settings.get("tokenizer_class", "")))
    if rule:
        library.pre_tokenizer = pre_tokenizers.Sequence(
            [
                *(pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in rule["patterns"]),
                pre_tokenizers.ByteLevel(add_prefix_space=space, use_regex=False),
            ]
        )
        if rule.get("composed"):
            library.normalizer = normalizers.NFC()
    else:
        library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=space)
    library.decoder = decoders.ByteLevel()
    add_special_tokens(library, vocabulary.parent, USUAL)
    _frame(library, str(settings.get("tokenizer_class", "")))
    return library


def word_piece(path: Path) -> "Library":
    """BERT's form of WordPiece: one entry a line, its number is its id."""
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

    try:
        data = path.read_bytes()
        check_count(data, b"\n", MOST, path.name)
        entries = {line: i for i, line in enumerate(data.decode().splitlines())}
    except UnicodeDecodeError:
        raise TokenizerError(f"{path.name} is no UTF-8 text.", hint="Fetch or copy it again.") from None
    if "[UNK]" not in entries:
        raise TokenizerError(
            f"{path.name} has no [UNK] entry, so it cannot be read as a WordPiece vocabulary.",
            hint="Choose the tokenizer.json of the same model.",
        )
    settings = settings_file(path.parent, "tokenizer_config.json")
    library = Library(models.WordPiece(entries, unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(
        lowercase=bool(settings.get("do_lower_case", True)),
        handle_chinese_chars=bool(settings.get("tokenize_chinese_chars", True)),
        strip_accents=settings.get("strip_accents")
        if isinstance(settings.get("strip_accents"), bool)
        else None,
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece()
    add_special_tokens(library, path.parent, WORD_PIECE)
    if "[CLS]" in entries and "[SEP]" in entries:
        library.post_processor = processors.BertProcessing(
            ("[SEP]", entries["[SEP]"]), ("[CLS]", entries["[CLS]"])
        )
    return library


def add_special_tokens(library: "Library", folder: Path, usual: tuple[str, ...]) -> None:
    """Those that the settings name, and the `usual` ones that the vocabulary has; and what added_tokens.json adds, as
    long as its ids follow on."""
    from tokenizers import AddedToken

    entries = library.get_vocab(with_added_tokens=False)
    named = {content for content in _named(folder) if content in entries} | (set(usual) & entries.keys())
    made = [(entries[content], content) for content in named]
    added = settings_file(folder, "added_tokens.json")
    following = max(entries.values(), default=-1) + 1
    for content, i in sorted(added.items(), key=lambda item: str(item[1]).zfill(12)):
        if content and i == following:
            made.append((following, content))
            following += 1
    library.add_special_tokens([AddedToken(content, normalized=False) for _, content in sorted(made)])


def _named(folder: Path) -> Iterator[str]:
    """Contents of special tokens, as the settings files write them: plain, or as objects."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        for key, value in settings_file(folder, name).items():
            listed: list[Any] = value if isinstance(value, list) else [value]
            if key.endswith("_token") or key == "additional_special_tokens":
                contents = (one.get("content") if isinstance(one, dict) else one for one in listed)
                yield from (content for content in contents if isinstance(content, str) and content)


def _frame(library: "Library", class_name: str) -> None:
    """RoBERTa's <s> and </s>; the others put nothing around a text."""
    from tokenizers import processors

    begin, end = library.token_to_id("<s>"), library.token_to_id("</s>")
    if class_name.startswith(("Roberta", "Longformer", "Bart")) and begin is not None and end is not None:
        library.post_processor = processors.RobertaProcessing(
            ("</s>", end), ("<s>", begin), trim_offsets=True
        )
