"""The query language of `tokens.vocab_query`, asked of a vocabulary alone: no counts, no norms, no findings."""

from tokstudio.embed.matrix import Steps
from tokstudio.embed.vocabulary import KINDS, UNUSED, Vocabulary
from tokstudio.tokens.vocab_query import STARTED, Queried, containing
from tokstudio.tokens.vocab_query import key_of as kind_key
from tokstudio.tokens.vocab_query import search as ask
from tokstudio.tokens.vocab_scripts import scripts_of

__all__ = ["containing", "kind_key", "search"]


def search(vocabulary: Vocabulary, query: str) -> Steps:
    """bool [n]. Raises InputError for a term that says nothing."""
    steps = ask(Queried(vocabulary, KINDS, UNUSED, scripts_of(vocabulary.plain)), query)
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            return end.value
        yield 0.0 if news == STARTED else news
