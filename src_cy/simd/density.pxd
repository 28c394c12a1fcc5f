"""What Cython sees of density.h and disjoint.h."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from kernels.distances cimport fastml_metric


cdef extern from "density.h" nogil:
    enum:
        FASTML_CELL_DIMS
        FASTML_CELL_REACH
        FASTML_CELL_ROWS
        FASTML_CELL_PAD
        FASTML_KEY_PAD

    struct fastml_cells:
        int64_t n_cells
        int n_dims
        int n_rows
        int64_t row[25]
        const int64_t *key
        const int32_t *start
        const double *x[3]
        const double *weight
        double min_samples
        int early
        double sure_sq
        double never_sq
        const double *angles
        const uint32_t *row_of
        double angle_limit

    struct fastml_core_cells:
        const int32_t *start
        const double *x[3]
        const uint32_t *row_of

    enum:
        FASTML_POINTS
        FASTML_BOX_PAD
        FASTML_COSINE

    struct fastml_blocks:
        int64_t n
        int64_t n_blocks
        int n_dims
        int box_stride
        const int32_t *order
        const float *columns
        const float *boxes
        const int32_t *node
        int norm
        float sure
        float never
        fastml_metric metric
        ptrdiff_t n_features
        const double *rows64
        const float *rows32
        double limit
        const double *weight
        double min_samples
        int early

    struct fastml_near_block:
        float distance
        int32_t block

    struct fastml_density_kernels:
        void (*find_cores)(const fastml_cells *cells, int64_t first, int64_t last, uint8_t *is_core_out) noexcept nogil
        void (*join_cells)(
            const fastml_cells *cells, const fastml_core_cells *cores, int64_t first, int64_t last, int32_t *parent
        ) noexcept nogil
        void (*reach_borders)(
            const fastml_cells *cells, const fastml_core_cells *cores, const int32_t *label_of_cell,
            const uint8_t *is_core, int64_t first, int64_t last, int32_t *label_out
        ) noexcept nogil
        void (*unit_vectors)(const double *angles, int64_t n, double *points_out) noexcept nogil

        void (*find_block_cores)(
            const fastml_blocks *blocks, int64_t first, int64_t last, fastml_near_block *scratch, float *row,
            uint8_t *state_out
        ) noexcept nogil
        void (*join_within_blocks)(
            const fastml_blocks *blocks, const uint64_t *cores, int64_t first, int64_t last, float *row,
            int32_t *parent, uint8_t *is_whole_out
        ) noexcept nogil
        void (*join_blocks)(
            const fastml_blocks *blocks, const uint64_t *cores, int64_t first, int64_t last,
            fastml_near_block *scratch, float *row, int32_t *parent, uint8_t *is_whole_inout
        ) noexcept nogil
        void (*reach_block_borders)(
            const fastml_blocks *blocks, const uint64_t *cores, const uint8_t *state, const uint8_t *is_whole,
            int64_t first, int64_t last, fastml_near_block *scratch, float *row, int32_t *label_inout
        ) noexcept nogil

    const fastml_density_kernels *fastml_density_kernels_chosen()


cdef extern from "disjoint.h" nogil:
    int32_t fastml_root(int32_t *parent, int32_t i)
    void fastml_join(int32_t *parent, int32_t a, int32_t b)
