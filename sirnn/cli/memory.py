"""Memory: keep what was freed, because getting it again from the system is slow.

A party frees and allocates hundreds of megabytes of correlations for every request. By default the C library hands
such blocks back at once, and each page of the next ones is faulted in and cleared anew: a third of the time of a large
offline phase, measured.
"""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
MOST = 2**31 - 1


def keep_freed_memory() -> None:
    """Serve all allocations from a heap that never shrinks; with a C library other than glibc, do nothing."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, MOST)
