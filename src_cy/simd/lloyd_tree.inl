/* Boxes of points in up to 3 columns: a box that is nearest to one centre as a whole joins its cluster as a whole.

   Level 0 are blocks of 64 points in Morton order, and four boxes make one of the next level. A box is asked of the
   centres that its parent left; most are ruled out by the one nearest to its middle. Where float32 cannot tell, none is.
   Limit: what is looked at are the boxes between clusters, about (n / 64)^((d-1)/d) k^(1/d) of them. */

/* The bits of v, `d` (2 or 3) places apart. */
static inline uint32_t lloyd_spread(uint32_t v, ptrdiff_t d)
{
    if (d == 2) {
        v = (v | v << 8) & 0x00FF00FFu;
        v = (v | v << 4) & 0x0F0F0F0Fu;
        v = (v | v << 2) & 0x33333333u;
        return (v | v << 1) & 0x55555555u;
    }
    v = (v | v << 16) & 0x030000FFu;
    v = (v | v << 8) & 0x0300F00Fu;
    v = (v | v << 4) & 0x030C30C3u;
    return (v | v << 2) & 0x09249249u;
}

/* Keys whose order is Morton's: the upper bits of the columns, interleaved; 16 bits of one or two columns, 10 of three. */
static void morton_keys(const struct fastml_points *points, ptrdiff_t first, ptrdiff_t n, uint32_t *keys_out)
{
    const ptrdiff_t d = points->d;
    const double steps = d == 3 ? 512.0 : 32768.0; /* a packed number lies within -1 and 1 */
    const float last = d == 3 ? 1023.0f : 65535.0f;
    ptrdiff_t i, j;
    for (i = 0; i < n; i++)
        keys_out[i] = 0;
    for (j = 0; j < d; j++) {
        const double offset = points->offset[j], unit = points->unit * steps;
        LLOYD_TYPED(points->kind, {
            const real *own = (const real *)points->x + first * d + j;
            for (i = 0; i < n; i++) {
                const float at = (float)(((double)own[i * d] - offset) * unit + steps);
                const uint32_t v = (uint32_t)(int32_t)(at < 0.0f ? 0.0f : at > last ? last : at);
                keys_out[i] |= (d == 1 ? v : lloyd_spread(v, d)) << j;
            }
        })
    }
}

/* A lane's share of the check that tells whether labels have changed: pseudo-random, times the block's own number. */
static inline uint64_t lloyd_mix(uint64_t i)
{
    i = (i + 1) * 0x9E3779B97F4A7C15ULL;
    i = (i ^ (i >> 30)) * 0xBF58476D1CE4E5B9ULL;
    i = (i ^ (i >> 27)) * 0x94D049BB133111EBULL;
    return i ^ (i >> 31);
}

