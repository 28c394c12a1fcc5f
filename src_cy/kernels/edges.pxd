"""Edges of a graph in the order in which a spanning tree takes them, and the components that they join."""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcpy

from kernels.radix_sort cimport key64, radix_sort


cdef inline int32_t find(int32_t *leader, int32_t i) noexcept nogil:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = leader[i]
    return i


cdef inline uint64_t ends(int32_t a, int32_t b) noexcept nogil:
    """An edge's smaller end, then its larger one, as one number."""
    return (<uint64_t> min(a, b)) << 32 | <uint64_t> max(a, b)


cdef inline void sort_run(
    uint64_t *keys, uint64_t *spare, uint32_t *edges, uint32_t *spare_edges, uint32_t n
) noexcept nogil:
    if radix_sort(keys, spare, edges, spare_edges, n):
        memcpy(keys, spare, n * sizeof(uint64_t))
        memcpy(edges, spare_edges, n * sizeof(uint32_t))


cdef inline void sort_edges(
    const int32_t *first, const int32_t *second, const double *weight, const double *length,
    uint32_t n,
    uint64_t *keys, uint64_t *spare,            # (n,) overwritten
    uint32_t *edges_out, uint32_t *spare_edges,  # (n,) the order
) noexcept nogil:
    """Ascending by weight, then by length, then by the smaller and the larger end."""
    cdef uint32_t i, j, k, begin, end
    cdef uint64_t key
    for i in range(n):
        keys[i] = key64(weight[i])
        edges_out[i] = i
    sort_run(keys, spare, edges_out, spare_edges, n)
    i = 0
    while i < n:
        end = i + 1
        while end < n and keys[end] == keys[i]:
            end += 1
        if end - i > 1:
            for k in range(i, end):
                keys[k] = key64(length[edges_out[k]])
            sort_run(keys + i, spare + i, edges_out + i, spare_edges + i, end - i)
            begin = i
            while begin < end:
                key = keys[begin]
                j = begin + 1
                while j < end and keys[j] == key:
                    j += 1
                if j - begin > 1:
                    for k in range(begin, j):
                        keys[k] = ends(first[edges_out[k]], second[edges_out[k]])
                    sort_run(keys + begin, spare + begin, edges_out + begin, spare_edges + begin, j - begin)
                begin = j
        i = end
