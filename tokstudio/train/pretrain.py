"""Train a small Llama-architecture language model from scratch. The demo model is made by this."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tokstudio.events import Finished, HeldOut, Metrics, Phase, RunEvent, Sample
from tokstudio.models.device import fast_products, keep_freed_memory, pick_device
from tokstudio.tokens.base import Tokenizer
from tokstudio.train.config import ModelConfig, PretrainConfig
from tokstudio.train.control import Control
from tokstudio.train.corpus import Corpus
from tokstudio.train.data import TokenBatch, held_out_windows, order_of, prefix_id, token_batch
from tokstudio.train.evaluate import bits_per_byte, next_token_nats
from tokstudio.train.lines import HeldOutLines
from tokstudio.train.loop import optimize, started
from tokstudio.train.sources import load_data

if TYPE_CHECKING:
    import torch

PROMPTS = ("def", "The following", "class", "Return a new", "    try:\n")


def new_model(config: ModelConfig, tokenizer: Tokenizer, seed: int) -> "torch.nn.Module":
    """A Llama with fresh weights. The scale of its start follows the width (std = 1/sqrt(hidden))."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    shape = {name: getattr(config, name) for name in config.__dataclass_fields__}
    specials = tokenizer.special_tokens
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            num_key_value_heads=config.num_attention_heads,
            initializer_range=config.hidden_size**-0.5,
            bos_token_id=prefix_id(tokenizer),
            eos_token_id=specials.get("</s>"),
            pad_token_id=None,
            **shape,
        )
    )


class LanguageModeling:
    """Next-token prediction of `model` on windows of the corpus."""

    def __init__(
        self, model: "torch.nn.Module", tokenizer: Tokenizer, corpus: Corpus, config: PretrainConfig
    ):
        self.model, self.tokenizer, self.config = model, tokenizer, config
        self.lines = HeldOutLines()
        self.order = order_of(corpus.train, config.data, config.train)
        self.held_out = held_out_windows(
            corpus.held_out, window_bytes=config.data.window_bytes, total_bytes=config.data.held_out_bytes
        )

    def batch(self, index: int) -> TokenBatch:
        device = next(self.model.parameters()).device
        return token_batch(
            self.tokenizer, self.order[index], limit=self.model.config.max_position_embeddings, device=device
        )

    def counts(self, batch: TokenBatch) -> dict[str, float]:
        return {"next_token": float(batch.counted().sum())}

    def loss_sums(self, batch: TokenBatch) -> dict[str, "torch.Tensor"]:
        logits = self.model(input_ids=batch.input_ids, use_cache=False).logits[:, :-1].float()
        return {"next_token": next_token_nats(logits, batch)}

    def weights(self) -> dict[str, float]:
        return {"next_token": 1.0}

    def aggregate(self):
        from tokstudio.train.aggregate.sum import Sum

        return Sum(self.model, self.weights())

    def row_rates(self) -> None:
        return None

    def tokens(self, batch: TokenBatch) -> int:
        return batch.tokens

    def bytes(self, batch: TokenBatch) -> int:
        return batch.bytes

    def evaluate(self) -> dict[str, float]:
        found = bits_per_byte(self.model, self.tokenizer, self.held_out, each=self.lines.take)
        return {"bits_per_byte": found.value}

    def lines_at(self, step: int) -> Iterator[HeldOut]:
        yield from self.lines.event(step, self.tokenizer.reference, self.tokenizer.reference)

    def samples(self, step: int) -> Iterator[Sample]:
        from tokstudio.models.generate import greedy

        for prompt in PROMPTS:
            text = greedy(
                self.model,
                self.tokenizer,
                prompt,
                max_new_tokens=self.config.train.sample_tokens,
                prefix=prefix_id(self.tokenizer),
            )
            yield Sample(
                step=step, who="target", prompt=prompt, text=text, tokenizer=self.tokenizer.reference
            )


def run(
    config: PretrainConfig, folder: Path, control: Control, resume: bool, tokenizer: Tokenizer | None = None
) -> Iterator[RunEvent]:
    """Train, then save the model in fp16 under `folder`/export. Yields every event of the run."""
    import torch

    keep_freed_memory()
    if config.train.threads:
        torch.set_num_threads(config.train.threads)
    began = time.perf_counter()
    yield Phase(name="Loading the corpus")
    with contextlib.closing(load_data(config.data, config.tokenizer)) as corpus:
        yield from _run(config, folder, control, resume, tokenizer, corpus, began)


def _run(
    config: PretrainConfig,
    folder: Path,
    control: Control,
    resume: bool,
    tokenizer: Tokenizer | None,
    corpus: Corpus,
    began: float,
) -> Iterator[RunEvent]:
    import torch

    if tokenizer is None:
        from tokstudio.tokens.reference import load_tokenizer

        tokenizer = load_tokenizer(config.tokenizer)
    device = pick_device(config.train.device)
    fast_products(device)
    model = new_model(config.model, tokenizer, config.train.seed).to(device)
    problem = LanguageModeling(model, tokenizer, corpus, config)
    begin = started(config.train, device, folder, resume=resume)
    yield begin
    yield Phase(name="Training")
    for event in optimize(problem, config.train, config.optimizer, folder, control, resume=begin.step > 0):
        yield event
        if event.terminal:
            return
    yield Phase(name="Measuring")
    values = problem.evaluate()
    yield Metrics(step=config.train.steps, values={**values, "total_seconds": time.perf_counter() - began})
    yield Phase(name="Saving")
    model.to(torch.float16).save_pretrained(folder / "export")
    yield Finished()
