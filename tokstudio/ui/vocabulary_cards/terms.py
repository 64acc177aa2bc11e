"""Terms of a query as text: read, put in, taken out. No Qt."""

from tokstudio.tokens.vocab_query import TERM


def keys_of(query: str, field: str) -> list[str]:
    """What the term `field:` of a query names; empty without one, and where a minus turns it round."""
    found = next((term for term in TERM.findall(query) if term.startswith(f"{field}:")), "")
    return [key for key in found[len(field) + 1 :].split(",") if key]


def fields_of(query: str) -> set[str]:
    """What stands before the colons of its terms."""
    return {term.lstrip("-").partition(":")[0] for term in TERM.findall(query) if ":" in term}


def with_keys(query: str, field: str, keys: list[str]) -> str:
    """`query` with that term replaced, or without one."""
    return with_term(query, field, f"{field}:{','.join(keys)}" if keys else "")


def with_term(query: str, field: str, term: str) -> str:
    kept = [old for old in TERM.findall(query) if not old.startswith(f"{field}:")]
    return " ".join([*kept, term] if term else kept)


def with_terms(query: str, terms: str) -> str:
    """`query` with all of `terms`, in the place of what it said in the same fields."""
    new = TERM.findall(terms)
    fields = {term.lstrip("-").partition(":")[0] for term in new}
    kept = [old for old in TERM.findall(query) if old.lstrip("-").partition(":")[0] not in fields]
    return " ".join([*kept, *new])
