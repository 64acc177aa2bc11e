"""Tokenizers for tests: real vocabularies from installed packages, and small ones trained here on the text
that every Python carries. Each function gives a reference; what is trained is trained once per test
session."""

import atexit
import io
import json
import shutil
import tempfile
from base64 import b64encode
from functools import cache
from pathlib import Path

import sentencepiece
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

CL100K = "tiktoken:cl100k_base"
O200K = "tiktoken:o200k_base"
BERT = "bert-base-uncased"
BYTES = "bytes"


@cache
def folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="tokstudio-vocabularies-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def lines() -> list[str]:
    """English of the language reference, and a little of everything that English is not."""
    from pydoc_data.topics import topics

    text = [line for name in sorted(topics) for line in topics[name].splitlines() if line.strip()]
    return text[:3000] + ["Zażółć gęślą jaźń", "漢字とかな", "Съешь же ещё этих булок", "emoji 😀 👩‍👩‍👧"] * 4


def _saved(library: Tokenizer, name: str) -> str:
    (folder() / name).mkdir()
    library.save(str(folder() / name / "tokenizer.json"))
    return str(folder() / name)


def _trained(library: Tokenizer, vocabulary: int, specials: list[str]) -> Tokenizer:
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    library.train_from_iterator(lines(), trainer)
    return library


@cache
def byte_bpe() -> str:
    """The plain kind, with a frame of <s> and </s>, and one added token that is not special."""
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    _trained(library, 1200, ["<s>", "</s>"])
    library.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        special_tokens=[("<s>", library.token_to_id("<s>")), ("</s>", library.token_to_id("</s>"))],
    )
    library.add_tokens([AddedToken("tokstudio"), AddedToken("<gap>", lstrip=True, rstrip=True)])
    return _saved(library, "byte-bpe")


@cache
def byte_bpe_awkward() -> str:
    """Everything that moves offsets: NFC, a prefix space, trimmed offsets, RoBERTa's frame."""
    library = Tokenizer(models.BPE())
    library.normalizer = normalizers.NFC()
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    library.decoder = decoders.ByteLevel()
    _trained(library, 900, ["<s>", "</s>"])
    library.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=True)
    return _saved(library, "byte-bpe-awkward")


@cache
def llama_like() -> str:
    """SentencePiece's BPE as Hugging Face files write it: "▁", byte fallback, a prepended space."""
    library = Tokenizer(models.BPE(unk_token="<unk>"))
    library.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(vocab_size=900, show_progress=False)
    library.train_from_iterator(lines()[:1500], trainer)
    trained = json.loads(library.to_str())["model"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = {name: i for i, name in enumerate(names + [t for t in trained["vocab"] if t not in names])}
    merges = [tuple(pair) for pair in trained["merges"]]
    library = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    library.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    library.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    library.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    library.add_special_tokens(["<unk>", "<s>", "</s>"])
    return _saved(library, "llama-like")


@cache
def clip_like() -> str:
    """Lower case, and words that end in "</w>"."""
    library = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    library.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=["<|endoftext|>"],
        end_of_word_suffix="</w>",
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    library.train_from_iterator(lines(), trainer)
    return _saved(library, "clip-like")


@cache
def sentencepiece_bpe() -> str:
    """Nothing is normalized, so it is lossless but for "▁" itself."""
    return _sentencepiece("bpe", normalization_rule_name="identity", remove_extra_whitespaces=False)


@cache
def sentencepiece_unigram() -> str:
    """The default normalization: NFKC, white space collapsed; and one symbol that a user defined."""
    return _sentencepiece("unigram", user_defined_symbols=["<sep>"])


def _sentencepiece(kind: str, name: str = "", **settings) -> str:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines()[:1500]),
        model_writer=model,
        vocab_size=800,
        model_type=kind,
        byte_fallback=True,
        minloglevel=2,
        num_threads=1,
        **settings,
    )
    path = folder() / f"{name or kind}.model"
    path.write_bytes(model.getvalue())
    return str(path)


def mistral(name: str) -> str:
    return f"mistral:{name}"


