/* Kernel values of packed rows against panels of 8 vectors, added up at once.

   Limit: a dot product is d fused multiplications of 64 bytes for 16 rows; a tile of 2 blocks of rows by 8
   vectors takes 2 loads and 8 broadcasts for its 16 sums. exp2 costs as much as some ten columns. Values that are only
   added up are never stored: they would take 4 bytes of memory each, twice.

   rbf: rows are packed as x' = sqrt(2 gamma log2(e)) (x - mean), sq = |x'|^2 / 2, so that
   exp(-gamma |x - z|^2) = 2^(x'.z' - sq_x - sq_z).
   Included once a type, after svm_lanes.inl. */

/* K from a vector of dot products; `kind` is a constant after inlining. */
ALWAYS_INLINE TYPED(vec) TYPED(kernel_of)(int kind, TYPED(vec) dot, TYPED(vec) sq, REAL own_sq,
                                          const struct fastml_svm_kernel *kernel)
{
    if (kind == FASTML_SVM_RBF)
        return TYPED(power_of_two)(TYPED(minus)(TYPED(minus)(dot, sq), TYPED(each)(own_sq)));
    if (kind == FASTML_SVM_LINEAR)
        return dot;
    dot = TYPED(fused)(dot, TYPED(each)((REAL)kernel->gamma), TYPED(each)((REAL)kernel->coef0));
    if (kind == FASTML_SVM_POLY) {
        TYPED(vec) power = TYPED(each)(1), base = dot;
        for (int left = kernel->degree; left > 0; left >>= 1) {
            if (left & 1)
                power = TYPED(times)(power, base);
            base = TYPED(times)(base, base);
        }
        return power;
    }
    /* tanh(a) = sign(a) (1 - q) / (1 + q), q = 2^(-2 log2(e) |a|) */
    const TYPED(vec) one = TYPED(each)(1), none = TYPED(each)(0);
    const TYPED(vec) size = TYPED(most)(dot, TYPED(minus)(none, dot));
    const TYPED(vec) q = TYPED(power_of_two)(TYPED(times)(size, TYPED(each)((REAL)-2.8853900817779268)));
    const TYPED(vec) value = TYPED(over)(TYPED(minus)(one, q), TYPED(plus)(one, q));
    REAL signs[LANES], values[LANES];
    TYPED(store)(signs, dot);
    TYPED(store)(values, value);
    for (int l = 0; l < LANES; l++)
        values[l] = signs[l] < 0 ? -values[l] : values[l];
    return TYPED(load)(values);
}

/* Dot products of two blocks of rows with a panel. */
ALWAYS_INLINE void TYPED(dot_tile)(const REAL *first, const REAL *second, ptrdiff_t d, const REAL *panel,
                                   TYPED(vec) dots[2 * FASTML_SVM_PANEL])
{
    UNROLLED for (int v = 0; v < 2 * FASTML_SVM_PANEL; v++)
        dots[v] = TYPED(each)(0);
    for (ptrdiff_t j = 0; j < d; j++) {
        const TYPED(vec) a = TYPED(load)(first + j * LANES), b = TYPED(load)(second + j * LANES);
        const REAL *z = panel + j * FASTML_SVM_PANEL;
        UNROLLED for (int v = 0; v < FASTML_SVM_PANEL; v++) {
            const TYPED(vec) of_v = TYPED(each)(z[v]);
            dots[v] = TYPED(fused)(a, of_v, dots[v]);
            dots[FASTML_SVM_PANEL + v] = TYPED(fused)(b, of_v, dots[FASTML_SVM_PANEL + v]);
        }
    }
}

/* Sums run over eight panels in REAL, then in float64: in an order of their own, whoever computes which rows. */
enum { TYPED(PANELS_AT_ONCE) = 8 };