static void fill_leaf(const struct fastml_box_tree *tree, ptrdiff_t b)
{
    const struct fastml_points *points = tree->points;
    const ptrdiff_t d = points->d, first = b * FASTML_LLOYD_LANES;
    const ptrdiff_t n = tree->n - first < FASTML_LLOYD_LANES ? tree->n - first : FASTML_LLOYD_LANES;
    const int32_t *rows = tree->rows + first;
    float *block = tree->blocks + first * d, *box = tree->boxes + b * 2 * d;
    int64_t *fixed = tree->fixed + first * tree->n_fixed, *sums = tree->sums + b * (d + 2), bits[FASTML_LLOYD_LANES];
    double at[FASTML_LLOYD_LANES], weight[FASTML_LLOYD_LANES];
    float sq[FASTML_LLOYD_LANES] = {0}, most = 0.0f;
    uint64_t check = 0;
    ptrdiff_t l, j;
    for (l = 0; l < FASTML_LLOYD_LANES; l++)
        weight[l] = points->weight == NULL ? 1.0 : points->weight[rows[l < n ? l : n - 1]];
    for (j = 0; j < d; j++) {
        const double offset = points->offset[j], unit = points->unit, scale = points->scale[j];
        float *own = block + j * FASTML_LLOYD_LANES, low, high;
        int64_t sum = 0;
        LLOYD_TYPED(points->kind, {
            const real *column = (const real *)points->x + j;
            for (l = 0; l < FASTML_LLOYD_LANES; l++)
                at[l] = (double)column[(ptrdiff_t)rows[l < n ? l : n - 1] * d];
        })
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            at[l] -= offset;
            own[l] = (float)(at[l] * unit);
            sq[l] += own[l] * own[l];
            at[l] = at[l] * weight[l] * scale + LLOYD_ROUND;
        }
        memcpy(bits, at, sizeof(bits));
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            bits[l] = l < n ? bits[l] - LLOYD_ROUND_BITS : 0;
            fixed[j * FASTML_LLOYD_LANES + l] = bits[l];
            sum += bits[l];
        }
        sums[j] = sum;
        low = high = own[0];
        for (l = 1; l < FASTML_LLOYD_LANES; l++) {
            low = own[l] < low ? own[l] : low;
            high = own[l] > high ? own[l] : high;
        }
        box[j] = low;
        box[d + j] = high;
    }
    sums[d] = n;
    if (tree->n_fixed > d) {
        sums[d] = 0;
        for (l = 0; l < FASTML_LLOYD_LANES; l++)
            at[l] = weight[l] * points->weight_scale + LLOYD_ROUND;
        memcpy(bits, at, sizeof(bits));
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            bits[l] = l < n ? bits[l] - LLOYD_ROUND_BITS : 0;
            fixed[d * FASTML_LLOYD_LANES + l] = bits[l];
            sums[d] += bits[l];
        }
    }
    for (l = 0; l < n; l++)
        check += tree->mixed[l];
    sums[d + 1] = (int64_t)((lloyd_mix((uint64_t)b) | 1) * check);
    for (l = 0; l < FASTML_LLOYD_LANES; l++)
        most = sq[l] > most ? sq[l] : most;
    tree->radius[b] = lloyd_radius(most, d);
}

static void fill_box(const struct fastml_box_tree *tree, ptrdiff_t level, ptrdiff_t b)
{
    const ptrdiff_t d = tree->points->d, own = tree->level_start[level] + b;
    const ptrdiff_t children = tree->level_start[level] - tree->level_start[level - 1];
    const ptrdiff_t end = 4 * b + 4 < children ? 4 * b + 4 : children;
    float *box = tree->boxes + own * 2 * d;
    int64_t *sums = tree->sums + own * (d + 2);
    ptrdiff_t c, j;
    memset(sums, 0, (size_t)(d + 2) * sizeof(int64_t));
    for (c = 4 * b; c < end; c++) {
        const ptrdiff_t child = tree->level_start[level - 1] + c;
        const float *its = tree->boxes + child * 2 * d;
        for (j = 0; j < d; j++) {
            box[j] = c == 4 * b || its[j] < box[j] ? its[j] : box[j];
            box[d + j] = c == 4 * b || its[d + j] > box[d + j] ? its[d + j] : box[d + j];
        }
        for (j = 0; j < d + 2; j++)
            sums[j] = (int64_t)((uint64_t)sums[j] + (uint64_t)tree->sums[child * (d + 2) + j]);
    }
}

/* Candidates: `number` (ascending), then half of the squared norms, then a column after the other, `stride` apart. */
struct lloyd_few {
    int32_t *number;
    float *half_sq, *at;
    ptrdiff_t n, stride;
};

static inline struct lloyd_few lloyd_few_at(void *scratch, ptrdiff_t depth, ptrdiff_t d, ptrdiff_t stride)
{
    struct lloyd_few few;
    float *from = (float *)scratch + depth * stride * (d + 2);
    few.number = (int32_t *)from;
    few.half_sq = from + stride;
    few.at = from + 2 * stride;
    few.n = 0;
    few.stride = stride;
    return few;
}

