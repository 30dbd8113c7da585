"""Huge pages for threads that work in much memory, where the C library and the system have them.

A password hash jumps about in 19 MiB. Of pages of 4 KiB these are more than the processor remembers the places of, so
it looks them up all the time; of pages of 2 MiB there are ten.
"""

import ctypes
import os
from typing import Final

_HEAP: Final = 64 << 20
"""glibc gives each thread's allocations a range of this size, which begins at a multiple of it."""
_MADV_HUGEPAGE: Final = 14
_OF_A_THREAD: Final = 4
"""This bit of the word in front of an allocation says that it lies in such a range."""


def prefer(size: int) -> bool:
    """Ask for huge pages for what the calling thread allocates; `size` bytes, at most 32 MiB, is what it needs at once.

    Nothing but a hint: False where it cannot be given, and memory is had as usual.
    """
    if os.uname().sysname != "Linux" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return False
    libc = _library()
    libc.free(libc.malloc(size))  # the first of a size comes from elsewhere, and raises what comes from the range
    address = libc.malloc(size)
    if not address:
        return False
    is_ours = bool(ctypes.c_size_t.from_address(address - ctypes.sizeof(ctypes.c_size_t)).value & _OF_A_THREAD)
    done = is_ours and libc.madvise(address & -_HEAP, _HEAP, _MADV_HUGEPAGE) == 0
    libc.free(address)
    return done


def _library() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return libc