def _gguf(name: str, kind: str, tokens: list[bytes], types: list[int], fill) -> str:
    from gguf import GGUFWriter

    path = folder() / f"{name}.gguf"
    writer = GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(kind)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return str(path)


@cache
def gguf_byte_bpe() -> str:
    """The vocabulary of `byte_bpe`, as a converter writes it."""
    library = Tokenizer.from_file(str(Path(byte_bpe()) / "tokenizer.json"))
    model, added = json.loads(library.to_str())["model"], library.get_added_tokens_decoder()
    tokens = [library.id_to_token(i) for i in range(library.get_vocab_size())]
    types = [(3 if added[i].special else 4) if i in added else 1 for i in range(len(tokens))]

    def fill(writer) -> None:
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
        writer.add_bos_token_id(library.token_to_id("<s>"))
        writer.add_eos_token_id(library.token_to_id("</s>"))
        writer.add_add_bos_token(True)
        writer.add_add_eos_token(True)
        writer.add_chat_template("{{ messages[0].content }}")

    return _gguf("byte-bpe", "gpt2", [t.encode() for t in tokens], types, fill)


@cache
def gguf_llama() -> str:
    """Mistral's first vocabulary, the real one."""
    from tokstudio.tokens.mistral_data import packaged_file

    return _gguf_pieces("llama", sentencepiece.SentencePieceProcessor(model_file=str(packaged_file("v1"))))


@cache
def gguf_unigram() -> str:
    model = sentencepiece.SentencePieceProcessor(model_file=sentencepiece_plain_unigram())
    return _gguf_pieces("t5", model, add_space_prefix=True)


@cache
def sentencepiece_plain_unigram() -> str:
    """Without normalization, which a GGUF file need not carry."""
    return _sentencepiece(
        "unigram", normalization_rule_name="identity", remove_extra_whitespaces=False, name="plain"
    )


def _gguf_pieces(kind: str, model, **flags: bool) -> str:
    ids = range(model.get_piece_size())
    types = [
        2 if model.is_unknown(i) else 3 if model.is_control(i) else 6 if model.is_byte(i) else 1 for i in ids
    ]

    def fill(writer) -> None:
        writer.add_token_scores([model.get_score(i) for i in ids])
        writer.add_bos_token_id(model.bos_id())
        writer.add_eos_token_id(model.eos_id())
        writer.add_unk_token_id(model.unk_id())
        for key, value in flags.items():
            getattr(writer, f"add_{key}")(value)

    return _gguf(kind, kind, [model.id_to_piece(i).encode() for i in ids], types, fill)


@cache
def gguf_bert() -> str:
    """BERT's vocabulary as a converter writes it: words are marked, not what continues them."""
    from tokstudio.tokens.reference import file_of

    entries = (file_of(BERT).parent / "vocab.txt").read_text().splitlines()
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    marked = [e if e in special else e[2:] if e.startswith("##") else "▁" + e for e in entries]
    types = [3 if e in special else 1 for e in entries]

    def fill(writer) -> None:
        writer.add_unk_token_id(entries.index("[UNK]"))
        writer.add_sep_token_id(entries.index("[SEP]"))
        writer.add_bos_token_id(entries.index("[CLS]"))
        writer.add_pad_token_id(entries.index("[PAD]"))

    return _gguf("bert", "bert", [e.encode() for e in marked], types, fill)


def tekken_content() -> dict:
    """The 256 bytes and four special tokens, as Mistral's files write them."""
    config = {"pattern": r"\S+|\s+", "default_vocab_size": 260, "default_num_special_tokens": 4}
    bytes_ = [{"rank": i, "token_bytes": b64encode(bytes([i])).decode()} for i in range(256)]
    return {"config": config, "vocab": bytes_}


@cache
def small_tekken() -> Path:
    (folder() / "small").mkdir()
    (folder() / "small" / "tekken.json").write_text(json.dumps(tekken_content()))
    return folder() / "small" / "tekken.json"


@cache
def small_ranks() -> Path:
    tokens = [*(bytes([i]) for i in range(256)), b"th", b"the"]
    path = folder() / "cl100k_base-small.tiktoken"
    path.write_bytes(b"".join(b"%s %d\n" % (b64encode(token), i) for i, token in enumerate(tokens)))
    return path
