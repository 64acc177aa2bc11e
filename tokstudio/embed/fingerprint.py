"""Which matrix this is, without reading all of it; and a place in the cache under that name."""

import hashlib
import os
import shutil
from pathlib import Path

from tokstudio.embed.header import Tensor
from tokstudio.paths import cache_folder

SAMPLES, SAMPLE = 64, 4096  # 256 kB of the tensor are read
CACHE_LIMIT = 2 << 30  # bytes; the entries that were unused for longest go first


def fingerprint(tensor: Tensor) -> str:
    """Hash of type, shape, size, time of change and evenly spaced samples of the tensor. A file that was
    changed in place gets another one by its time; a copy that kept its time gets the same."""
    digest = hashlib.blake2b(digest_size=16)
    status = os.stat(tensor.file)
    digest.update(
        repr((1, tensor.dtype, tensor.shape, tensor.size, status.st_size, status.st_mtime_ns)).encode()
    )
    with open(tensor.file, "rb") as stream:
        for sample in range(SAMPLES):
            stream.seek(tensor.offset + (tensor.size - min(SAMPLE, tensor.size)) * sample // (SAMPLES - 1))
            digest.update(stream.read(min(SAMPLE, tensor.size)))
    return digest.hexdigest()


def cache_entry(key: str) -> Path:
    """Folder of what was computed for `key`; it may not exist yet."""
    return cache_folder() / "matrices" / key


def trim_cache(limit: int = CACHE_LIMIT) -> None:
    """Remove the entries that were unused for longest until the rest fits into `limit` bytes."""
    root = cache_folder() / "matrices"
    if not root.exists():
        return
    entries = sorted(
        (entry for entry in root.iterdir() if entry.is_dir()), key=lambda e: e.stat().st_mtime, reverse=True
    )
    used = 0
    for entry in entries:
        used += sum(file.stat().st_size for file in entry.iterdir())
        if used > limit:
            shutil.rmtree(entry, ignore_errors=True)  # another window may be removing it too
