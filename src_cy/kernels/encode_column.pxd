"""A stretch of a column to codes, by the way that its type allows; and the tree of edges that the search reads."""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t, uint8_t

from kernels.column_view cimport FLOAT32, FLOAT64, INT8, UINT8, ColumnView, fits_float32, load_values
from simd.simd cimport fastml_bin_search, fastml_kernels

cdef extern from *:
    """
    #include <math.h>
    /* The largest float32 that is not above x. */
    static inline float fastml_round_down(double x) {
        float f = (float)x; return (double)f > x ? nextafterf(f, -INFINITY) : f;
    }
    """
    float round_down "fastml_round_down"(double x) nogil


cdef inline int levels_of(ptrdiff_t n_edges) noexcept nogil:
    """Levels of the tree that holds the edges and one +inf: 4 at least, the size of a register; 0 without edges."""
    cdef int levels = 4
    if n_edges == 0:
        return 0
    while (1 << levels) <= n_edges:
        levels += 1
    return levels


cdef inline void plant(
    const double *edges,        # (n_edges,)
    ptrdiff_t n_edges,
    float *tree_out,            # (1 << levels,)
    double *sorted_out,         # (1 << levels,)
    fastml_bin_search *search,
) noexcept nogil:
    """Edges as the search reads them; see struct fastml_bin_search."""
    cdef int level, i, k, levels = levels_of(n_edges)
    search.levels = levels
    search.tree = tree_out
    search.sorted = sorted_out
    search.apart_in_f32 = True
    for k in range((1 << levels) if levels else 0):
        sorted_out[k] = edges[k] if k < n_edges else INFINITY
        if 0 < k < n_edges and round_down(edges[k]) == round_down(edges[k - 1]):
            search.apart_in_f32 = False
    for level in range(levels):
        for i in range(1 << level):
            tree_out[(1 << level) + i] = round_down(sorted_out[((2 * i + 1) << (levels - 1 - level)) - 1])


cdef inline void encode_levels(
    const float *levels,        # (n,) number of a level; NaN is missing
    ptrdiff_t n,
    const uint8_t *codes,       # (n_codes,) of each level
    int64_t n_codes,
    uint8_t *codes_out,         # (n,)
) noexcept nogil:
    cdef ptrdiff_t i
    for i in range(n):
        codes_out[i] = codes[<int64_t>levels[i]] if 0 <= levels[i] < n_codes else 0


cdef inline void encode_column(
    const fastml_kernels *simd,
    const ColumnView *view,
    const fastml_bin_search *search,
    const uint8_t *level_codes,     # (n_level_codes,) of a categorical column
    int64_t n_level_codes,          # 0 for a number column
    const uint8_t *byte_codes,      # (256,) code of each byte, for values of 8 bits
    ptrdiff_t first,
    ptrdiff_t n,
    double *scratch,            # (n,)
    uint8_t *codes_out,         # (n,) of the rows first .. first + n - 1
) noexcept nogil:
    cdef const char *data = view.data + first * view.stride
    cdef const float *x32 = <const float *>scratch
    cdef const double *x64 = scratch
    cdef ptrdiff_t i
    if n_level_codes > 0:
        load_values[float](view, NULL, first, n, <float *>scratch)
        encode_levels(x32, n, level_codes, n_level_codes, codes_out)
    elif view.kind == INT8 or view.kind == UINT8:
        for i in range(n):
            codes_out[i] = byte_codes[(<const uint8_t *>data)[i * view.stride]]
    elif fits_float32(view.kind):
        if view.kind == FLOAT32 and view.stride == sizeof(float):
            x32 = <const float *>data
        else:
            load_values[float](view, NULL, first, n, <float *>scratch)
        simd.bin_encode_f32(x32, n, search, codes_out)
    else:
        if view.kind == FLOAT64 and view.stride == sizeof(double):
            x64 = <const double *>data
        else:
            load_values[double](view, NULL, first, n, scratch)
        simd.bin_encode_f64(x64, n, search, codes_out)


cdef inline bint any_missing(const uint8_t *codes, ptrdiff_t n) noexcept nogil:
    cdef ptrdiff_t i
    cdef uint8_t least = 255
    for i in range(n):
        least = min(least, codes[i])
    return least == 0
