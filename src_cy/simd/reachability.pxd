"""What Cython sees of reachability.h."""

from libc.stdint cimport int32_t, uint8_t

from kernels.distances cimport fastml_metric


cdef extern from "reachability.h" nogil:
    enum:
        FASTML_REACH_WIDTH

    struct fastml_reach_tree:
        const double *packed
        const double *boxes
        const int32_t *row
        const int32_t *lowest
        int32_t n
        int32_t depth
        int32_t d
        int32_t width
        fastml_metric metric
        double scale

    int32_t fastml_reach_first(const fastml_reach_tree *t, int32_t leaf)

    struct fastml_reach_state:
        const double *core
        const double *node_core
        const int32_t *component
        const int32_t *node_component
        const double *own_core
        const int32_t *own_component
        double *bound
        int32_t *nearest
        double *least

    struct fastml_reach_kernels:
        void (*core_distances)(
            const fastml_reach_tree *tree, const fastml_reach_tree *source, int32_t leaf, int32_t k, int32_t n_kept,
            int32_t n_beside, double *distance, int32_t *who, double *core_out, int32_t *beside_out
        ) noexcept nogil
        void (*nearest_outside)(
            const fastml_reach_tree *tree, const fastml_reach_tree *source, const fastml_reach_state *state,
            int32_t leaf, const uint8_t *needed
        ) noexcept nogil
        double (*distance)(
            const fastml_reach_tree *tree, int32_t leaf_a, int32_t a, int32_t leaf_b, int32_t b
        ) noexcept nogil

    void fastml_reach_lower(double *p, double x)
    const fastml_reach_kernels *fastml_reach_kernels_chosen()
