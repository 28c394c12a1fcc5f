"""What Cython sees of lloyd.h: the kernels of Lloyd's algorithm."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "lloyd.h" nogil:
    enum:
        FASTML_F32
        FASTML_F64
        FASTML_U8
        FASTML_LLOYD_LANES
        FASTML_LLOYD_PANEL
        FASTML_LLOYD_CANDIDATE

    struct fastml_points:
        const void *x
        int32_t kind
        ptrdiff_t d
        const double *weight
        const double *offset
        const double *scale
        double weight_scale
        double unit

    struct fastml_centres:
        ptrdiff_t k
        const double *centre
        const float *panels
        const float *half_sq
        float radius

    struct fastml_box_tree:
        const fastml_points *points
        ptrdiff_t n
        ptrdiff_t n_fixed
        const int32_t *rows
        float *blocks
        float *radius
        int64_t *fixed
        float *boxes
        int64_t *sums
        const ptrdiff_t *level_start
        const uint64_t *mixed
        float widest

    struct fastml_bounds:
        const fastml_points *points
        ptrdiff_t k
        int32_t n_groups
        int32_t stride
        uint64_t all_groups
        const int32_t *group_start
        const int32_t *member
        const int32_t *group_of
        int32_t *label
        float *upper
        float *base
        uint8_t *lower
        double per_quantum
        const double *drift
        const double *group_drift
        const uint8_t *drift_units
        const double *centre
        const void *fast
        const double *off
        const float *half_between
        const float *half_next
        double relative
        const double *sq
        const double *norm
        int32_t afresh

    struct fastml_lloyd_kernels:
        void (*column_stats)(
            const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, double *min_out, double *max_out,
            double *sum_out
        ) noexcept nogil
        void (*column_squares)(
            const void *x, int kind, ptrdiff_t first, ptrdiff_t n, ptrdiff_t d, const double *mean, double *sum_out
        ) noexcept nogil
        double (*squared_distance)(
            const void *x, int kind, ptrdiff_t row, ptrdiff_t d, const double *centre
        ) noexcept nogil
        void (*add_row)(
            const fastml_points *points, ptrdiff_t row, int64_t check, int64_t sign, int64_t *sums
        ) noexcept nogil
        float (*pack_block)(
            const fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n, float *block_out
        ) noexcept nogil
        void (*assign_block)(
            const fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n, const float *block,
            float radius, const fastml_centres *centres, int32_t *nearest_out
        ) noexcept nogil
        void (*morton_keys)(
            const fastml_points *points, ptrdiff_t first, ptrdiff_t n, uint32_t *keys_out
        ) noexcept nogil
        void (*fill_leaf)(const fastml_box_tree *tree, ptrdiff_t b) noexcept nogil
        void (*fill_box)(const fastml_box_tree *tree, ptrdiff_t level, ptrdiff_t b) noexcept nogil
        void (*assign_box)(
            const fastml_box_tree *tree, const fastml_centres *centres, ptrdiff_t level, ptrdiff_t b, void *scratch,
            int64_t *sums, int32_t *labels_out
        ) noexcept nogil
        uint64_t (*mix)(uint64_t i) noexcept nogil
        ptrdiff_t (*assign_bounded)(
            const fastml_bounds *bounds, ptrdiff_t first, ptrdiff_t n, void *scratch, int64_t *sums
        ) noexcept nogil
        void (*settle_bounds)(const fastml_bounds *bounds, ptrdiff_t first, ptrdiff_t n) noexcept nogil

    const fastml_lloyd_kernels *fastml_lloyd_kernels_chosen()
