"""What a step of distillation costs, on models with random weights. `tokstudio bench distil` shows it.

Shapes of the comparison in the lab notes: a Llama of 6 layers and 256 channels, byte-level BPE of 4,096 tokens to one
of 8,192, 16 texts of at most 256 tokens on either side. Each case is measured in a process of its own, because a
process never gives back what it once had: `python -m tokstudio.train.distil_cost '{"mode": "lora"}'`.
"""

import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

BATCH, LENGTH = 16, 256


@dataclass(frozen=True)
class Case:
    mode: str = "full"
    precision: str = "fp32"
    cached: bool = False
    target: str = "bpe"  # or "bytes"
    vocabulary: int = (
        8192  # rows of the student; more than the tokenizer has are there for their memory alone
    )
    steps: int = 3
    objectives: tuple[str, ...] = ("next_token", "alm")
    length: int = LENGTH
    beside: bool = False  # measure plain fine-tuning, too
    collate: bool = False  # measure that alone: 16 texts of at most 512 tokens


def measure_apart(case: Case, folder: Path) -> dict[str, float]:
    """In a fresh process. `folder`: where the tokenizer of 8,192 tokens is, made there the first time."""
    words = [sys.executable, "-m", "tokstudio.train.distil_cost", json.dumps(asdict(case)), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def tokenizer_of(size: int, folder: Path) -> str:
    """A byte-level BPE tokenizer of `size` tokens, trained on this Python's library."""
    path = folder / f"bpe-{size}" / "tokenizer.json"
    if not path.exists():
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        from tokstudio.train.corpus import python_documents

        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        made.train_from_iterator([d.text for d in python_documents()[::8]], trainer)
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(str(path))
    return str(path.parent)


def problem_of(case: Case, folder: Path) -> Any:
    import numpy as np
    import torch

    from tokstudio.models.device import fast_products, keep_freed_memory
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.config import DataConfig, ModelConfig, TrainConfig, TransferConfig
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.pretrain import new_model
    from tokstudio.train.students import STUDENTS
    from tokstudio.train.teachers import OtherModel
    from tokstudio.train.transfer import Pair, Transfer
    from tokstudio.transfer.surgery import Surgery

    keep_freed_memory(large=case.beside)  # whole logits are large, and no slower for it
    fast_products(torch.device("cpu"))
    source = load_tokenizer("demo:english")
    target = load_tokenizer(
        "demo:english:conversion=byte" if case.target == "bytes" else tokenizer_of(8192, folder)
    )
    shape = ModelConfig(
        hidden_size=256,
        intermediate_size=1024,
        num_hidden_layers=6,
        num_attention_heads=4,
        max_position_embeddings=case.length,
        tie_word_embeddings=False,
    )
    teacher = (
        new_model(replace(shape, max_position_embeddings=LENGTH), source, 1).eval().requires_grad_(False)
    )
    weights = tuple(1.0 for _ in case.objectives)
    config = TransferConfig(
        objectives=case.objectives,
        weights=weights,
        mode=case.mode,
        data=DataConfig(window_bytes=6 * LENGTH, too_long="cut", held_out_bytes=1024),
        train=TrainConfig(steps=case.steps, batch_size=BATCH, precision=case.precision, device="cpu"),
    )
    pair = Pair(source, target, torch.device("cpu"))
    model = new_model(shape, target, 2)
    if case.vocabulary > len(target):
        model.resize_token_embeddings(case.vocabulary, mean_resizing=False)
    surgery = Surgery(np.zeros(max(len(target), case.vocabulary), np.uint8), False)
    student = STUDENTS[case.mode].build(model, config, lambda model: surgery)
    if case.mode == "full":
        student = replace(student, teacher=None)
    return Transfer(pair, student, load_corpus("python"), config, OtherModel(teacher, source, LENGTH))


def measure(case: Case, folder: Path) -> dict[str, float]:
    """Medians over the steps after the first one, which asks the system for its memory. Seconds, and GFLOP/s of
    products measured between the steps, so that a machine that is slow or busy is known to be so."""
    import torch

    from tokstudio.models.device import give_back_freed_memory
    from tokstudio.train.loop import step_losses
    from tokstudio.train.memory import peak_bytes
    from tokstudio.train.optim import Optimizers

    if case.collate:
        return collation(case, folder)
    problem = problem_of(case, folder)
    device = torch.device("cpu")
    if case.cached:
        _read_from_cache(problem, case, folder)
    give_back_freed_memory()
    optimizers = Optimizers(problem.model, problem.config.optimizer, None)
    problem.model.train()
    walls, cpus, rates, plains, tokens = [], [], [], [], []
    for step in range(case.steps + 1):
        rates.append(product_rates())
        problem.token_batches(step)  # a corpus is cut up where the first batch of a pass is asked for
        began, cpu = time.perf_counter(), time.process_time()
        batch = problem.batch(step)
        step_losses(problem, [batch], device, case.precision)
        optimizers.step(1.0)
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - cpu)
        tokens.append(problem.tokens(batch))
        if case.beside:  # beside each other, for both to have the same machine
            plains.append(plain_seconds(problem, case, step))
    median = statistics.median
    found = {
        "seconds": median(walls[1:]),
        "cpu_seconds": median(cpus[1:]),
        "tokens": median(tokens[1:]),
        "peak_bytes": peak_bytes(device),
        "plain_seconds": median(plains[1:]) if case.beside else 0.0,
        "over_plain": median([w / p for w, p in zip(walls[1:], plains[1:], strict=True)])
        if case.beside
        else 0.0,
    }
    return found | {name: median([r[name] for r in rates]) for name in rates[0]}


