"""WordPiece: at each place the longest entry that fits; where none does, the whole word is unknown."""

from collections.abc import Mapping

from tokstudio.tokens.trace.picture import Bar, Picture

HOW = "From the left, the longest entry of the vocabulary that fits; looked up in vain: thin lines."
MOST_TRIES = 12  # drawn per place: the last ones before the hit


def longest_match(
    word: str, vocabulary: Mapping[str, int], *, unknown: str = "[UNK]", prefix: str = "##", most: int = 100
) -> Picture:
    """`most`: a word of more characters is unknown, whatever it holds."""
    bars: list[Bar] = []
    ids: list[int] = []
    row, start = 1, 0
    while start < len(word) and len(word) <= most:
        found, tries = None, []
        for stop in range(len(word), start, -1):
            entry = (prefix if start else "") + word[start:stop]
            if (found := vocabulary.get(entry)) is not None:
                break
            tries.append((entry, stop))
        for tried, end in tries[-MOST_TRIES:]:
            bars.append(Bar(row, start, end, tried, "", "tried"))
            row += 1
        if found is None:
            return _unknown(word, vocabulary, unknown, bars, row)
        bars.append(Bar(row, start, stop, entry, f"id {found}", "token"))
        row += 1
        ids.append(found)
        start = stop
    if len(word) > most:
        return _unknown(word, vocabulary, unknown, [], 1)
    return Picture(tuple(word), tuple(bars), tuple(ids), HOW)


def _unknown(word: str, vocabulary: Mapping[str, int], unknown: str, bars: list[Bar], row: int) -> Picture:
    """What was found before the gap is given up, too."""
    kept = [
        Bar(bar.row, bar.start, bar.stop, bar.text, bar.note, "made" if bar.kind == "token" else bar.kind)
        for bar in bars
    ]
    if unknown not in vocabulary:
        return Picture(tuple(word), tuple(kept), (), HOW)
    token = vocabulary[unknown]
    kept.append(Bar(row, 0, len(word), unknown, f"id {token}, the whole word", "token"))
    return Picture(tuple(word), tuple(kept), (token,), HOW)
