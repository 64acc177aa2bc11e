"""What the teacher expects of every byte, for byte students.

A distribution over tokens is one over bytes, a byte at a time: after the first k bytes of a token, the next byte is c
with the probability of all tokens that begin with these and c, over that of all that go on at all. With p that
distribution and q the student's, the loss is the sum over bytes of KL(p || q).

Where a token has ended its successor says what comes: each byte of the text is predicted once, by the token that it
lies in. A student cannot know where tokens end, so its best answer is the mean over both cases, which is the
teacher's own distribution of the next byte, as far as text is cut the canonical way.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tokstudio.errors import ConfigError
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.data import TokenBatch
from tokstudio.train.objectives.base import AnyScores, Objective, objective

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Prefixes:
    """The ordinary tokens sorted by bytes, and every beginning of one: a node. Node 0 is the empty beginning."""

    order: np.ndarray  # int64 [v] token ids, sorted
    path: np.ndarray  # int64: nodes of the first 0, 1, ... bytes of each token, the whole token left out
    path_start: np.ndarray  # int64 [v_source + 1] of each token id in `path`
    edge_start: np.ndarray  # int64 [nodes + 1] of each node in the three below
    edge_byte: np.ndarray  # int64 [e]
    low: np.ndarray  # int64 [e] the tokens behind an edge are order[low:high]
    high: np.ndarray  # int64 [e]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "Prefixes":
        special = set(tokenizer.special_tokens.values())
        data = [None if t in special else tokenizer.token_bytes(t) for t in range(len(tokenizer))]
        order = sorted((t for t, d in enumerate(data) if d), key=lambda t: data[t])
        nodes: dict[bytes, int] = {b"": 0}
        edges: dict[tuple[int, int], list[int]] = {}
        paths: dict[int, list[int]] = {}
        for place, token in enumerate(order):
            spelled, path = data[token], []
            for k in range(len(spelled)):
                node = nodes.setdefault(spelled[:k], len(nodes))
                path.append(node)
                edges.setdefault((node, spelled[k]), [place, place])[1] = place + 1
            paths[token] = path
        lengths = [len(paths.get(t, ())) for t in range(len(tokenizer))]
        flat = [node for t in range(len(tokenizer)) for node in paths.get(t, ())]
        keys = sorted(edges)
        count = np.bincount([node for node, _ in keys], minlength=len(nodes))
        return cls(
            np.array(order, np.int64),
            np.array(flat, np.int64),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            np.array([byte for _, byte in keys], np.int64),
            np.array([edges[key][0] for key in keys], np.int64),
            np.array([edges[key][1] for key in keys], np.int64),
        )


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """start, start + 1, ... of each, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) - np.repeat(before - starts, counts)


@dataclass(frozen=True, eq=False)
class Wanted:
    at: "torch.Tensor"  # int64 [n] flat position in [b * l] that predicts a byte
    probabilities: "torch.Tensor"  # float32 [n, 256]


