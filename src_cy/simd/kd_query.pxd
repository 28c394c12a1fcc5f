"""What Cython sees of kd_query.h: queries to a kd-tree, block by block."""

from libc.stdint cimport int32_t, int64_t

from kernels.distances cimport fastml_metric


cdef extern from "kd_query.h" nogil:
    enum:
        FASTML_KD_BLOCK

    struct fastml_kd_view:
        ptrdiff_t n
        ptrdiff_t d
        ptrdiff_t capacity
        int32_t depth
        const int32_t *order
        const int32_t *lowest
        const float *single
        const double *wide
        const double *boxes

    struct fastml_kd_block:
        ptrdiff_t n
        const double *columns
        const double *box
        const double *centre

    struct fastml_kd_nearest:
        ptrdiff_t k
        double *reduced
        int32_t *rows
        double bound[64]

    struct fastml_kd_query_kernels:
        void (*nearest)(
            const fastml_kd_view *tree, const fastml_metric *metric, const fastml_kd_block *block,
            fastml_kd_nearest *found
        ) noexcept nogil
        void (*count)(
            const fastml_kd_view *tree, const fastml_metric *metric, const fastml_kd_block *block,
            const double *reduced_radius, int64_t *count_out
        ) noexcept nogil
        void (*within)(
            const fastml_kd_view *tree, const fastml_metric *metric, const fastml_kd_block *block,
            const double *reduced_radius, const int64_t *start, int64_t *rows_out, double *reduced_out
        ) noexcept nogil

    const fastml_kd_query_kernels *fastml_kd_query_kernels_chosen()
