"""What Cython sees of simd.h: the table of kernels chosen for this machine."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef extern from "simd.h" nogil:
    ctypedef void (*fastml_loss_block)(
        const double *y, const double *raw, double *grad_out, double *hess_out, ptrdiff_t n, const double *param
    ) noexcept nogil

    enum:
        FASTML_CELLS
        FASTML_BLOCK
        FASTML_LEAF_SUMS
        FASTML_BLOCK_WORDS
        FASTML_BLOCK_ROWS
        FASTML_MAX_PLANES
        FASTML_VOTE_LANES

    struct fastml_select:
        uint16_t right
        uint16_t if_left
        uint16_t if_right
        uint16_t out

    struct fastml_bit_tree:
        int32_t select_begin
        int32_t select_end
        int32_t n_planes
        uint16_t plane[8]
        int64_t table

    struct fastml_bin_search:
        const float *tree
        const float *sorted32
        const double *sorted
        int32_t levels
        int32_t apart_in_f32

    struct fastml_vote_node:
        pass

    struct fastml_kernels:
        const char *name
        void (*bin_encode_f32)(
            const float *x, ptrdiff_t n, const fastml_bin_search *search, uint8_t *codes_out
        ) noexcept nogil
        void (*bin_encode_f64)(
            const double *x, ptrdiff_t n, const fastml_bin_search *search, uint8_t *codes_out
        ) noexcept nogil
        void (*columns_from_rows)(
            const char *rows, ptrdiff_t row_stride, ptrdiff_t n_rows, ptrdiff_t n_columns, ptrdiff_t size,
            char *columns_out, ptrdiff_t column_stride
        ) noexcept nogil
        void (*rows_from_columns)(
            const uint8_t *columns, ptrdiff_t column_stride, ptrdiff_t n_columns, ptrdiff_t n_rows,
            uint8_t *rows_out, ptrdiff_t row_stride, ptrdiff_t width
        ) noexcept nogil

        void (*histogram)(
            const uint8_t *codes, ptrdiff_t row_stride, int n_columns, const int32_t *rows,
            ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist
        ) noexcept nogil
        void (*histogram_of_bundles)(
            const uint16_t *cells, ptrdiff_t row_stride, int n_bundles, const int32_t *rows,
            ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist
        ) noexcept nogil
        void (*histogram_of_members)(
            const uint16_t *cells, ptrdiff_t row_stride, const int32_t *bundle_of, const uint8_t *codes,
            ptrdiff_t codes_stride, int n_columns, const int32_t *rows,
            ptrdiff_t first, ptrdiff_t n, const int64_t *packed, const uint8_t *narrow, int64_t *hist
        ) noexcept nogil
        void (*pack_gradients)(
            const float *grad, const float *hess, const double *weight, double g_scale,
            double h_scale, ptrdiff_t n, int64_t *packed_out
        ) noexcept nogil
        void (*pack_narrow)(
            const float *grad, const float *hess, const double *weight, double g_scale,
            double h_scale, ptrdiff_t n, uint8_t *narrow_out, ptrdiff_t row_bytes
        ) noexcept nogil
        ptrdiff_t (*partition_rows)(
            const uint8_t *column, int subtract, int threshold, int32_t *rows, int32_t *right_out, ptrdiff_t n
        ) noexcept nogil
        ptrdiff_t (*partition_rows_by_table)(
            const uint8_t *column, const uint8_t *table, int32_t *rows, int32_t *right_out, ptrdiff_t n
        ) noexcept nogil
        int (*scan_bins)(
            const int64_t *bins, int n, int64_t start, int64_t total, double w, double lam, int32_t h_min,
            int64_t *left_out
        ) noexcept nogil
        void (*sum_leaf)(
            const float *grad, const float *hess, const double *weight, const int32_t *rows, ptrdiff_t n,
            double g_scale, double h_scale, int32_t leaf, int32_t *leaf_of_out, int64_t *sums_out
        ) noexcept nogil
        void (*sum_numbered)(
            const uint8_t *number, const int32_t *node_of, int n_numbers, const float *grad, const float *hess,
            const double *weight, const uint8_t *sampled, ptrdiff_t n, double g_scale, double h_scale,
            int32_t *leaf_of_out, int64_t *sums_inout
        ) noexcept nogil

        fastml_loss_block squared_error
        fastml_loss_block binary_logistic
        fastml_loss_block absolute_error
        fastml_loss_block quantile
        fastml_loss_block huber
        fastml_loss_block exponential
        void (*softmax_exp)(
            const double *raw, ptrdiff_t stride, int k, ptrdiff_t n, float *e_out, double *inverse_sum_out
        ) noexcept nogil
        void (*softmax_class)(
            const double *y, const float *e, const double *inverse_sum, double c, double factor, ptrdiff_t n,
            double *grad_out, double *hess_out
        ) noexcept nogil
        void (*add_leaf_values)(
            const int32_t *leaf, const double *value, ptrdiff_t n, double *raw_inout
        ) noexcept nogil
        void (*widen)(const float *x, ptrdiff_t n, double *out) noexcept nogil
        void (*store_gradients)(
            const double *grad, const double *hess, const double *weight, ptrdiff_t n,
            float *grad_out, float *hess_out, double *stats_out
        ) noexcept nogil

        void (*sort_few)(uint32_t *keys, ptrdiff_t n, uint32_t *out) noexcept nogil
        ptrdiff_t (*best_cut)(
            const uint32_t *keys, int shift, const double *left, const double *a, const double *b,
            const double *w_left, ptrdiff_t begin, ptrdiff_t end, double total, double weight, double least,
            double *proxy
        ) noexcept nogil
        ptrdiff_t (*scan_counts)(
            const uint16_t *cells, ptrdiff_t width, int n_classes, const uint16_t *totals, uint16_t *left,
            uint32_t *keys_out, double *a_out, double *b_out, double *w_out
        ) noexcept nogil

        void (*gather_ranks)(
            const uint16_t *column, const uint64_t *rows, ptrdiff_t n, uint32_t *out, uint32_t *low_out,
            uint32_t *high_out
        ) noexcept nogil

        void (*walk_votes)(
            const fastml_vote_node *nodes, const uint16_t *keys, ptrdiff_t stride, uint32_t root, uint32_t *at_out
        ) noexcept nogil

        void (*compare_codes)(
            const uint8_t *codes, int n_words, uint8_t shift, const uint8_t *threshold,
            ptrdiff_t n_conditions, uint64_t *right_out
        ) noexcept nogil
        void (*member_codes)(
            const uint8_t *codes, int n_words, const uint8_t *set, uint64_t *right_out
        ) noexcept nogil
        void (*find_leaves)(
            const fastml_bit_tree *tree, const fastml_select *program, uint64_t *vectors, int n_words,
            uint8_t *leaf_out
        ) noexcept nogil
        void (*add_leaves)(
            const fastml_bit_tree *trees, ptrdiff_t n_trees, ptrdiff_t step, const fastml_select *program,
            const double *tables, uint64_t *vectors, int n_rows, double *raw_inout
        ) noexcept nogil

    const fastml_kernels *fastml_simd()
