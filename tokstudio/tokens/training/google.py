"""SentencePiece's own trainers: BPE and Unigram into a .model, and the same as a tokenizer.json where Hugging
Face's library then gives the same ids."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from tokstudio.errors import InputError, TokenizerError
from tokstudio.tokens.training import parts
from tokstudio.tokens.training.corpus import cores
from tokstudio.tokens.training.events import Event, Phase
from tokstudio.tokens.training.hugging_face import added, hushed
from tokstudio.tokens.training.settings import TrainingSettings
from tokstudio.tokens.training.split import Corpus

LINE = 4_000  # characters; SentencePiece leaves out longer lines
RULES = {"none": "identity", "nfkc": "nmt_nfkc", "lower": "nmt_nfkc_cf"}
FIXED = {"<unk>": "unk", "<s>": "bos", "</s>": "eos", "<pad>": "pad"}


def train(settings: TrainingSettings, corpus: Corpus, held: list[str]) -> Iterator[Event]:
    """Yields events; returns the bytes of the .model. What the library logs arrives as events from outside."""
    from sentencepiece import SentencePieceTrainer

    if settings.normalizer not in RULES:
        raise InputError(
            f"SentencePiece has no rule for the normalizer {settings.normalizer!r}.",
            hint=f"Choose {', '.join(RULES)}.",
        )
    yield Phase("Reading", 0.0)

    def lines() -> Iterator[str]:
        for out, text in corpus.parts():
            if out:
                held.append(text)
                continue
            for line in text.splitlines():
                for start in range(0, len(line), LINE):
                    yield line[start : start + LINE]

    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=lines(),
            model_writer=model,
            vocab_size=settings.vocab_size,
            model_type=settings.algorithm.removeprefix("sentencepiece-"),
            byte_fallback=settings.byte_fallback,
            character_coverage=0.9995 if settings.byte_fallback else 1.0,
            normalization_rule_name=RULES[settings.normalizer],
            remove_extra_whitespaces=settings.normalizer != "none",
            split_digits=settings.pre_tokenizer == "digits",
            split_by_whitespace=settings.pre_tokenizer != "none",
            max_sentencepiece_length=settings.longest or 16,
            max_sentence_length=4 * LINE,
            num_threads=cores(),
            hard_vocab_limit=False,
            **_specials(settings),
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise _explained(settings, str(error)) from None
    return model.getvalue()


def _specials(settings: TrainingSettings) -> dict:
    """Ids of the four that the format knows, in the order they were named; the rest are control symbols."""
    ids = {f"{role}_id": -1 for role in FIXED.values()}
    named = [name for name in settings.special_tokens if name in FIXED]
    if "<unk>" not in named:
        named.insert(0, "<unk>")  # a model without it cannot be made
    ids |= {f"{FIXED[name]}_id": place for place, name in enumerate(named)}
    return {**ids, "control_symbols": [name for name in settings.special_tokens if name not in FIXED]}


def _explained(settings: TrainingSettings, reason: str) -> TokenizerError | InputError:
    if found := re.search(r"value <= (\d+)", reason):
        return InputError(
            f"The text is too small for a vocabulary of {settings.vocab_size:,}.",
            hint=f"It allows at most {int(found[1]):,} tokens: choose fewer, or more text.",
        )
    if "smaller than required_chars" in reason or "required_chars" in reason:
        return InputError(
            "The vocabulary is smaller than the number of characters that must be in it.",
            hint="Choose a larger vocabulary, or keep byte fallback on.",
        )
    if "sentences_.empty" in reason or "Input corpus" in reason:
        return InputError("The texts have no lines to learn from.", hint="Choose files with text in them.")
    last = reason.strip().splitlines()[-1] if reason.strip() else "no reason given"
    return TokenizerError(f"SentencePiece could not train: {last}", hint="Try other settings.")


def as_library(model: bytes, settings: TrainingSettings) -> Any | None:
    """The same tokenizer for Hugging Face's library; None where the model normalizes by a table of its own."""
    from sentencepiece import SentencePieceProcessor
    from tokenizers import Tokenizer, models, normalizers

    if settings.normalizer != "none":
        return None
    pieces = SentencePieceProcessor()
    pieces.LoadFromSerializedProto(model)
    entries = [(pieces.IdToPiece(i), pieces.GetScore(i)) for i in range(len(pieces))]
    ids = {entry: i for i, (entry, _) in enumerate(entries)}
    if settings.algorithm == "sentencepiece-unigram":
        silent = [
            pieces.IdToPiece(i) for i in range(len(pieces)) if pieces.IsControl(i) or pieces.IsUnknown(i)
        ]
        entries = [tuple(entry) for entry in hushed(entries, silent)]
        library = Tokenizer(models.Unigram(entries, pieces.unk_id(), settings.byte_fallback))
    else:
        plain = {
            e for e, i in ids.items() if not (pieces.IsControl(i) or pieces.IsUnknown(i) or pieces.IsByte(i))
        }
        merges = sorted(
            (ids[entry], ids[entry[:cut]], ids[entry[cut:]], entry[:cut], entry[cut:])
             for entry in plain for cut in range(1, len(entry)) if entry[:cut] in plain and entry[cut:] in plain
        )  # fmt: skip
        library = Tokenizer(
            models.BPE(
                ids,
                [(left, right) for *_, left, right in merges],
                unk_token=pieces.IdToPiece(pieces.unk_id()),
                byte_fallback=settings.byte_fallback,
                fuse_unk=True,
            )
        )
    library.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    library.decoder = parts.decoder(settings)
    data = json.loads(library.to_str())
    special = [i for i in range(len(pieces)) if pieces.IsControl(i) or pieces.IsUnknown(i)]
    data["added_tokens"] = [added(i, pieces.IdToPiece(i)) for i in special]
    library = Tokenizer.from_str(json.dumps(data))
    if (frame := parts.frame({pieces.IdToPiece(i): i for i in special})) is not None:
        library.post_processor = frame
    return library