static void leaf_among_few(const struct fastml_box_tree *tree, const struct fastml_centres *centres, float slack,
                           ptrdiff_t b, const struct lloyd_few *few, int64_t *sums, int32_t *labels_out)
{
    const struct fastml_points *points = tree->points;
    const ptrdiff_t d = points->d, first = b * FASTML_LLOYD_LANES;
    const ptrdiff_t n = tree->n - first < FASTML_LLOYD_LANES ? tree->n - first : FASTML_LLOYD_LANES;
    const float *block = tree->blocks + first * d;
    const int64_t *fixed = tree->fixed + first * tree->n_fixed;
    const uint64_t own = lloyd_mix((uint64_t)b) | 1;
    float best[FASTML_LLOYD_LANES], second[FASTML_LLOYD_LANES];
    int32_t nearest[FASTML_LLOYD_LANES];
    ptrdiff_t c, l, j;
    int close = 0;
    for (l = 0; l < FASTML_LLOYD_LANES; l++) {
        best[l] = second[l] = 1e30f;
        nearest[l] = 0;
    }
    for (c = 0; c < few->n; c++) {
        float value[FASTML_LLOYD_LANES];
        for (l = 0; l < FASTML_LLOYD_LANES; l++)
            value[l] = few->half_sq[c];
        for (j = 0; j < d; j++) {
            const float at = few->at[j * few->stride + c];
            for (l = 0; l < FASTML_LLOYD_LANES; l++)
                value[l] -= block[j * FASTML_LLOYD_LANES + l] * at;
        }
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            const float above = value[l] > best[l] ? value[l] : best[l];
            nearest[l] = value[l] < best[l] ? (int32_t)c : nearest[l];
            second[l] = above < second[l] ? above : second[l];
            best[l] = value[l] < best[l] ? value[l] : best[l];
        }
    }
    for (l = 0; l < FASTML_LLOYD_LANES; l++)
        close |= second[l] <= best[l] + slack;
    for (l = 0; close && l < n; l++) {
        double least = HUGE_VAL;
        if (second[l] > best[l] + slack)
            continue;
        for (c = 0; c < few->n; c++) {
            float value = few->half_sq[c];
            double sq;
            for (j = 0; j < d; j++)
                value -= block[j * FASTML_LLOYD_LANES + l] * few->at[j * few->stride + c];
            if (value > best[l] + slack)
                continue;
            sq = squared_distance(points->x, points->kind, tree->rows[first + l], d,
                                  centres->centre + few->number[c] * d);
            if (sq < least) {
                least = sq;
                nearest[l] = (int32_t)c;
            }
        }
    }
    for (l = n; l < FASTML_LLOYD_LANES; l++)
        nearest[l] = -1;
    for (c = 0; c < few->n; c++) {
        int64_t *to = sums + few->number[c] * (d + 2), mask[FASTML_LLOYD_LANES], count = 0;
        uint64_t check = 0;
        for (l = 0; l < FASTML_LLOYD_LANES; l++) {
            mask[l] = -(int64_t)(nearest[l] == (int32_t)c);
            count -= mask[l];
            check += (uint64_t)mask[l] & tree->mixed[l];
        }
        if (count == 0)
            continue;
        for (j = 0; j < tree->n_fixed; j++) {
            int64_t sum = 0;
            for (l = 0; l < FASTML_LLOYD_LANES; l++)
                sum += mask[l] & fixed[j * FASTML_LLOYD_LANES + l];
            to[j] += sum;
        }
        if (tree->n_fixed == d)
            to[d] += count;
        to[d + 1] = (int64_t)((uint64_t)to[d + 1] + own * check);
    }
    if (labels_out != NULL)
        for (l = 0; l < n; l++)
            labels_out[tree->rows[first + l]] = few->number[nearest[l]];
}

