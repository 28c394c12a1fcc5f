/* Few keys in order, and the best place to cut what is in order; without a branch that depends on the data. */

enum { SORT_LANES = 16 };

/* A key's place is the number of smaller ones; keys differ. n <= 256; keys must have room for 15 more.
   Limit: n^2 / 16 comparisons of 16 lanes, 0.7 ns a key at n = 32 and 2.6 at 128, where insertion takes 10 at 32. */
static void sort_few(uint32_t *restrict keys, ptrdiff_t n, uint32_t *restrict out)
{
    const ptrdiff_t end = (n + SORT_LANES - 1) & -(ptrdiff_t)SORT_LANES;
    for (ptrdiff_t i = n; i < end; i++)
        keys[i] = UINT32_MAX;
#if defined(FASTML_AVX512)
    if (end == SORT_LANES) {
        const __m512i all = _mm512_loadu_si512(keys);
        for (ptrdiff_t i = 0; i < n; i++)
            out[_mm_popcnt_u32(_mm512_cmplt_epu32_mask(all, _mm512_set1_epi32((int)keys[i])))] = keys[i];
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const __m512i key = _mm512_set1_epi32((int)keys[i]);
        uint32_t smaller = 0;
        for (ptrdiff_t j = 0; j < end; j += SORT_LANES)
            smaller += (uint32_t)_mm_popcnt_u32(_mm512_cmplt_epu32_mask(_mm512_loadu_si512(keys + j), key));
        out[smaller] = keys[i];
    }
#else
    int32_t flipped[256]; /* in the order of signed numbers, which all sets can compare */
    for (ptrdiff_t i = 0; i < end; i++)
        flipped[i] = (int32_t)(keys[i] ^ 0x80000000u);
    for (ptrdiff_t i = 0; i < n; i++) {
        const int32_t key = flipped[i];
        int32_t smaller = 0;
        for (ptrdiff_t j = 0; j < end; j++)
            smaller += flipped[j] < key;
        out[smaller] = keys[i];
    }
#endif
}

/* The first place i of begin..end-1 with the largest (a w_right + b w_left) / (w_left w_right), if that is more than
   *proxy, which it then becomes; else -1. Two neighbours whose keys agree but for the lowest `shift` bits are not cut
   apart. a, b NULL: the squares of left and total - left. */
