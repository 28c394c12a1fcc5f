"""How the rows of a fit are dealt out to a team: runs of blocks in turn, so that sorted data load all threads alike.

Everything that goes over all rows deals alike: a row then stays in one processor's cache. Runs are long, because a
processor fetches ahead, and takes the next thread's lines from it where a run ends (with runs of one block, a thread
that packs gradients takes twice as long).
"""

from simd.simd cimport FASTML_BLOCK

cdef enum:
    MOST_BLOCKS = 16                # of a run
    LEAST_RUNS = 8                  # a thread, as far as there are blocks


cdef inline ptrdiff_t run_blocks(ptrdiff_t n, int team) noexcept nogil:
    """Blocks of FASTML_BLOCK rows in a run."""
    return max(1, min(MOST_BLOCKS, n // (FASTML_BLOCK * LEAST_RUNS * team)))


cdef inline ptrdiff_t first_block(ptrdiff_t run, int thread) noexcept nogil:
    """First row of the thread's first block; run: run_blocks()."""
    return thread * run * FASTML_BLOCK


cdef inline ptrdiff_t next_block(ptrdiff_t first, ptrdiff_t run, int team) noexcept nogil:
    """First row of the block that the thread takes after the one from `first` on."""
    first += FASTML_BLOCK
    return first if first % (run * FASTML_BLOCK) else first + (team - 1) * run * FASTML_BLOCK


cdef inline ptrdiff_t dealt_rows(ptrdiff_t n, ptrdiff_t run, int team, int thread) noexcept nogil:
    """How many of n rows the thread gets."""
    cdef ptrdiff_t size = run * FASTML_BLOCK, round_size = size * team
    return n // round_size * size + min(size, max(<ptrdiff_t> 0, n % round_size - thread * size))
