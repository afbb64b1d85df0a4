"""What this process holds, and what it gives back."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil


def peak_memory() -> float:
    """Megabytes that this process held at most, as far as the system says."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Not by getrusage, which counts what the process that started this one held
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**10
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    memory = psutil.Process().memory_info()
    return float(getattr(memory, "peak_wset", memory.rss)) / 2**20


def give_back_memory() -> None:
    """Let the system have what was freed: the C library of Linux keeps up to a gigabyte in the arenas of its threads."""
    import ctypes
    import gc

    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
