"""Task files of lm-eval on the live model, with local data and no network. An optional extra: tokstudio[lm-eval].

A task file is lm-eval's own YAML; its `data_files` are sought beside it. Files that name Python functions or a data
set of a hub are refused. Templates in a task file are programs all the same: use files that you trust.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokstudio.errors import ConfigError, InputError, ModelError

if TYPE_CHECKING:
    from tokstudio.train.evaluation.subject import Subject

LOCAL = ("json", "csv", "text", "parquet", "arrow")
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE", "TRANSFORMERS_OFFLINE")


def read_task(path: Path) -> dict[str, Any]:
    """The task as lm-eval takes it, its data files as full paths. Raises InputError for what is not local."""
    import yaml

    try:
        task = yaml.safe_load(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as plain YAML: {str(error).splitlines()[0]}",
            hint="Python functions (!function) and other tags are not run from here.",
        ) from None
    if not isinstance(task, dict) or not isinstance(task.get("task"), str):
        raise InputError(f"{path} is no task of lm-eval.", hint="It names itself: task: my_task")
    if task.get("include"):
        raise InputError(f"{path} includes another file.", hint="Write its lines into this one.")
    if task.get("dataset_path") not in LOCAL:
        raise InputError(
            f"{path} reads the data set {task.get('dataset_path')!r}, which is not on this machine.",
            hint=f"dataset_path is one of {', '.join(LOCAL)}, with dataset_kwargs: data_files beside the task.",
        )
    settings = task.get("dataset_kwargs") or {}
    if not isinstance(settings, dict) or not settings.get("data_files"):
        raise InputError(
            f"{path} names no data files.", hint="Add dataset_kwargs: {data_files: {test: FILE}}."
        )
    files = _local(settings["data_files"], path.expanduser().resolve().parent)
    return {**task, "dataset_kwargs": {**settings, "data_files": files}}


def _local(files: Any, folder: Path) -> Any:
    if isinstance(files, dict):
        return {name: _local(value, folder) for name, value in files.items()}
    if isinstance(files, list):
        return [_local(value, folder) for value in files]
    found = folder / str(files)
    if "://" in str(files) or not found.is_file():
        raise InputError(f"There is no data file {files} beside the task.", hint=f"It is sought as {found}.")
    return str(found)


def run_tasks(subject: "Subject", files: Sequence[Path], *, limit: int = 0, seed: int = 0) -> dict[str, Any]:
    """lm-eval's figures by task, as it names them ("acc_bytes,none"). `limit`: questions a task (0: all).

    Raises ConfigError where lm-eval is not installed.
    """
    tasks = [read_task(path) for path in files]
    os.environ.update(dict.fromkeys(_OFFLINE, "1"))  # read once, when those libraries are imported
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tokstudio-lm-eval-") as cache:
        os.environ["HF_DATASETS_CACHE"] = cache
        for task in tasks:
            found |= _one(subject, task, limit, seed)
    return found


def _one(subject: "Subject", task: dict[str, Any], limit: int, seed: int) -> dict[str, Any]:
    try:
        import lm_eval
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise ConfigError(
            f"lm-eval is not installed ({error.name or error}).", hint="pip install 'tokstudio[lm-eval]'"
        ) from None
    # Of whole texts, lm-eval 0.4.13 conditions on BOS itself and would score a second one that a tokenizer adds.
    rolling = str(task.get("output_type", "")).endswith("rolling")
    model = HFLM(
        pretrained=subject.model,
        tokenizer=_hf_tokenizer(subject),
        device=str(next(subject.model.parameters()).device),
        max_length=min(subject.limit, 1 << 20),
        batch_size=8,
        add_bos_token=False if rolling else None,
    )
    done = lm_eval.simple_evaluate(
        model=model,
        tasks=[task],
        task_manager=TaskManager(include_defaults=False),
        bootstrap_iters=0,
        limit=limit or None,
        random_seed=seed,
        numpy_random_seed=seed,
        torch_random_seed=seed,
        fewshot_random_seed=seed,
    )
    return {
        name: {key: value for key, value in values.items() if isinstance(value, float)}
        for name, values in done["results"].items()
    }


def _hf_tokenizer(subject: "Subject") -> Any:
    from transformers import AutoTokenizer

    from tokstudio.tokens.reference import file_of

    file = file_of(subject.tokenizer.reference)
    if file is None:
        raise ModelError(
            f"{subject.tokenizer.name} is no tokenizer of transformers.",
            hint="lm-eval needs a folder with a tokenizer.json.",
        )
    return AutoTokenizer.from_pretrained(file.parent, local_files_only=True, trust_remote_code=False)
