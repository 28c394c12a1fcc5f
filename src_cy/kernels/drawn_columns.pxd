"""Columns drawn for a node without replacement, and how their values lie among the node's rows."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from kernels.drawn_nodes cimport DrawnProblem, DrawnWork, Span
from kernels.exact_nodes cimport allow_in_node
from kernels.interactions cimport holds
from kernels.random cimport random_bits
from kernels.sorted_runs cimport row_of
from simd.simd cimport fastml_kernels


cdef inline int draw_next(const DrawnProblem *p, DrawnWork *w, uint64_t key, int drawn, int d) noexcept nogil:
    """The drawn-th column of a node, at random among the rest of the first d in w.drawn; also where all are wanted,
    since the first of those with equally good cuts is taken, and trees that all prefer the same one are less apart."""
    cdef int i
    cdef uint32_t j
    i = drawn + <int> (
        ((random_bits(p.exact.options.seed, key, drawn) >> 32) * <uint64_t> (d - drawn)) >> 32
    )
    w.swaps[drawn] = i
    j = w.drawn[i]
    w.drawn[i] = w.drawn[drawn]
    w.drawn[drawn] = j
    return <int> j


cdef inline int list_allowed(const DrawnProblem *p, DrawnWork *w, int node) noexcept nogil:
    """The columns that a node may be split on to w.drawn; how many they are."""
    cdef int j, n = 0
    if p.exact.interactions.n_words == 0:
        return p.exact.n_features   # they are there, see undo_draws
    allow_in_node(&p.exact, &w.base, node)
    for j in range(p.exact.n_features):
        w.drawn[n] = <uint32_t> j
        n += holds(w.base.allowed, j)
    return n


cdef inline void undo_draws(const DrawnProblem *p, DrawnWork *w, int drawn) noexcept nogil:
    """The columns back in order, so that a node's draw hangs on nothing before it."""
    cdef int k, i
    cdef uint32_t j
    for k in range(drawn - 1, -1, -1):
        i = w.swaps[k]
        j = w.drawn[i]
        w.drawn[i] = w.drawn[k]
        w.drawn[k] = j


cdef inline Span gather_ranks(
    const DrawnProblem *p, const fastml_kernels *simd, int j, const uint64_t *rows, ptrdiff_t n, uint32_t *out
) noexcept nogil:
    cdef const uint16_t *column16
    cdef const uint32_t *column32
    cdef ptrdiff_t i
    cdef uint32_t rank
    cdef Span span
    span.low = 0xFFFFFFFF
    span.high = 0
    if p.ranks16 != NULL:
        column16 = p.ranks16 + j * p.stride
        if p.padded:
            simd.gather_ranks(column16, rows, n, out, &span.low, &span.high)
        else:
            for i in range(n):
                rank = column16[row_of(rows[i])]
                out[i] = rank
                span.low = min(span.low, rank)
                span.high = max(span.high, rank)
        if span.high == 0xFFFF:     # some are missing
            for i in range(n):
                if out[i] == 0xFFFF:
                    out[i] = 0xFFFFFFFF
            span.high = 0xFFFFFFFF
            if span.low == 0xFFFF:
                span.low = 0xFFFFFFFF
        return span
    column32 = p.ranks32 + j * p.stride
    for i in range(n):
        rank = column32[row_of(rows[i])]
        out[i] = rank
        span.low = min(span.low, rank)
        span.high = max(span.high, rank)
    return span
