"""Merges one by one are those of Hugging Face's trainer, in words and in long sequences."""

import json

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tokstudio.tokens.training.live import learner


def native(words, size, longest=0) -> tuple[dict, list]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=size, max_token_length=longest + 1 if longest else None, show_progress=False
    )
    library.train_from_iterator([word for word, count in words.items() for _ in range(count)], trainer)
    model = json.loads(library.to_str())["model"]
    return model["vocab"], model["merges"]


def watched(words, size, longest=0) -> tuple[dict, list]:
    made = learner(words, {}, (), (), longest=longest)
    merges = dict.fromkeys(reversed([merge.pair for merge in made.merges(size)]))  # the last one holds
    tokens = made.tokens
    return {t: i for i, t in enumerate(tokens)}, [[tokens[a], tokens[b]] for a, b in reversed(merges)]


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=40), st.integers(1, 3), min_size=1, max_size=10),
    st.sampled_from([0, 2, 5]),
)
@hypothesis_settings(deadline=None, max_examples=60)
def test_few_letters_are_merged_as_by_hugging_faces_trainer(words, longest):
    """In few letters the same token comes about in many ways, and the same pair more than once."""
    assert watched(words, 60, longest) == native(words, 60, longest)


def test_a_long_sequence_is_merged_as_by_hugging_faces_trainer():
    import random

    chance = random.Random(3)
    words = {"".join(chance.choices("ACDEFGHIKLMNPQRSTVWY", k=n)): 1 for n in (20_000, 5_000, 300)}
    assert watched(words, 700) == native(words, 700)


def test_what_is_held_out_is_merged_too():
    made = learner({"abab": 2, "aab": 1}, {"abab": 3, "ba": 1}, (), ())
    assert made.held_tokens == 3 * 4 + 2
    assert [(m.pair, m.count, m.held_tokens) for m in made.merges(4)] == [
        ((0, 1), 5, 3 * 2 + 2),
        ((2, 2), 2, 3 * 1 + 2),
    ]
