"""Patterns in files from somewhere else: do they explode?

A pattern may need time that grows with a power of the text's length, or twice as much for each character more. Most
patterns cannot, and that is seen by their form; the usual ones that look as if they could are known; the others are
tried out, in a process that can be ended, on texts made to hurt. What passed is remembered in the cache.
"""

import contextlib
import math
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from tokstudio.errors import TokenizerError
from tokstudio.paths import cache_folder
from tokstudio.tokens.bounded import BoundedWorker
from tokstudio.tokens.known_ranks import word_rules

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Library

SECONDS = 10.0  # a usual pattern takes 0.2 for all of what is tried
SLOW = 0.15  # seconds of work for one text of 1,000 characters; a usual pattern takes 0.0005
GROWTH = 1000  # times; the usual normalizers replace one character by one
MANY = 16  # a repetition of more than this counts as without end
STEP = re.compile(  # what a pattern is made of, as far as it matters here
    r"\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?[imsx-]*[:=!>|]|\(\?<?[=!]|\(\?<\w+>|\(\?#[^)]*\)"
    r"|\(|\)|\||[*+?]\+?|\{\d*,?\d*\}|.",
    re.DOTALL,
)
HINT = "Use another tokenizer.json: no text could safely be cut with this one."


def check_patterns(library: "Library", name: str) -> None:
    """Raises TokenizerError where a pattern of `library` explodes."""
    from tokstudio.tokens.hf_parts import parts

    normalizer, decoder = parts(library.normalizer), parts(library.decoder)
    for kind, steps in (("normalizer", normalizer), ("decoder", decoder)):
        if (growth := math.prod(map(_growth, steps))) > GROWTH:
            raise TokenizerError(
                f"The {kind} of {name} may make a text {growth:,} times as long, and the memory full.",
                hint=HINT,
            )
    steps = [*normalizer, *parts(library.pre_tokenizer), *decoder]
    try_out([pattern for step in steps if (pattern := _regex(step))], name)


def try_out(patterns: Sequence[str], name: str, *, ranked: bool = False) -> None:
    """Raises TokenizerError where one of `patterns` explodes. `ranked`: tiktoken cuts with it, which has a regex
    library of its own."""
    doubtful = [
        pattern for pattern in patterns if not harmless(pattern) and _escaped(pattern) not in known_patterns()
    ]
    if not doubtful:
        return
    key = "\0".join([*doubtful, *(["tiktoken"] if ranked else [])])
    passed = cache_folder() / "patterns" / sha256(key.encode("utf-8", "replace")).hexdigest()
    if passed.exists():
        return
    with BoundedWorker() as worker:
        worker.run(
            "probe",
            {"patterns": doubtful, "ranked": ranked},
            seconds=SECONDS,
            stopped=f"The pattern with which {name} cuts a text explodes: a short text takes",
            hint=HINT,
        )
    with contextlib.suppress(OSError):
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()


def _growth(step: dict) -> int:
    """How many times longer a replacement may make a text, at least 1."""
    content, pattern = step.get("content"), step.get("pattern")
    if step.get("type") != "Replace" or not isinstance(content, str):
        return 1
    replaced = pattern.get("String") if isinstance(pattern, dict) else pattern
    return max(1, len(content) // max(1, len(replaced) if isinstance(replaced, str) else 1))


def _regex(step: dict) -> str | None:
    pattern = step.get("pattern")
    found = pattern.get("Regex") if isinstance(pattern, dict) else None
    return found if isinstance(found, str) else None


def _escaped(pattern: str) -> str:
    """Some files write a line end itself, others its escape."""
    return pattern.replace("\r", "\\r").replace("\n", "\\n")


@cache
def known_patterns() -> frozenset[str]:
    """The patterns of the models that everybody uses."""
    from tokstudio.tokens.encodings import encoding_names, encoding_spec

    named = {encoding_spec(name).pattern for name in encoding_names()}
    return frozenset(named | {pattern for rule in word_rules().values() for pattern in rule["patterns"]})


def harmless(pattern: str) -> bool:
    """Can this pattern, by its form, take no longer than the square of a text's length? True where each alternative
    repeats only one thing without end, and no group."""
    depth, endless, previous = 0, 0, ""
    for step in STEP.findall(pattern):
        if step.startswith("(") and not step.startswith("(?#"):
            depth += 1
        elif step == ")" and depth:
            depth -= 1
        elif step == "|" and not depth:
            endless = 0
        elif step in ("*", "+") or (step.startswith("{") and _endless(step)):
            endless += 1
            if endless > 1 or previous == ")":
                return False
        elif step in ("*+", "++") and previous == ")":
            return False
        previous = step
    return depth == 0


def _endless(step: str) -> bool:
    low, _, high = step[1:-1].partition(",")
    most = high if "," in step else low
    return not most.isdecimal() or int(most) > MANY


def probe(request: dict) -> dict:
    """The job: each pattern on every text that may hurt it."""
    for pattern in request["patterns"]:
        try:
            cut = _ranked_cut(pattern) if request.get("ranked") else _cut(pattern)
            for text in _texts(pattern):
                before = time.process_time()
                cut(text)
                if time.process_time() - before > SLOW:
                    raise TimeoutError(f"{len(text):,} characters take it more than {SLOW} seconds")
        except BaseException as error:  # a panic of native code derives from it
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise TokenizerError(
                f"The pattern {pattern[:60]!r} explodes on a short text: {str(error)[:200]}.", hint=HINT
            ) from None
    return {}


def _cut(pattern: str) -> Callable[[str], object]:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(pattern), "isolated").pre_tokenize_str


def _ranked_cut(pattern: str) -> Callable[[str], object]:
    from tiktoken._tiktoken import CoreBPE

    return CoreBPE({bytes([byte]): byte for byte in range(256)}, {}, pattern).encode_ordinary


def _texts(pattern: str) -> list[str]:
    """Runs of one thing with something at the end that does not fit: short ones first, they say it sooner."""
    own = sorted({c for c in pattern if c.isalnum()})[:12]
    units = ["a", "A", "1", " ", "\n", "\r\n", "-", "'", "é", "漢", " a", "a1", "aA", "ab", *own]
    ends = ["", "!", "-1", " x", "\t", "\x00", *(f"!{c}" for c in own[:4])]
    return [(unit * size)[:size] + end for size in (300, 1000) for unit in units for end in ends]
