/* CSR against CSR: queries stand in the lanes of a panel with a row for each column that any of them has, and one of zeros
   for all other columns, so that no entry has to be asked; the points' entries go over it one by one. Limit: an entry costs
   a look-up of its column's panel row and a multiplication and addition for each lane. Pairs that the screen lets through
   are evaluated in float64 by merging their entries, in the order of the columns. */

/* Euclidean (squared), half of it of rows at length 1 (cosine), or Manhattan. */
static double sparse_reduced(const struct fastml_metric *metric, const struct fastml_brute_rows *a, ptrdiff_t i,
                             const struct fastml_brute_rows *b, ptrdiff_t j)
{
    int64_t p = a->start[i], q = b->start[j];
    const int64_t p_end = a->start[i + 1], q_end = b->start[j + 1];
    const double by_a = a->inverse_norm != NULL ? a->inverse_norm[i] : 1.0;
    const double by_b = b->inverse_norm != NULL ? b->inverse_norm[j] : 1.0;
    double total = 0.0;
    if (by_a == 0.0 || by_b == 0.0)
        return 1.0;
    while (p < p_end || q < q_end) {
        const int32_t at_a = p < p_end ? a->columns[p] : INT32_MAX, at_b = q < q_end ? b->columns[q] : INT32_MAX;
        double apart = 0.0;
        if (at_a <= at_b)
            apart = brute_value(a, p++) * by_a;
        if (at_b <= at_a)
            apart -= brute_value(b, q++) * by_b;
        total += metric->kind == FASTML_MANHATTAN ? fabs(apart) : apart * apart;
    }
    return a->inverse_norm != NULL ? 0.5 * total : total;
}

/* slots and panel for queries [begin, end). */
static void sparse_fill(const struct fastml_brute_screen *screen, const struct fastml_brute_rows *queries,
                           ptrdiff_t begin, ptrdiff_t end, int32_t *slots, float *panel)
{
    int32_t n = 1;
    memset(panel, 0, FASTML_SPARSE_TILE * sizeof(float));
    for (ptrdiff_t q = begin; q < end; q++) {
        double by = queries->inverse_norm != NULL ? queries->inverse_norm[q] : 1.0;
        by *= screen->kind == FASTML_SCREEN_SQUARES ? -2.0 * screen->scale : screen->scale;
        for (int64_t e = queries->start[q]; e < queries->start[q + 1]; e++) {
            const int32_t c = queries->columns[e];
            if (slots[c] == 0) {
                slots[c] = n++;
                memset(panel + (ptrdiff_t)slots[c] * FASTML_SPARSE_TILE, 0, FASTML_SPARSE_TILE * sizeof(float));
            }
            panel[(ptrdiff_t)slots[c] * FASTML_SPARSE_TILE + (q - begin)] = (float)(brute_value(queries, e) * by);
        }
    }
}

/* Sums of one point with all lanes. */
BRUTE_INLINE void sparse_sums(const int kind, const struct fastml_brute_rows *points, ptrdiff_t i, const int32_t *slots,
                              const float *panel, float *sums)
{
    const int64_t end = points->start[i + 1];
#if defined(FASTML_AVX512)
    __m512 a[FASTML_SPARSE_TILE / 16];
    for (int v = 0; v < FASTML_SPARSE_TILE / 16; v++)
        a[v] = _mm512_set1_ps(points->bias[i]);
    for (int64_t e = points->start[i]; e < end; e++) {
        const float *q = panel + (ptrdiff_t)slots[points->columns[e]] * FASTML_SPARSE_TILE;
        const __m512 x = _mm512_set1_ps(points->screened[e]);
        for (int v = 0; v < FASTML_SPARSE_TILE / 16; v++) {
            const __m512 own = _mm512_loadu_ps(q + 16 * v);
            a[v] = kind == FASTML_SCREEN_SQUARES
                       ? _mm512_fmadd_ps(x, own, a[v])
                       : _mm512_add_ps(a[v], _mm512_sub_ps(_mm512_abs_ps(_mm512_sub_ps(x, own)), _mm512_abs_ps(own)));
        }
    }
    for (int v = 0; v < FASTML_SPARSE_TILE / 16; v++)
        _mm512_storeu_ps(sums + 16 * v, a[v]);
#else
    float a[FASTML_SPARSE_TILE];
    for (int l = 0; l < FASTML_SPARSE_TILE; l++)
        a[l] = points->bias[i];
    for (int64_t e = points->start[i]; e < end; e++) {
        const float *q = panel + (ptrdiff_t)slots[points->columns[e]] * FASTML_SPARSE_TILE;
        const float x = points->screened[e];
        if (kind == FASTML_SCREEN_SQUARES)
            for (int l = 0; l < FASTML_SPARSE_TILE; l++)
                a[l] += x * q[l];
        else
            for (int l = 0; l < FASTML_SPARSE_TILE; l++)
                a[l] += fabsf(x - q[l]) - fabsf(q[l]);
    }
    memcpy(sums, a, sizeof a);
#endif
}

static void brute_run_sparse(const struct fastml_metric *metric, const struct fastml_brute_screen *screen,
                             const struct fastml_brute_rows *points, const struct fastml_brute_rows *queries,
                             ptrdiff_t begin, ptrdiff_t end, struct fastml_brute_sink *sinks, int32_t *slots, float *panel)
{
    float limits[FASTML_SPARSE_TILE], sums[FASTML_SPARSE_TILE];
    const int n_q = (int)(end - begin);
    sparse_fill(screen, queries, begin, end, slots, panel);
    for (int r = 0; r < FASTML_SPARSE_TILE; r++)
        limits[r] = r < n_q ? brute_limit(screen, sinks[r].bound, queries->own[begin + r]) : -INFINITY;
    for (ptrdiff_t i = 0; i < points->n; i++) {
        int any = 0;
        if (screen->kind == FASTML_SCREEN_SQUARES)
            sparse_sums(FASTML_SCREEN_SQUARES, points, i, slots, panel, sums);
        else
            sparse_sums(FASTML_SCREEN_ABSOLUTE, points, i, slots, panel, sums);
        for (int r = 0; r < FASTML_SPARSE_TILE; r++)
            any |= sums[r] <= limits[r];
        if (!any)
            continue;
        for (int r = 0; r < n_q; r++) {
            if (!(sums[r] <= limits[r]))
                continue;
            sink_offer(&sinks[r], sparse_reduced(metric, points, i, queries, begin + r), i);
            limits[r] = brute_limit(screen, sinks[r].bound, queries->own[begin + r]);
        }
    }
    for (int r = 0; r < n_q; r++)
        sink_sort(&sinks[r]);
    for (int64_t e = queries->start[begin]; e < queries->start[end]; e++)
        slots[queries->columns[e]] = 0;
}
