"""Byte models that see subwords: each byte's input row, plus the row of the longest known token that ends there.

A byte alone says little, and a model that has read subwords knows what to do with their rows. At position i the
input is E[id_i] + S[m_i], where m_i is the longest entry of a token table that is a suffix of the bytes up to i, of
at most 16 bytes (longest-suffix match, as in the byte recipe of arXiv 2503.20083). Special tokens and padding end a
suffix and get nothing added; nor does a byte at which no entry ends.

This file needs torch and transformers alone. An export of such a model has a copy of it: no architecture of
transformers has such an input. Load it there with

    import expanded_bytes                                             # this file, which lies in the folder
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)

or without the import, where you have read this file and tell transformers to trust it (its `trust_remote_code`).
"""

import inspect
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedConfig, PreTrainedModel

LONGEST = 16
NO_BYTE = 256  # what ends every suffix
_TAIL = "_expanded_bytes_tail"  # on a cache: (length, codes [b, 15] of the bytes before)


class ExpandedEmbedding(torch.nn.Embedding):
    """`codes` int64 [v] is the byte of each id, or NO_BYTE. The other two are a trie over reversed tokens: `keys`
    int64 [e], sorted, node * 256 + byte of each edge, where edge i leads to node i + 1 and 0 is the root; `entry`
    int64 [e + 1] is the row of `subwords` [n, d] whose token is spelled by the path to a node, or -1."""

    def __init__(
        self, size: int, width: int, subwords: int, edges: int, *, longest: int = LONGEST, scale: float = 1.0
    ):
        super().__init__(size, width)
        self.subwords = torch.nn.Parameter(torch.zeros(subwords, width))
        self.register_buffer("codes", torch.full((size,), NO_BYTE, dtype=torch.int64))
        self.register_buffer("keys", torch.zeros(edges, dtype=torch.int64))
        self.register_buffer("entry", torch.full((edges + 1,), -1, dtype=torch.int64))
        self.longest, self.scale = longest, scale
        self._before: torch.Tensor | None = None  # codes [b, k] of what the cache holds
        self._keep: torch.Tensor | None = None  # bool [b, l], false at padding
        self._reach: torch.Tensor | None = None  # int64 [b, l], how far back a suffix may go

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return (super().forward(input) + self._added(self._matches(input))) * self.scale

    def _added(self, match: torch.Tensor) -> torch.Tensor:
        rows = torch.nn.functional.embedding(match.clamp(min=0), self.subwords)
        return torch.where(
            (match >= 0)[..., None], rows, torch.zeros((), dtype=rows.dtype, device=rows.device)
        )

    def _matches(self, input: torch.Tensor) -> torch.Tensor:
        codes = self.codes[input]
        if self._keep is not None:
            codes = codes.masked_fill(~self._keep, NO_BYTE)
        before, reach = self._before, self._reach
        self._before = self._keep = self._reach = None
        return self.match(codes, before, reach)

    def match(
        self, codes: torch.Tensor, before: torch.Tensor | None = None, reach: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Row of `subwords` at each position of `codes` [b, l], or -1. One pass a byte of the longest token."""
        size = codes.shape[1]
        every = codes if before is None else torch.cat([before, codes], 1)
        every = torch.nn.functional.pad(every, (self.longest, 0), value=NO_BYTE)
        node, best = torch.zeros_like(codes), torch.full_like(codes, -1)
        alive = torch.ones_like(codes, dtype=torch.bool)
        if not len(self.keys):
            return best
        for back in range(self.longest):
            stop = every.shape[1] - back
            byte = every[:, stop - size : stop]
            alive = alive & (byte != NO_BYTE)
            if reach is not None:
                alive = alive & (back <= reach)
            key = node * 256 + byte
            edge = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            alive = alive & (self.keys[edge] == key)
            node = torch.where(alive, edge + 1, 0)
            found = self.entry[node]
            best = torch.where(alive & (found >= 0), found, best)
            if codes.device.type == "cpu" and not alive.any():
                break
        return best

    def watch(self, body: torch.nn.Module) -> None:
        """See the mask, the positions and the cache of every call of `body`, whose input embedding this is."""
        body.register_forward_pre_hook(self._begin, with_kwargs=True)
        body.register_forward_hook(self._end, with_kwargs=True)

    def _begin(self, body: Any, args: tuple, kwargs: dict) -> None:
        self._keep = self._reach = None
        told, self._before = self._before, None  # by a caller that knows the bytes before: see `tell`
        ids = _argument(body, args, kwargs, "input_ids")
        if ids is None or body.get_input_embeddings() is not self:
            return
        mask, positions = (_argument(body, args, kwargs, n) for n in ("attention_mask", "position_ids"))
        if isinstance(mask, torch.Tensor) and mask.ndim == 2:
            self._keep = mask[:, -ids.shape[1] :].bool()
        if isinstance(positions, torch.Tensor) and positions.ndim == 2:
            self._reach = positions.expand(len(ids), -1)
        cache = _argument(body, args, kwargs, "past_key_values")
        length = 0 if cache is None else int(cache.get_seq_length())
        if not length:
            return
        known = getattr(cache, _TAIL, None)
        if told is not None:
            self._before = told
        elif known is not None and known[0] == length and len(known[1]) == len(ids):
            self._before = known[1]
        else:
            raise ValueError(
                "This model needs the bytes before the new ones, and this cache was changed since it read them. "
                "Call it with the whole input and no cache."
            )

    def _end(self, body: Any, args: tuple, kwargs: dict, output: Any) -> None:
        ids, cache = _argument(body, args, kwargs, "input_ids"), getattr(output, "past_key_values", None)
        if ids is None or cache is None or body.get_input_embeddings() is not self:
            return
        codes, mask = self.codes[ids], _argument(body, args, kwargs, "attention_mask")
        if isinstance(mask, torch.Tensor) and mask.ndim == 2:
            codes = codes.masked_fill(~mask[:, -ids.shape[1] :].bool(), NO_BYTE)
        known = getattr(cache, _TAIL, None)
        if known is not None and len(known[1]) == len(codes):
            codes = torch.cat([known[1], codes], 1)
        setattr(cache, _TAIL, (int(cache.get_seq_length()), codes[:, 1 - LONGEST :]))

    def tell(self, ids: torch.Tensor, mask: torch.Tensor | None, new: int) -> None:
        """Before a call with a cache: `ids` [b, n] are all of the text, the last `new` of them those of the call."""
        codes = self.codes[ids]
        if mask is not None and mask.shape == ids.shape:
            codes = codes.masked_fill(~mask.bool(), NO_BYTE)
        self._before = codes[:, max(0, ids.shape[1] - new - LONGEST + 1) : ids.shape[1] - new]


def _argument(body: Any, args: tuple, kwargs: dict, name: str) -> Any:
    if name in kwargs or not args:
        return kwargs.get(name)
    names = [n for n in inspect.signature(body.forward).parameters if n != "self"]
    place = names.index(name) if name in names else len(args)
    return args[place] if place < len(args) else None


class ExpandedBytesConfig(PreTrainedConfig):
    """`inner`: the config of the model within; the sizes are those of ExpandedEmbedding."""

    model_type = "expanded_bytes"

    def __init__(
        self,
        inner: dict[str, Any] | None = None,
        subwords: int = 0,
        edges: int = 0,
        longest: int = LONGEST,
        scale: float = 1.0,
        **kwargs: Any,
    ):
        self.inner, self.subwords, self.edges = dict(inner or {}), subwords, edges
        self.longest, self.scale = longest, scale
        for name in ("vocab_size", "hidden_size", "num_hidden_layers", "max_position_embeddings"):
            kwargs.setdefault(name, self.inner.get(name))
        kwargs["tie_word_embeddings"] = False
        super().__init__(**kwargs)


class ExpandedBytesForCausalLM(PreTrainedModel, GenerationMixin):
    config_class = ExpandedBytesConfig
    base_model_prefix = "within"
    _supports_sdpa = _supports_flash_attn = _supports_flex_attn = _supports_attention_backend = True

    def __init__(self, config: ExpandedBytesConfig):
        super().__init__(config)
        inner = dict(config.inner)
        kind = AutoConfig.for_model(**inner)
        kind._attn_implementation = getattr(config, "_attn_implementation", None)
        self.within = AutoModelForCausalLM.from_config(kind)
        embedding = ExpandedEmbedding(
            config.vocab_size,
            self.within.get_input_embeddings().weight.shape[1],
            config.subwords,
            config.edges,
            longest=config.longest,
            scale=config.scale,
        )
        self.within.set_input_embeddings(embedding)
        embedding.watch(self.within.base_model)
        self.post_init()

    @classmethod
    def around(cls, model: PreTrainedModel, config: ExpandedBytesConfig) -> "ExpandedBytesForCausalLM":
        """Share the weights of `model`, whose input embedding is an ExpandedEmbedding that watches its body."""
        with torch.device("meta"):
            made = cls(config)
        made.within = model
        return made.train(model.training)

    def _init_weights(self, module: torch.nn.Module) -> None:
        pass  # all of them are in the file

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.within.get_input_embeddings()

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.within.get_output_embeddings()

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: torch.Tensor | None = None,
        whole_ids: torch.Tensor | None = None,
        **kwargs: Any,
    ):
        """`whole_ids`: the text so far, where a cache holds the rest of it; `generate` sees to that."""
        if whole_ids is not None and input_ids is not None:
            self.get_input_embeddings().tell(whole_ids, attention_mask, input_ids.shape[1])
        return self.within(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )

    def prepare_inputs_for_generation(
        self, input_ids: torch.Tensor, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        inputs = super().prepare_inputs_for_generation(input_ids, *args, **kwargs)
        if inputs.get("input_ids") is not None:
            inputs["whole_ids"] = input_ids
        return inputs


ExpandedBytesConfig.register_for_auto_class()
ExpandedBytesForCausalLM.register_for_auto_class("AutoModelForCausalLM")
AutoConfig.register("expanded_bytes", ExpandedBytesConfig, exist_ok=True)
AutoModelForCausalLM.register(ExpandedBytesConfig, ExpandedBytesForCausalLM, exist_ok=True)