ALWAYS_INLINE void TYPED(sums_by_kind)(int kind, const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d,
                                       const REAL *panels, const REAL *panels_sq, const REAL *coef, ptrdiff_t n_panels,
                                       const struct fastml_svm_kernel *kernel, double *out)
{
    TYPED(vec) dots[2 * FASTML_SVM_PANEL];
    for (ptrdiff_t from = 0; from < n_panels; from += TYPED(PANELS_AT_ONCE)) {
        const ptrdiff_t to = from + TYPED(PANELS_AT_ONCE) < n_panels ? from + TYPED(PANELS_AT_ONCE) : n_panels;
        for (ptrdiff_t block = 0; block < n_blocks; block += 2) {
            const ptrdiff_t next = block + 1 < n_blocks ? block + 1 : block;
            const TYPED(vec) sq_first = TYPED(load)(sq + block * LANES), sq_next = TYPED(load)(sq + next * LANES);
            TYPED(vec) sum_first = TYPED(each)(0), sum_next = sum_first;
            for (ptrdiff_t p = from; p < to; p++) {
                TYPED(dot_tile)(rows + block * d * LANES, rows + next * d * LANES, d, panels + p * d * FASTML_SVM_PANEL,
                                dots);
                UNROLLED for (int v = 0; v < FASTML_SVM_PANEL; v++) {
                    const REAL own_sq = panels_sq[p * FASTML_SVM_PANEL + v];
                    const TYPED(vec) weight = TYPED(each)(coef[p * FASTML_SVM_PANEL + v]);
                    const TYPED(vec) a = TYPED(kernel_of)(kind, dots[v], sq_first, own_sq, kernel);
                    const TYPED(vec) b = TYPED(kernel_of)(kind, dots[FASTML_SVM_PANEL + v], sq_next, own_sq, kernel);
                    sum_first = TYPED(fused)(a, weight, sum_first);
                    sum_next = TYPED(fused)(b, weight, sum_next);
                }
            }
            REAL sums[2 * LANES];
            TYPED(store)(sums, sum_first);
            TYPED(store)(sums + LANES, sum_next);
            for (int l = 0; l < LANES; l++)
                out[block * LANES + l] += (double)sums[l];
            if (next != block)
                for (int l = 0; l < LANES; l++)
                    out[next * LANES + l] += (double)sums[LANES + l];
        }
    }
}

/* The same with n_out coefficients a vector, coef[(panel * n_out + o) * 8 + v]; sums for o go to out + o * stride. The
   sums of two blocks stay in the near cache over eight panels. */