def product_rates() -> dict[str, float]:
    """GFLOP/s of one MLP's product: as torch does it unasked, as training does it here, and in bf16."""
    import torch

    a, b = torch.ones(4096, 256), torch.ones(1024, 256)
    mine = torch.get_float32_matmul_precision()
    found = {}
    for name, precision, dtype in (
        ("plain_gflops", "highest", torch.float32),
        ("gflops", mine, torch.float32),
        ("bf16_gflops", mine, torch.bfloat16),
    ):
        torch.set_float32_matmul_precision(precision)
        left, right = a.to(dtype), b.to(dtype)
        taken = []
        for _ in range(3):
            began = time.perf_counter()
            torch.nn.functional.linear(left, right)
            taken.append(time.perf_counter() - began)
        found[name] = 2 * a.numel() * len(b) / statistics.median(taken) / 1e9
    torch.set_float32_matmul_precision(mine)
    return found


def collation(case: Case, folder: Path) -> dict[str, float]:
    """Tokenize 16 texts (28 kB, as the JAX trainer's 16 x 512 tokens) twice, cut them, and line them up."""
    from tokstudio.tokens.reference import load_tokenizer
    from tokstudio.train.chunks import chunk
    from tokstudio.train.config import DataConfig
    from tokstudio.train.corpus import load_corpus
    from tokstudio.train.data import WindowOrder
    from tokstudio.train.packing import batches

    sides = [(load_tokenizer(name), 512) for name in ("demo:english", tokenizer_of(8192, folder))]
    data = DataConfig(window_bytes=2048, too_long="cut")
    order = WindowOrder(load_corpus("python").train, window_bytes=2048, batch_size=BATCH, seed=1)
    taken = []
    for index in range(case.steps + 1):
        texts = order[index]
        began = time.perf_counter()
        teacher, student = batches(sides, texts, data)
        chunk(teacher, student)
        taken.append(time.perf_counter() - began)
    return {"seconds": statistics.median(taken[1:])} | product_rates()


def _read_from_cache(problem: Any, case: Case, folder: Path) -> None:
    """Write what is missing, and let the teacher go."""
    import torch

    from tokstudio.train.teacher_cache import CachedTeacher, TeacherCache, said

    cache = TeacherCache.of({"case": [case.precision, case.target, case.length]}, folder)
    boundary = torch.from_numpy(CachedTeacher(cache, problem.teacher.tokenizer, 0).boundary)
    for index in range(cache.batches(), case.steps + 1):
        batch, _ = problem.token_batches(index)
        cache.append(said(problem.teacher.scores(index, batch, frozenset(), case.precision), batch, boundary))
    problem.teacher = CachedTeacher(cache, problem.teacher.tokenizer, LENGTH)


def plain_seconds(problem: Any, case: Case, step: int) -> float:
    """Teacher forward (unless it is cached) and plain fine-tuning of the student on the same texts, in seconds."""
    import torch

    from tokstudio.models.device import autocast
    from tokstudio.train.evaluate import next_token_nats
    from tokstudio.train.teachers import OtherModel

    teacher, student = problem.token_batches(step)
    began = time.perf_counter()
    if isinstance(problem.teacher, OtherModel):
        with torch.no_grad(), autocast(problem.pair.device, case.precision):
            problem.teacher.loaded(input_ids=teacher.input_ids, use_cache=False)
    with autocast(problem.pair.device, case.precision):
        logits = problem.model(input_ids=student.input_ids, use_cache=False).logits
    (next_token_nats(logits[:, :-1].float(), student) / student.tokens).backward()
    taken = time.perf_counter() - began
    problem.model.zero_grad()
    return taken


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    told["objectives"] = tuple(told["objectives"])
    sys.stdout.write(json.dumps(measure(Case(**told), Path(sys.argv[2]))))