static void visit_box(const struct fastml_box_tree *tree, const struct fastml_centres *centres, float slack,
                      ptrdiff_t level, ptrdiff_t b, const struct lloyd_few *few, void *scratch, int64_t *sums,
                      int32_t *labels_out)
{
    const ptrdiff_t d = tree->points->d, own = tree->level_start[level] + b, m = few->n, stride = few->stride;
    const float *box = tree->boxes + own * 2 * d;
    struct lloyd_few left = lloyd_few_at(scratch, level, d, stride);
    float *value = left.half_sq; /* until it is filled */
    float least = 1e30f, half;
    float at[4] = {0};
    ptrdiff_t c, j, best = 0;
    for (c = 0; c < m; c++)
        value[c] = few->half_sq[c];
    for (j = 0; j < d; j++) {
        const float middle = 0.5f * (box[j] + box[d + j]);
        for (c = 0; c < m; c++)
            value[c] -= middle * few->at[j * stride + c];
    }
    for (c = 0; c < m; c++)
        if (value[c] < least) {
            least = value[c];
            best = c;
        }
    half = few->half_sq[best];
    for (j = 0; j < d; j++)
        at[j] = few->at[j * stride + best];
    for (c = 0; c < m; c++)
        value[c] = few->half_sq[c] - half;
    for (j = 0; j < d; j++) {
        const float low = box[j], high = box[d + j], from = at[j];
        for (c = 0; c < m; c++) {
            const float apart = few->at[j * stride + c] - from;
            const float up = apart * high, down = apart * low;
            value[c] -= up > down ? up : down;
        }
    }
    for (c = 0; c < m; c++) /* value is read before its place is written: left.n <= c */
        if (value[c] <= slack || c == best) {
            left.number[left.n] = few->number[c];
            left.half_sq[left.n] = few->half_sq[c];
            for (j = 0; j < d; j++)
                left.at[j * stride + left.n] = few->at[j * stride + c];
            left.n++;
        }
    if (left.n == 1) {
        int64_t *to = sums + left.number[0] * (d + 2);
        for (j = 0; j < d + 2; j++)
            to[j] = (int64_t)((uint64_t)to[j] + (uint64_t)tree->sums[own * (d + 2) + j]);
        if (labels_out != NULL) {
            const ptrdiff_t width = (ptrdiff_t)FASTML_LLOYD_LANES << 2 * level;
            const ptrdiff_t end = (b + 1) * width < tree->n ? (b + 1) * width : tree->n;
            for (c = b * width; c < end; c++)
                labels_out[tree->rows[c]] = left.number[0];
        }
    } else if (level == 0) {
        leaf_among_few(tree, centres, slack, b, &left, sums, labels_out);
    } else {
        const ptrdiff_t children = tree->level_start[level] - tree->level_start[level - 1];
        for (c = 4 * b; c < 4 * b + 4 && c < children; c++)
            visit_box(tree, centres, slack, level - 1, c, &left, scratch, sums, labels_out);
    }
}

/* Box b of a level and all below it: its points to their nearest centres. `scratch` has room for
   (level + 2) * k * (d + 2) floats. */
static void assign_box(const struct fastml_box_tree *tree, const struct fastml_centres *centres, ptrdiff_t level,
                       ptrdiff_t b, void *scratch, int64_t *sums, int32_t *labels_out)
{
    const ptrdiff_t d = tree->points->d;
    const float slack = 2.0f * ((float)(d + 8) * 6.0e-8f * centres->radius * (tree->widest + centres->radius) + 1e-30f);
    struct lloyd_few all = lloyd_few_at(scratch, level + 1, d, centres->k);
    ptrdiff_t c, j;
    all.n = centres->k;
    for (c = 0; c < centres->k; c++) {
        all.number[c] = (int32_t)c;
        all.half_sq[c] = centres->half_sq[c];
        for (j = 0; j < d; j++)
            all.at[j * all.stride + c] = centres->panels[(c / FASTML_LLOYD_PANEL * d + j) * FASTML_LLOYD_PANEL +
                                                        c % FASTML_LLOYD_PANEL];
    }
    visit_box(tree, centres, slack, level, b, &all, scratch, sums, labels_out);
}
