/* Blocks of 64 points, which lie column after column, against centres in panels.

   What is found in float32 only rules centres out: its error is bounded, and where a second centre lies within the
   bound, the exact distances decide. So labels have the same bits whatever the instruction set does in between.
   Limit: a multiplication and an addition for each point, centre and column: 24 accumulators, 10 loads a 24 of them. */

/* A norm from its square, rounded up by what d roundings may have lost. */
static inline float lloyd_radius(float sq, ptrdiff_t d)
{
    return (float)(sqrt((double)sq) * (1.0 + 1e-6 * (double)(d + 8)));
}

/* (d, 64) floats of rows first.. (or of those that `rows` names); lanes beyond n repeat the last. Returns the largest
   norm, rounded up. */
static float pack_block(const struct fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n,
                        float *block_out)
{
    const ptrdiff_t d = points->d;
    const double unit = points->unit;
    float sq[FASTML_LLOYD_LANES] = {0}, most = 0.0f;
    ptrdiff_t l, j;
    for (l = 0; l < FASTML_LLOYD_LANES; l++) {
        const ptrdiff_t at = first + (l < n ? l : n - 1), row = rows == NULL ? at : rows[at];
        LLOYD_TYPED(points->kind, {
            const real *own = (const real *)points->x + row * d;
            for (j = 0; j < d; j++)
                block_out[j * FASTML_LLOYD_LANES + l] = (float)(((double)own[j] - points->offset[j]) * unit);
        })
    }
    for (j = 0; j < d; j++)
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            const float v = block_out[j * FASTML_LLOYD_LANES + l];
            sq[l] += v * v;
        }
    for (l = 0; l < FASTML_LLOYD_LANES; l++)
        most = sq[l] > most ? sq[l] : most;
    return lloyd_radius(most, d);
}

/* Of each lane the least of half_sq - x.c, the second least, and the centre of the least. */
static void nearest_in_block(const float *block, ptrdiff_t d, const struct fastml_centres *centres, float *best_out,
                             float *second_out, int32_t *nearest_out)
{
    const ptrdiff_t n_panels = (centres->k + FASTML_LLOYD_PANEL - 1) / FASTML_LLOYD_PANEL;
    ptrdiff_t p, j;
#if defined(FASTML_AVX512)
    __m512 best[4], second[4];
    __m512i nearest[4];
    int v, c;
    for (v = 0; v < 4; v++) {
        best[v] = second[v] = _mm512_set1_ps(1e30f);
        nearest[v] = _mm512_setzero_si512();
    }
    for (p = 0; p < n_panels; p++) {
        const float *panel = centres->panels + p * d * FASTML_LLOYD_PANEL;
        const float *half = centres->half_sq + p * FASTML_LLOYD_PANEL;
        __m512 sum[FASTML_LLOYD_PANEL][4];
        for (c = 0; c < FASTML_LLOYD_PANEL; c++)
            for (v = 0; v < 4; v++)
                sum[c][v] = _mm512_set1_ps(half[c]);
        for (j = 0; j < d; j++) {
            const float *x = block + j * FASTML_LLOYD_LANES;
            const __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + 16);
            const __m512 x2 = _mm512_loadu_ps(x + 32), x3 = _mm512_loadu_ps(x + 48);
            for (c = 0; c < FASTML_LLOYD_PANEL; c++) {
                const __m512 own = _mm512_set1_ps(panel[j * FASTML_LLOYD_PANEL + c]);
                sum[c][0] = _mm512_fnmadd_ps(x0, own, sum[c][0]);
                sum[c][1] = _mm512_fnmadd_ps(x1, own, sum[c][1]);
                sum[c][2] = _mm512_fnmadd_ps(x2, own, sum[c][2]);
                sum[c][3] = _mm512_fnmadd_ps(x3, own, sum[c][3]);
            }
        }
        for (c = 0; c < FASTML_LLOYD_PANEL; c++) {
            const __m512i number = _mm512_set1_epi32((int)(p * FASTML_LLOYD_PANEL) + c);
            for (v = 0; v < 4; v++) {
                const __mmask16 nearer = _mm512_cmp_ps_mask(sum[c][v], best[v], _CMP_LT_OQ);
                second[v] = _mm512_min_ps(second[v], _mm512_max_ps(best[v], sum[c][v]));
                best[v] = _mm512_min_ps(best[v], sum[c][v]);
                nearest[v] = _mm512_mask_mov_epi32(nearest[v], nearer, number);
            }
        }
    }
    for (v = 0; v < 4; v++) {
        _mm512_storeu_ps(best_out + 16 * v, best[v]);
        _mm512_storeu_ps(second_out + 16 * v, second[v]);
        _mm512_storeu_si512(nearest_out + 16 * v, nearest[v]);
    }