ALWAYS_INLINE void TYPED(many_sums_by_kind)(int kind, const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d,
                                            const REAL *panels, const REAL *panels_sq, const REAL *coef,
                                            ptrdiff_t n_panels, ptrdiff_t n_out, ptrdiff_t first_out, ptrdiff_t last_out,
                                            const struct fastml_svm_kernel *kernel, double *out, ptrdiff_t stride)
{
    TYPED(vec) dots[2 * FASTML_SVM_PANEL];
    REAL sums[MOST_OUTPUTS * 2 * LANES];
    for (ptrdiff_t block = 0; block < n_blocks; block += 2) {
        const ptrdiff_t next = block + 1 < n_blocks ? block + 1 : block;
        const TYPED(vec) sq_first = TYPED(load)(sq + block * LANES), sq_next = TYPED(load)(sq + next * LANES);
        for (ptrdiff_t from = 0; from < n_panels; from += TYPED(PANELS_AT_ONCE)) {
            const ptrdiff_t to = from + TYPED(PANELS_AT_ONCE) < n_panels ? from + TYPED(PANELS_AT_ONCE) : n_panels;
            memset(sums, 0, (size_t)(last_out - first_out) * 2 * LANES * sizeof(REAL));
            for (ptrdiff_t p = from; p < to; p++) {
                TYPED(dot_tile)(rows + block * d * LANES, rows + next * d * LANES, d, panels + p * d * FASTML_SVM_PANEL,
                                dots);
                UNROLLED for (int v = 0; v < FASTML_SVM_PANEL; v++) {
                    const REAL own_sq = panels_sq[p * FASTML_SVM_PANEL + v];
                    dots[v] = TYPED(kernel_of)(kind, dots[v], sq_first, own_sq, kernel);
                    dots[FASTML_SVM_PANEL + v] =
                        TYPED(kernel_of)(kind, dots[FASTML_SVM_PANEL + v], sq_next, own_sq, kernel);
                }
                for (ptrdiff_t o = first_out; o < last_out; o++) {
                    const REAL *weights = coef + (p * n_out + o) * FASTML_SVM_PANEL;
                    REAL *at = sums + (o - first_out) * 2 * LANES;
                    TYPED(vec) sum_first = TYPED(load)(at), sum_next = TYPED(load)(at + LANES);
                    UNROLLED for (int v = 0; v < FASTML_SVM_PANEL; v++) {
                        const TYPED(vec) weight = TYPED(each)(weights[v]);
                        sum_first = TYPED(fused)(dots[v], weight, sum_first);
                        sum_next = TYPED(fused)(dots[FASTML_SVM_PANEL + v], weight, sum_next);
                    }
                    TYPED(store)(at, sum_first);
                    TYPED(store)(at + LANES, sum_next);
                }
            }
            for (ptrdiff_t o = first_out; o < last_out; o++) {
                const REAL *at = sums + (o - first_out) * 2 * LANES;
                double *of_o = out + o * stride;
                for (int l = 0; l < LANES; l++)
                    of_o[block * LANES + l] += (double)at[l];
                if (next != block)
                    for (int l = 0; l < LANES; l++)
                        of_o[next * LANES + l] += (double)at[LANES + l];
            }
        }
    }
}

#define BY_KIND(function, ...)                                                                                        \
    switch (kernel->kind) {                                                                                           \
    case FASTML_SVM_LINEAR: TYPED(function)(FASTML_SVM_LINEAR, __VA_ARGS__); break;                                   \
    case FASTML_SVM_POLY: TYPED(function)(FASTML_SVM_POLY, __VA_ARGS__); break;                                       \
    case FASTML_SVM_RBF: TYPED(function)(FASTML_SVM_RBF, __VA_ARGS__); break;                                         \
    default: TYPED(function)(FASTML_SVM_SIGMOID, __VA_ARGS__);                                                        \
    }

static void TYPED(add_kernel)(const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d, const REAL *panels,
                              const REAL *panels_sq, const REAL *coef, ptrdiff_t n_panels,
                              const struct fastml_svm_kernel *kernel, double *out)
{
    BY_KIND(sums_by_kind, rows, sq, n_blocks, d, panels, panels_sq, coef, n_panels, kernel, out)
}

static void TYPED(add_kernel_many)(const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d, const REAL *panels,
                                   const REAL *panels_sq, const REAL *coef, ptrdiff_t n_panels, ptrdiff_t n_out,
                                   const struct fastml_svm_kernel *kernel, double *out, ptrdiff_t stride)
{
    for (ptrdiff_t o = 0; o < n_out; o += MOST_OUTPUTS) {
        const ptrdiff_t last = o + MOST_OUTPUTS < n_out ? o + MOST_OUTPUTS : n_out;
        BY_KIND(many_sums_by_kind, rows, sq, n_blocks, d, panels, panels_sq, coef, n_panels, n_out, o, last, kernel, out,
                stride)
    }
}

/* Sparse rows against 4 vectors of lanes of vectors: panel[slot * 4 * LANES + v] is vector v's number in the column
   whose slot is slot_of[column]; slot 0 holds zeros, for columns that none of the vectors has. */
