"""How busy the processor and the GPU are with a run."""

import ctypes
import os
import sys
import time

import psutil

LEAST = 1.0  # seconds between two readings: a shorter span says little
LIBRARY = "nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1"  # part of NVIDIA's driver


class Load:
    """Shares in percent, from one reading to the next."""

    def __init__(self) -> None:
        try:
            self.cores = len(psutil.Process().cpu_affinity()) or 1
        except (AttributeError, psutil.Error):  # macOS has no affinity
            self.cores = os.cpu_count() or 1
        self._at, self._spent = time.monotonic(), time.process_time()
        self._gpu: _Gpu | None = None
        self._looked = False

    def read(self) -> dict[str, float]:
        """`cpu_percent`: what this process takes of all cores that it may use; on CUDA `gpu_percent`, what the driver
        says of the device, whoever uses it. Empty where less than `LEAST` seconds passed since the last one."""
        now = time.monotonic()
        if (seconds := now - self._at) < LEAST:
            return {}
        spent = time.process_time()
        share = 100.0 * (spent - self._spent) / seconds / self.cores
        self._at, self._spent = now, spent
        found = {"cpu_percent": min(100.0, share)}
        if (busy := self._of_gpu()) is not None:
            found["gpu_percent"] = float(busy)
        return found

    def _of_gpu(self) -> int | None:
        if not self._looked:
            torch = sys.modules.get("torch")
            if torch is None or not torch.cuda.is_initialized():
                return None  # it may come yet
            self._looked = True
            uuid = getattr(torch.cuda.get_device_properties(torch.cuda.current_device()), "uuid", None)
            self._gpu = _Gpu.opened(f"GPU-{uuid}") if uuid is not None else None
        return self._gpu.busy() if self._gpu is not None else None


class _Utilization(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Gpu:
    """NVML, as its manual describes nvmlDeviceGetUtilizationRates."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p):
        self._library, self._handle = library, handle

    @classmethod
    def opened(cls, uuid: str) -> "_Gpu | None":
        """None where the driver has no such library or does not know the device (a part of a GPU, for example)."""
        try:
            library = ctypes.CDLL(LIBRARY)
            handle = ctypes.c_void_p()
            if library.nvmlInit_v2():
                return None
            if library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(handle)):
                return None
        except (OSError, AttributeError):
            return None
        return cls(library, handle)

    def busy(self) -> int | None:
        """Percent of the time in which something ran on it, over the driver's last sample."""
        found = _Utilization()
        failed = self._library.nvmlDeviceGetUtilizationRates(self._handle, ctypes.byref(found))
        return None if failed else int(found.gpu)
