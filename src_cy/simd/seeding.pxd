"""What Cython sees of seeding.h: the kernels of k-means++."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, uint8_t, uint32_t


cdef extern from "seeding.h" nogil:
    enum:
        FASTML_SEED_LANES
        FASTML_SEED_CHUNK

    struct fastml_seed_blocks:
        const void *x
        int32_t kind
        ptrdiff_t d
        ptrdiff_t n_blocks
        const double *low
        const double *high
        const double *weight
        double *nearest
        double *farthest

    struct fastml_seed_rows:
        const void *x
        int32_t kind
        ptrdiff_t d
        const double *weight
        double *nearest
        int32_t *label

    struct fastml_seeding_kernels:
        void (*gains_of_blocks)(
            const fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n, const double *candidates,
            ptrdiff_t n_candidates, double *gain_out
        ) noexcept nogil
        void (*lower_blocks)(
            const fastml_seed_blocks *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
            const uint32_t *row_of, double *nearest_by_row, uint8_t *changed
        ) noexcept nogil
        void (*gains_of_rows)(
            const fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n, const double *candidates,
            ptrdiff_t n_candidates, const double *between, ptrdiff_t stride, double *gain_out
        ) noexcept nogil
        void (*lower_rows)(
            const fastml_seed_rows *points, ptrdiff_t first, ptrdiff_t n, const double *centre,
            const double *between, int32_t number
        ) noexcept nogil
        double (*weighted_sum)(const double *sq, const double *weight, ptrdiff_t n) noexcept nogil

    const fastml_seeding_kernels *fastml_seeding_kernels_chosen()
