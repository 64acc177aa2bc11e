"""What a figure in bits per byte has to be read beside: models that need no training to speak of."""

import lzma
import math
from collections import Counter, defaultdict
from collections.abc import Sequence

ORDERS = (0, 2, 4)


def references(train: Sequence[str], held_out: Sequence[str]) -> dict[str, float]:
    """Bits per byte of the held-out texts, each on its own, under counts of the training texts."""
    data, tests = [t.encode() for t in train], [t.encode() for t in held_out]
    seen = len(set(b"".join(data)))
    found = {"uniform over bytes seen": math.log2(max(seen, 1))}
    counts = _counts(data, max(ORDERS))
    for order in ORDERS:
        found[f"order {order}"] = _cross_entropy(counts, tests, order)
    found["xz"] = _xz(b"".join(tests))
    return found


def reference_lines(texts: Sequence[str]) -> dict[str, float]:
    """Bits per byte of what needs no training text: it knows the measured texts themselves.

    The order-0 entropy is that of their own bytes, so a floor for every model that looks at no context.
    """
    data = "".join(texts).encode()
    counts = Counter(data)
    entropy = -sum(n / len(data) * math.log2(n / len(data)) for n in counts.values())
    return {
        "uniform over bytes seen": math.log2(max(len(counts), 1)),
        "order 0 entropy": entropy + 0.0,  # no minus zero
        "xz": _xz(data),
    }


def _xz(data: bytes) -> float:
    return 8 * len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)) / max(len(data), 1)


def _counts(texts: list[bytes], order: int) -> list[dict[bytes, Counter]]:
    tables: list[dict[bytes, Counter]] = [defaultdict(Counter) for _ in range(order + 1)]
    for text in texts:
        for size, table in enumerate(tables):
            for i in range(size, len(text)):
                table[text[i - size : i]][text[i]] += 1
    return tables


def _cross_entropy(tables: list[dict[bytes, Counter]], texts: list[bytes], order: int) -> float:
    """Interpolated over shorter contexts (Witten and Bell 1991)."""
    bits = size = 0
    for text in texts:
        for i in range(len(text)):
            probability = 1 / 256
            for length in range(min(order, i) + 1):
                after = tables[length].get(text[i - length : i])
                if after is None:
                    break
                total, kinds = after.total(), len(after)
                probability = (after[text[i]] + kinds * probability) / (total + kinds)
            bits -= math.log2(probability)
            size += 1
    return bits / max(size, 1)
