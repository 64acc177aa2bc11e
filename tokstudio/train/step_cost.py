"""What the plan costs of a step of translation, on the demo model. `tokstudio bench sinkhorn` shows it."""

import statistics
import time
from dataclasses import replace

import torch

from tokstudio.train import transfer, translation
from tokstudio.train.config import TransferConfig
from tokstudio.train.loop import step_losses
from tokstudio.train.translated import translated_student


def plan_seconds(repeat: int, *, candidates: int = 32) -> tuple[float, float]:
    """Seconds of the plan and its gradient, and of the whole step: medians."""
    config = TransferConfig(objectives=("next_token",), weights=(1.0,))
    config = replace(
        config,
        s2t2=replace(config.s2t2, steps=1, candidates=candidates),
        train=replace(config.train, batch_size=8, device="cpu", threads=torch.get_num_threads()),
    )
    pair, model, corpus = transfer._set_up(config)
    layer = translation.make_layer(model, pair, corpus, config)
    student = translated_student(model, layer, head="logit")
    problem = translation.TranslationProblem(pair, student, corpus, config)
    batch = problem.batch(0)
    plans, steps = [], []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        step_losses(problem, [batch], pair.device, "fp32")
        steps.append(time.perf_counter() - began)
        began = time.perf_counter()
        values = layer.solve().values
        values.backward(torch.ones_like(values))
        plans.append(time.perf_counter() - began)
        layer.zero_grad()
    return statistics.median(plans[1:]), statistics.median(steps[1:])