@objective(
    "byte_kl",
    title="Probabilities of bytes (KL)",
    label="Byte KL",
    needs_teacher=True,
    needs=("distributions",),
)
class ByteKl(Objective):
    def __init__(self, pair, config):
        import torch

        self.columns = np.full(256, -1, np.int64)
        for token in range(len(pair.target)):
            data = pair.target.token_bytes(token)
            if data and len(data) == 1 and token not in pair.target.special_tokens.values():
                self.columns[data[0]] = token
        if (self.columns < 0).any():
            raise ConfigError(
                f"byte_kl is for byte models, and {pair.target.name} has no token for some bytes.",
                hint="Set the tokenizer to bytes, or use projected_kl.",
            )
        self.prefixes = Prefixes.of(pair.source)
        self.order = torch.from_numpy(self.prefixes.order).to(pair.device)
        self.of_bytes = torch.from_numpy(self.columns).to(pair.device)

    def prepare(self, student: TokenBatch, teacher: TokenBatch, scores: AnyScores) -> Wanted:
        import torch

        from tokstudio.train.readings import chunks

        parts = [self._text(student, teacher, text) for text in range(len(teacher.encodings))]
        said, at, node = (np.concatenate(part) for part in zip(*parts, strict=True))
        device = scores.picked.device
        rows, row = np.unique(said, return_inverse=True)
        order = np.argsort(row.reshape(-1), kind="stable")
        at, node, row = at[order], node[order], row.reshape(-1)[order]
        wanted = torch.zeros(len(node), 256, device=device)
        reading = scores.reading(torch.from_numpy(rows).to(device))
        for part in chunks(reading):
            low, high = np.searchsorted(row, [part.start, part.stop])
            wanted[low:high] = self._following(
                reading.logits(part), row[low:high] - part.start, node[low:high]
            )
        total = wanted.sum(-1, keepdim=True)
        known = total[:, 0] > 0
        return Wanted(torch.from_numpy(at).to(device)[known], wanted[known] / total[known])

    def _following(self, logits: "torch.Tensor", row: np.ndarray, node: np.ndarray) -> "torch.Tensor":
        """[n, 256] mass of each byte after beginning `node` [n], of the token that `logits` [r, v] say at `row` [n]."""
        import torch

        prefixes, device = self.prefixes, logits.device
        sums = torch.nn.functional.pad(logits[:, self.order].double().softmax(-1).cumsum(-1), (1, 0))
        counts = prefixes.edge_start[node + 1] - prefixes.edge_start[node]
        edge = ranges(prefixes.edge_start[node], counts)
        of = np.repeat(np.arange(len(node)), counts)
        place, low, high, byte, to = (
            torch.from_numpy(a).to(device)
            for a in (row[of], prefixes.low[edge], prefixes.high[edge], prefixes.edge_byte[edge], of)
        )
        found = torch.zeros(len(node), 256, device=device)
        found[to, byte] = (sums[place, high] - sums[place, low]).clamp_(min=0).float()
        return found

    def _text(self, student: TokenBatch, teacher: TokenBatch, text: int) -> tuple[np.ndarray, ...]:
        """Flat teacher position that says, flat student position that predicts, and node, of each byte."""
        t, s = teacher.encodings[text], student.encodings[text]
        if t.text != s.text:  # a normalizer rewrote it on one side
            return tuple(np.zeros(0, np.int64) for _ in range(3))
        ids = np.asarray(t.ids, np.int64)
        begins = self.prefixes.path_start[ids]
        lengths = self.prefixes.path_start[ids + 1] - begins
        same = (
            lengths == t.spans[:, 1] - t.spans[:, 0]
        )  # a normalizer changes bytes: nothing is known of those
        same &= teacher.base(text) + teacher.offset + np.arange(len(ids)) > teacher.base(text)
        token = np.flatnonzero(same)
        counts = lengths[token]
        node = self.prefixes.path[ranges(begins[token], counts)]
        byte = ranges(t.spans[token, 0].astype(np.int64), counts)
        said = np.repeat(teacher.base(text) + teacher.offset + token - 1, counts)
        starts, single = s.spans[:, 0], s.spans[:, 1] - s.spans[:, 0] == 1
        where = np.searchsorted(starts, byte).clip(max=max(0, len(starts) - 1))
        if not len(starts):
            return said[:0], where[:0], node[:0]
        if student.learned:
            single = single & student.learned[text]
        good = single[where] & (starts[where] == byte) & (where + student.offset > 0)
        return said[good], (student.base(text) + student.offset + where - 1)[good], node[good]

    def count(self, student: TokenBatch, prepared: Wanted) -> float:
        return float(len(prepared.at))

    def loss_sum(self, scores: AnyScores, student: TokenBatch, prepared: Wanted) -> "torch.Tensor":
        import torch

        from tokstudio.train.readings import total

        def term(part: slice, logits: "torch.Tensor") -> "torch.Tensor":
            q = torch.log_softmax(logits, -1)[:, self.of_bytes]
            return torch.nn.functional.kl_div(q, prepared.probabilities[part], reduction="sum")

        return total(term, scores.reading(prepared.at))
