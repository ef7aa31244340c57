"""How the C library hands out memory."""

import ctypes

# Names and numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> None:
    """Reuse the memory of large arrays instead of returning it to the system at once.

    By default glibc maps every large array anew, and the first touch of each page is a fault: a
    third of the time of a rollout on a CPU. What a process has once used it keeps until it ends; its
    peak stays the same within a few per cent. Does nothing where the C library is not glibc.
    """
    try:
        set_option = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    set_option(_MMAP_THRESHOLD, 1 << 30)
    set_option(_TRIM_THRESHOLD, (1 << 31) - 1)
    set_option(_TOP_PAD, 1 << 26)