ALWAYS_INLINE void TYPED(sparse_by_kind)(int kind, const struct fastml_svm_sparse *x, const REAL *values, const REAL *sq,
                                         const int64_t *index, ptrdiff_t n, const REAL *panel, const REAL *panel_sq,
                                         const REAL *coef, const struct fastml_svm_kernel *kernel, double *out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const int64_t r = index[i];
        TYPED(vec) dots[4] = {TYPED(each)(0), TYPED(each)(0), TYPED(each)(0), TYPED(each)(0)};
        for (int64_t k = x->indptr[r]; k < x->indptr[r + 1]; k++) {
            const REAL *z = panel + (ptrdiff_t)x->slot_of[x->indices[k]] * 4 * LANES;
            const TYPED(vec) of_x = TYPED(each)(values[k]);
            UNROLLED for (int b = 0; b < 4; b++)
                dots[b] = TYPED(fused)(TYPED(load)(z + b * LANES), of_x, dots[b]);
        }
        TYPED(vec) sum = TYPED(each)(0);
        UNROLLED for (int b = 0; b < 4; b++) {
            const TYPED(vec) k = TYPED(kernel_of)(kind, dots[b], TYPED(load)(panel_sq + b * LANES), sq[r], kernel);
            sum = TYPED(fused)(k, TYPED(load)(coef + b * LANES), sum);
        }
        REAL sums[LANES];
        TYPED(store)(sums, sum);
        double total = 0.0;
        for (int l = 0; l < LANES; l++)
            total += (double)sums[l];
        out[i] += total;
    }
}

static void TYPED(add_sparse)(const struct fastml_svm_sparse *x, const REAL *values, const REAL *sq, const int64_t *index,
                              ptrdiff_t n, const REAL *panel, const REAL *panel_sq, const REAL *coef,
                              const struct fastml_svm_kernel *kernel, double *out)
{
    BY_KIND(sparse_by_kind, x, values, sq, index, n, panel, panel_sq, coef, kernel, out)
}

/* Dot products of four blocks with one vector (numbers `step` apart): enough sums under way to hide each add. */
ALWAYS_INLINE void TYPED(row_by_kind)(int kind, const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d,
                                      ptrdiff_t own, const struct fastml_svm_kernel *kernel, REAL *out)
{
    const REAL *z = rows + own / LANES * d * LANES + own % LANES;
    const REAL own_sq = sq[own];
    ptrdiff_t block = 0;
    for (; block + 4 <= n_blocks; block += 4) {
        const REAL *x = rows + block * d * LANES;
        TYPED(vec) dots[4] = {TYPED(each)(0), TYPED(each)(0), TYPED(each)(0), TYPED(each)(0)};
        for (ptrdiff_t j = 0; j < d; j++) {
            const TYPED(vec) of_z = TYPED(each)(z[j * LANES]);
            UNROLLED for (int b = 0; b < 4; b++)
                dots[b] = TYPED(fused)(TYPED(load)(x + (b * d + j) * LANES), of_z, dots[b]);
        }
        UNROLLED for (int b = 0; b < 4; b++) {
            const TYPED(vec) of_b = TYPED(load)(sq + (block + b) * LANES);
            TYPED(store)(out + (block + b) * LANES, TYPED(kernel_of)(kind, dots[b], of_b, own_sq, kernel));
        }
    }
    for (; block < n_blocks; block++) {
        TYPED(vec) dot = TYPED(each)(0);
        for (ptrdiff_t j = 0; j < d; j++)
            dot = TYPED(fused)(TYPED(load)(rows + (block * d + j) * LANES), TYPED(each)(z[j * LANES]), dot);
        TYPED(store)(out + block * LANES, TYPED(kernel_of)(kind, dot, TYPED(load)(sq + block * LANES), own_sq, kernel));
    }
}

static void TYPED(kernel_row)(const REAL *rows, const REAL *sq, ptrdiff_t n_blocks, ptrdiff_t d, ptrdiff_t own,
                              const struct fastml_svm_kernel *kernel, REAL *out)
{
    BY_KIND(row_by_kind, rows, sq, n_blocks, d, own, kernel, out)
}
#undef BY_KIND