static ptrdiff_t best_cut(const uint32_t *restrict keys, int shift, const double *restrict left,
                          const double *restrict a, const double *restrict b, const double *restrict w_left,
                          ptrdiff_t begin, ptrdiff_t end, double total, double weight, double least,
                          double *restrict proxy)
{
    ptrdiff_t place = -1, i = begin;
    double best = *proxy;
#if defined(FASTML_AVX512)
    const __m512d totals = _mm512_set1_pd(total), weights = _mm512_set1_pd(weight), leasts = _mm512_set1_pd(least);
    const __m512d zero = _mm512_setzero_pd();
    const __m128i bits = _mm_cvtsi32_si128(shift);
    __m512d most = _mm512_set1_pd(best);
    __m512i at = _mm512_set1_epi64(-1);
    for (; i < end; i += 8) {
        __mmask8 use = end - i >= 8 ? 0xFF : (__mmask8)((1u << (end - i)) - 1);
        __m256i own = _mm256_srl_epi32(_mm256_maskz_loadu_epi32(use, keys + i), bits);
        __m256i last = _mm256_srl_epi32(_mm256_maskz_loadu_epi32(use, keys + i - 1), bits);
        __m512d wl = _mm512_maskz_loadu_pd(use, w_left + i), wr = _mm512_sub_pd(weights, wl), p, q, found;
        if (left != NULL) {
            __m512d l = _mm512_maskz_loadu_pd(use, left + i), r = _mm512_sub_pd(totals, l);
            p = _mm512_mul_pd(l, l);
            q = _mm512_mul_pd(r, r);
        } else {
            p = _mm512_maskz_loadu_pd(use, a + i);
            q = _mm512_maskz_loadu_pd(use, b + i);
        }
        found = _mm512_div_pd(_mm512_add_pd(_mm512_mul_pd(p, wr), _mm512_mul_pd(q, wl)), _mm512_mul_pd(wl, wr));
        use &= _mm256_cmpneq_epi32_mask(own, last) & _mm512_cmp_pd_mask(wl, leasts, _CMP_GE_OQ) &
               _mm512_cmp_pd_mask(wr, leasts, _CMP_GE_OQ) & _mm512_cmp_pd_mask(wl, zero, _CMP_GT_OQ) &
               _mm512_cmp_pd_mask(wr, zero, _CMP_GT_OQ);
        use &= _mm512_cmp_pd_mask(found, most, _CMP_GT_OQ);
        most = _mm512_mask_mov_pd(most, use, found);
        at = _mm512_mask_add_epi64(at, use, _mm512_set1_epi64(i), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    }
    if (_mm512_cmp_pd_mask(most, _mm512_set1_pd(best), _CMP_GT_OQ)) {
        best = _mm512_reduce_max_pd(most);
        place = _mm512_mask_reduce_min_epi64(_mm512_cmp_pd_mask(most, _mm512_set1_pd(best), _CMP_EQ_OQ), at);
    }
#else
    for (; i < end; i++) {
        const double wl = w_left[i], wr = weight - wl;
        double p, q, found;
        if (keys[i] >> shift == keys[i - 1] >> shift || !(wl >= least && wr >= least && wl > 0.0 && wr > 0.0))
            continue;
        if (left != NULL) {
            const double r = total - left[i];
            p = left[i] * left[i];
            q = r * r;
        } else {
            p = a[i];
            q = b[i];
        }
        found = (p * wr + q * wl) / (wl * wr);
        if (found > best) {
            best = found;
            place = i;
        }
    }
#endif
    *proxy = best;
    return place;
}

/* Cells of counts, (width, 32 m) uint16 of which those beyond the classes are 0, and the node's counts of the classes,
   (32 m), below 2^15 in sum. Of each cell that is not empty, before it: its number, the sum of squares of the counts to
   its left and of the others, and the count to its left. Returns how many. Limit: 4 operations a cell and 32 classes. */
static ptrdiff_t scan_counts(const uint16_t *restrict cells, ptrdiff_t width, int n_classes,
                             const uint16_t *restrict totals, uint16_t *restrict left, uint32_t *restrict keys_out,
                             double *restrict a_out, double *restrict b_out, double *restrict w_out)
{
    ptrdiff_t m = 0;
    int64_t count = 0;
    memset(left, 0, (size_t)n_classes * sizeof(uint16_t));
    for (ptrdiff_t i = 0; i < width; i++) {
        const uint16_t *cell = cells + i * n_classes;
        int64_t a = 0, b = 0;
        int32_t own = 0;
#if defined(FASTML_AVX512)
        __m512i as = _mm512_setzero_si512(), bs = as, owns = as;
        const __m512i one = _mm512_set1_epi16(1);
        for (int k = 0; k < n_classes; k += 32) {
            __m512i l = _mm512_loadu_si512(left + k), c = _mm512_loadu_si512(cell + k);
            __m512i r = _mm512_sub_epi16(_mm512_loadu_si512(totals + k), l);
            as = _mm512_add_epi32(as, _mm512_madd_epi16(l, l));
            bs = _mm512_add_epi32(bs, _mm512_madd_epi16(r, r));
            owns = _mm512_add_epi32(owns, _mm512_madd_epi16(c, one));
            _mm512_storeu_si512(left + k, _mm512_add_epi16(l, c));
        }
        if (_mm512_test_epi32_mask(owns, owns) == 0)
            continue;
        a = _mm512_reduce_add_epi32(as);
        b = _mm512_reduce_add_epi32(bs);
        own = _mm512_reduce_add_epi32(owns);
#else
        for (int k = 0; k < n_classes; k++) {
            const int32_t l = left[k], r = totals[k] - l;
            a += l * l;
            b += r * r;
            own += cell[k];
            left[k] = (uint16_t)(l + cell[k]);
        }
        if (own == 0)
            continue;
#endif
        keys_out[m] = (uint32_t)i;
        a_out[m] = (double)a;
        b_out[m] = (double)b;
        w_out[m] = (double)count;
        count += own;
        m++;
    }
    return m;
}

/* out[i] = column[low half of rows[i]], and the smallest and largest of them. Two bytes behind the column are read. */
static void gather_ranks(const uint16_t *restrict column, const uint64_t *restrict rows, ptrdiff_t n,
                         uint32_t *restrict out, uint32_t *restrict low_out, uint32_t *restrict high_out)
{
    uint32_t low = UINT32_MAX, high = 0;
    ptrdiff_t i = 0;
#if defined(FASTML_AVX512)
    if (n >= 8) {
        const __m256i half = _mm256_set1_epi32(0xFFFF);
        __m256i lows = _mm256_set1_epi32(-1), highs = _mm256_setzero_si256();
        for (; i + 8 <= n; i += 8) {
            __m256i row = _mm512_cvtepi64_epi32(_mm512_loadu_si512(rows + i));
            __m256i rank = _mm256_and_si256(_mm256_i32gather_epi32((const int *)column, row, 2), half);
            _mm256_storeu_si256((__m256i *)(out + i), rank);
            lows = _mm256_min_epu32(lows, rank);
            highs = _mm256_max_epu32(highs, rank);
        }
        low = (uint32_t)_mm512_reduce_min_epu32(_mm512_broadcast_i64x4(lows));
        high = (uint32_t)_mm512_reduce_max_epu32(_mm512_broadcast_i64x4(highs));
    }
#endif
    for (; i < n; i++) {
        const uint32_t rank = column[(uint32_t)rows[i]];
        out[i] = rank;
        low = rank < low ? rank : low;
        high = rank > high ? rank : high;
    }
    *low_out = low;
    *high_out = high;
}
