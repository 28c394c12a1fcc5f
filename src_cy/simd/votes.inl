/* Rows through a tree of 8-byte nodes, see vote_predictor.pyx.

   Limit: three loads a step and row. By gathers over 32 rows 0.8 ns a step from the second-level cache, where 8 rows at a
   time in scalar registers take 2.5. */

struct fastml_vote_node {
    uint32_t left;      /* key > threshold goes to left + 1; a leaf leads to itself */
    uint16_t threshold;
    uint16_t slot;
};

/* The leaf of each of FASTML_VOTE_LANES rows; row r's keys begin at keys + r * stride, with two more behind the last. */
static void walk_votes(const struct fastml_vote_node *nodes, const uint16_t *keys, ptrdiff_t stride, uint32_t root,
                       uint32_t *at_out)
{
#if defined(FASTML_AVX512)
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i low = _mm512_set1_epi32(0xFFFF), one = _mm512_set1_epi32(1), step = _mm512_set1_epi32((int)stride);
    const __m512i row0 = _mm512_mullo_epi32(lane, step);
    const __m512i row1 = _mm512_add_epi32(row0, _mm512_slli_epi32(step, 4));
    __m512i at0 = _mm512_set1_epi32((int)root), at1 = at0;
    __mmask16 moved;
    do {
        __m512i left0 = _mm512_i32gather_epi32(at0, nodes, 8), left1 = _mm512_i32gather_epi32(at1, nodes, 8);
        __m512i cut0 = _mm512_i32gather_epi32(at0, (const char *)nodes + 4, 8);
        __m512i cut1 = _mm512_i32gather_epi32(at1, (const char *)nodes + 4, 8);
        __m512i key0 = _mm512_i32gather_epi32(_mm512_add_epi32(row0, _mm512_srli_epi32(cut0, 16)), keys, 2);
        __m512i key1 = _mm512_i32gather_epi32(_mm512_add_epi32(row1, _mm512_srli_epi32(cut1, 16)), keys, 2);
        __mmask16 right0 = _mm512_cmpgt_epu32_mask(_mm512_and_si512(key0, low), _mm512_and_si512(cut0, low));
        __mmask16 right1 = _mm512_cmpgt_epu32_mask(_mm512_and_si512(key1, low), _mm512_and_si512(cut1, low));
        left0 = _mm512_mask_add_epi32(left0, right0, left0, one);
        left1 = _mm512_mask_add_epi32(left1, right1, left1, one);
        moved = _mm512_cmpneq_epi32_mask(left0, at0) | _mm512_cmpneq_epi32_mask(left1, at1);
        at0 = left0;
        at1 = left1;
    } while (moved);
    _mm512_storeu_si512(at_out, at0);
    _mm512_storeu_si512(at_out + 16, at1);
#else
    for (int first = 0; first < FASTML_VOTE_LANES; first += 8) {
        uint32_t moved, *at = at_out + first;
        for (int k = 0; k < 8; k++)
            at[k] = root;
        do {
            moved = 0;
            for (int k = 0; k < 8; k++) {
                const struct fastml_vote_node node = nodes[at[k]];
                const uint32_t next = node.left + (keys[(first + k) * stride + node.slot] > node.threshold);
                moved |= next ^ at[k];
                at[k] = next;
            }
        } while (moved);
    }
#endif
}
