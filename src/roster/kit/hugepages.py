"""Huge pages for threads that work in much memory, where the system has them.

A password hash jumps about in 19 MiB. Of pages of 4 KiB these are more than the processor remembers the places of, so
it looks them up all the time; of pages of 2 MiB there are ten.
"""

import ctypes
import mmap
from typing import Final

_ADVICE: Final[int | None] = getattr(mmap, "MADV_HUGEPAGE", None)


def prefer(size: int) -> bool:
    """Ask for huge pages for the `size` bytes that the calling thread allocates at once, again and again.

    Nothing but a hint: False where it cannot be given, and memory is had as usual. It counts for as long as the C
    library keeps the memory for this thread, as glibc does up to 32 MiB.
    """
    if _ADVICE is None:
        return False
    libc = _library()
    libc.free(libc.malloc(size))  # glibc keeps what is of a size that was freed before
    address = libc.malloc(size)
    if not address:
        return False
    first = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    done = libc.madvise(first, address + size - first, _ADVICE) == 0
    libc.free(address)
    return done


def _library() -> ctypes.CDLL:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    libc.free.restype, libc.free.argtypes = None, (ctypes.c_void_p,)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return libc
