"""Does an exported folder give the same numbers when plain `transformers` loads it in a fresh process?"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokstudio.errors import TransferError
from tokstudio.tokens.base import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EXPECTED = "expected_logits.npz"
TOLERANCE = 1e-3  # of a logit; fp32 on one machine differs by far less


def write_expectation(
    model: "PreTrainedModel", target: Tokenizer, texts: Sequence[str], folder: Path
) -> None:
    """Keep ids and last-token logits of `texts`, for `check` to compare with."""
    import torch

    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    arrays: dict[str, np.ndarray] = {"texts": np.array(json.dumps(list(texts)))}
    with torch.inference_mode():
        for number, text in enumerate(texts):
            ids = target.encode(text).ids.astype(np.int64)
            logits = model(input_ids=torch.from_numpy(ids)[None].to(device), use_cache=False).logits[0, -1]
            arrays[f"ids{number}"], arrays[f"logits{number}"] = ids, logits.float().cpu().numpy()
    model.train(was_training)
    np.savez(folder / EXPECTED, **arrays)


def check(folder: Path) -> dict[str, Any]:
    """Load `folder` with AutoModelForCausalLM and AutoTokenizer alone and compare. Raises TransferError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tokstudio.models.load import know_architecture

    know_architecture(folder)
    expected = np.load(folder / EXPECTED, allow_pickle=False)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    sizes = {
        "embedding_rows": len(model.get_input_embeddings().weight),
        "config_vocab_size": model.config.vocab_size,
        "tokenizer_size": len(tokenizer),
    }
    if len(set(sizes.values())) != 1:
        raise TransferError(f"The export's sizes differ: {sizes}.")
    worst = 0.0
    for number, text in enumerate(json.loads(str(expected["texts"]))):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        if ids != expected[f"ids{number}"].tolist():
            raise TransferError(f"The exported tokenizer cuts {text!r} differently.")
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1].numpy()
        worst = max(worst, float(np.abs(logits - expected[f"logits{number}"]).max()))
    return {"checked": worst <= TOLERANCE, "max_abs_logit_difference": worst, **sizes}


def verify_in_fresh_process(folder: Path, *, timeout: float = 600) -> dict[str, Any]:
    """`check` in an interpreter that knows nothing of this one. Raises TransferError with what it printed."""
    command = [sys.executable, "-m", "tokstudio"]
    if getattr(sys, "frozen", False):
        command = [sys.executable]
    done = subprocess.run(
        [*command, "verify", str(folder), "--json"],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        raise TransferError(
            f"The export could not be loaded again: {done.stderr.strip()[-500:]}",
            hint=f"The trained model is safe in the run's checkpoints; the export lies in {folder}.",
        )
    return json.loads(done.stdout)
