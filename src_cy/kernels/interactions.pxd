"""Which columns a branch may be split on, given those that it was split on: interaction constraints.

After splits on columns F a branch may use F and every set that holds all of F; where F is empty, all columns. A set of
columns is words of 64 bits. As both children of a node have the same F, and F only grows, what is once ruled out stays
so below.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset


cdef struct Interactions:
    int n_words                     # of a set; 0: every column may be used anywhere
    int n_sets
    int most                        # columns of a branch, whichever they are; 0: the sets say
    const uint64_t *sets            # (n_sets, n_words)


cdef inline int words_of(int n_features) noexcept nogil:
    return (n_features + 63) // 64


cdef inline bint holds(const uint64_t *set, int j) noexcept nogil:
    return (set[j >> 6] >> (j & 63)) & 1


cdef inline void put_column(uint64_t *set, int j) noexcept nogil:
    set[j >> 6] |= <uint64_t> 1 << (j & 63)


cdef inline void allow_columns(
    const Interactions *c,
    const uint64_t *used,           # (n_words,) F
    uint64_t *allowed_out,          # (n_words,)
) noexcept nogil:
    """O(n_sets * n_words)."""
    cdef int i, k, n = c.n_words, n_used = 0
    cdef const uint64_t *set
    cdef uint64_t word, outside
    for k in range(n):
        allowed_out[k] = used[k]
        word = used[k]
        while word != 0:
            word &= word - 1
            n_used += 1
    if n_used == 0 or n_used < c.most:
        memset(allowed_out, 0xFF, n * sizeof(uint64_t))
        return
    for i in range(c.n_sets):
        set = c.sets + <ptrdiff_t> i * n
        outside = 0
        for k in range(n):
            outside |= used[k] & ~set[k]
        if outside == 0:
            for k in range(n):
                allowed_out[k] |= set[k]


cdef inline int open_interactions(Interactions *out, const uint64_t[:, ::1] sets, int most, int n_features) except -1:
    """From fastml.tree.interactions.Interactions; the memory of `sets` must outlive `out`."""
    if sets.shape[1] != words_of(n_features):
        raise ValueError(f"interactions of {sets.shape[1]} words a set do not fit {n_features} columns")
    out.n_words = <int> sets.shape[1]
    out.n_sets = <int> sets.shape[0]
    out.most = most
    out.sets = &sets[0, 0] if sets.shape[0] > 0 else NULL
    return 0