#else
    ptrdiff_t from;
    int c, l;
    for (from = 0; from < FASTML_LLOYD_LANES; from += 8) {
        float best[8], second[8];
        int32_t nearest[8];
        for (l = 0; l < 8; l++) {
            best[l] = second[l] = 1e30f;
            nearest[l] = 0;
        }
        for (p = 0; p < n_panels; p++) {
            const float *panel = centres->panels + p * d * FASTML_LLOYD_PANEL;
            const float *half = centres->half_sq + p * FASTML_LLOYD_PANEL;
            float sum[FASTML_LLOYD_PANEL][8];
            for (c = 0; c < FASTML_LLOYD_PANEL; c++)
                for (l = 0; l < 8; l++)
                    sum[c][l] = half[c];
            for (j = 0; j < d; j++) {
                const float *x = block + j * FASTML_LLOYD_LANES + from;
                for (c = 0; c < FASTML_LLOYD_PANEL; c++) {
                    const float own = panel[j * FASTML_LLOYD_PANEL + c];
                    for (l = 0; l < 8; l++)
                        sum[c][l] -= x[l] * own;
                }
            }
            for (c = 0; c < FASTML_LLOYD_PANEL; c++)
                for (l = 0; l < 8; l++) {
                    const float v = sum[c][l], above = v > best[l] ? v : best[l];
                    const int32_t number = (int32_t)(p * FASTML_LLOYD_PANEL + c);
                    nearest[l] = v < best[l] ? number : nearest[l];
                    second[l] = above < second[l] ? above : second[l];
                    best[l] = v < best[l] ? v : best[l];
                }
        }
        for (l = 0; l < 8; l++) {
            best_out[from + l] = best[l];
            second_out[from + l] = second[l];
            nearest_out[from + l] = nearest[l];
        }
    }
#endif
}

/* The nearest centre of each lane; exact, ties to the lowest number. */
static void assign_block(const struct fastml_points *points, const int32_t *rows, ptrdiff_t first, ptrdiff_t n,
                         const float *block, float radius, const struct fastml_centres *centres, int32_t *nearest_out)
{
    const ptrdiff_t d = points->d;
    /* What half_sq - x.c may be off by: d + 8 roundings of at most 2^-24 of |x||c| + |c|^2. */
    const float off = (float)(d + 8) * 6.0e-8f * centres->radius * (radius + centres->radius) + 1e-30f;
    float best[FASTML_LLOYD_LANES], second[FASTML_LLOYD_LANES];
    ptrdiff_t l, c, j;
    nearest_in_block(block, d, centres, best, second, nearest_out);
    for (l = 0; l < n; l++) {
        double least = HUGE_VAL;
        const float limit = best[l] + 2.0f * off;
        if (second[l] > limit)
            continue;
        for (c = 0; c < centres->k; c++) {
            const float *own = centres->panels + c / FASTML_LLOYD_PANEL * d * FASTML_LLOYD_PANEL + c % FASTML_LLOYD_PANEL;
            float value = centres->half_sq[c];
            for (j = 0; j < d; j++)
                value -= block[j * FASTML_LLOYD_LANES + l] * own[j * FASTML_LLOYD_PANEL];
            if (value <= limit) {
                const ptrdiff_t row = rows == NULL ? first + l : rows[first + l];
                const double sq = squared_distance(points->x, points->kind, row, d, centres->centre + c * d);
                if (sq < least) {
                    least = sq;
                    nearest_out[l] = (int32_t)c;
                }
            }
        }
    }
}
