"""What Cython sees of kd_tree.h: records, splits, leaves."""

from libc.stdint cimport int32_t, uint64_t


cdef extern from "kd_tree.h" nogil:
    enum:
        FASTML_KD_LANES
        FASTML_KD_COLUMNS

    union fastml_kd_word:
        float value
        int32_t row

    struct fastml_kd_points:
        const float *single
        const double *wide
        ptrdiff_t n
        ptrdiff_t d
        int32_t n_columns
        int32_t columns[15]
        double centre[15]
        double scale
        int32_t depth

    struct fastml_kd_kernels:
        void (*fill_records)(
            const fastml_kd_points *points, ptrdiff_t begin, ptrdiff_t end, fastml_kd_word *records_out
        ) noexcept nogil
        int (*split_node)(
            const fastml_kd_points *points, int32_t level, ptrdiff_t j, fastml_kd_word *source, fastml_kd_word *to,
            uint64_t *keys, int32_t *order_out
        ) noexcept nogil
        void (*grow_subtree)(
            const fastml_kd_points *points, int32_t level, ptrdiff_t j, fastml_kd_word *source, fastml_kd_word *to,
            uint64_t *keys, int32_t *order_out
        ) noexcept nogil
        void (*pack_leaf)(
            const fastml_kd_points *points, const int32_t *rows, ptrdiff_t n_rows, ptrdiff_t capacity,
            float *packed_single_out, double *packed_wide_out, double *box_out, int32_t *lowest_out
        ) noexcept nogil

    const fastml_kd_kernels *fastml_kd_kernels_chosen()
