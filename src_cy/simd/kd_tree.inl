/* Growing a kd-tree, see engines/kd_tree.pyx.

   Limit: a level reads and writes each record once or twice, 12 bytes for 2 columns: 1 to 2 ns a point and level. Records
   move with their values, so that a level is a stream: rows by number would cost a miss of the cache a value. Which half a
   row belongs to is decided by its value in float32 with the place behind it: no two keys are equal, so no crowd of equal
   values makes a split quadratic, and the order is the same whoever computes it. Nothing else depends on the rounding:
   boxes are those of the points themselves. */

#include "kd_tree.h"

/* A node whose values differ by less than this part of their size, or by so little, takes them anew from X. */
#define KD_RENEW 1e-3f
#define KD_LEAST 1e-10f

static inline double kd_value(const struct fastml_kd_points *points, ptrdiff_t at)
{
    return points->single != NULL ? (double)points->single[at] : points->wide[at];
}

static void kd_fill_records(const struct fastml_kd_points *points, ptrdiff_t begin, ptrdiff_t end,
                            union fastml_kd_word *records)
{
    const ptrdiff_t d = points->d, width = points->n_columns + 1;
    for (ptrdiff_t i = begin; i < end; i++) {
        union fastml_kd_word *record = records + i * width;
        for (int32_t k = 0; k < points->n_columns; k++) {
            const ptrdiff_t at = i * d + points->columns[k];
            const double x = kd_value(points, at);
            record[k].value = (float)(x * points->scale - points->centre[k] * points->scale);
        }
        record[width - 1].row = (int32_t)i;
    }
}

/* The widest column of n records; its lowest value and how far above it the highest one is, 0 if all are equal. */
static inline int32_t kd_widest(const union fastml_kd_word *records, ptrdiff_t n, const ptrdiff_t width, float *low_out,
                                float *spread_out, float *size_out)
{
    float low[FASTML_KD_COLUMNS] = {0}, high[FASTML_KD_COLUMNS] = {0};
    int32_t best = 0;
    for (ptrdiff_t k = 0; k < width - 1; k++)
        low[k] = high[k] = records[k].value;
    for (ptrdiff_t i = 1; i < n; i++)
        for (ptrdiff_t k = 0; k < width - 1; k++) {
            const float x = records[i * width + k].value;
            low[k] = x < low[k] ? x : low[k];
            high[k] = x > high[k] ? x : high[k];
        }
    *size_out = 0.0f;
    for (int32_t k = 0; k < width - 1; k++) {
        if (high[k] - low[k] > high[best] - low[best])
            best = k;
        *size_out = fabsf(low[k]) > *size_out ? fabsf(low[k]) : *size_out;
    }
    *low_out = low[best];
    *spread_out = high[best] - low[best];
    return best;
}

/* Values relative to the first record's row, at a scale of their own: without the rounding that a far-off centre or a
   far larger value elsewhere brought. Halves, whose difference does not overflow. */
static void kd_renew(const struct fastml_kd_points *points, union fastml_kd_word *records, ptrdiff_t n)
{
    const ptrdiff_t width = points->n_columns + 1, d = points->d;
    const ptrdiff_t first = records[width - 1].row;
    double most = 0.0, scale;
    int exponent;
    for (int fills = 0; fills < 2; fills++) {
        frexp(most, &exponent);
        scale = ldexp(1.0, 100 - exponent < 1000 ? 100 - exponent : 1000);
        for (ptrdiff_t i = 0; i < n; i++) {
            union fastml_kd_word *record = records + i * width;
            const ptrdiff_t row = record[width - 1].row;
            for (int32_t k = 0; k < points->n_columns; k++) {
                const double apart = 0.5 * kd_value(points, row * d + points->columns[k]) -
                                     0.5 * kd_value(points, first * d + points->columns[k]);
                if (fills)
                    record[k].value = (float)(apart * scale);
                else
                    most = fabs(apart) > most ? fabs(apart) : most;
            }
        }
    }
}

/* The k smallest of n different keys come first. */
static void kd_select(uint64_t *keys, ptrdiff_t n, ptrdiff_t k)
{
    ptrdiff_t low = 0, high = n - 1;
    uint32_t draw = 12345;
    while (high - low > 24) {
        uint64_t sample[3];
        for (int s = 0; s < 3; s++) {
            draw = draw * 1664525u + 1013904223u;
            sample[s] = keys[low + (ptrdiff_t)(((uint64_t)draw * (uint64_t)(high - low + 1)) >> 32)];
        }
        const uint64_t most = sample[0] > sample[1] ? sample[0] : sample[1];
        const uint64_t least = sample[0] > sample[1] ? sample[1] : sample[0];
        const uint64_t pivot = sample[2] > most ? most : (sample[2] < least ? least : sample[2]);
        ptrdiff_t i = low, j = high;
        do {
            while (keys[i] < pivot)
                i++;
            while (keys[j] > pivot)
                j--;
            if (i <= j) {
                const uint64_t swapped = keys[i];
                keys[i++] = keys[j];
                keys[j--] = swapped;
            }
        } while (i <= j);
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            return;
    }
    for (ptrdiff_t i = low + 1; i <= high; i++) {
        const uint64_t key = keys[i];
        ptrdiff_t j = i;
        for (; j > low && keys[j - 1] > key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* Floats as numbers in the same order. */
static inline uint32_t kd_key(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline void kd_copy(const union fastml_kd_word *from, union fastml_kd_word *to, const ptrdiff_t width)
{
    for (ptrdiff_t k = 0; k < width; k++)
        to[k] = from[k];
}

/* Few records: their keys are put in halves, and the records follow. */
static inline void kd_halve_few(const union fastml_kd_word *from, union fastml_kd_word *to, ptrdiff_t n, ptrdiff_t half,
                                const ptrdiff_t width, int32_t axis, uint64_t *keys)
{
    for (ptrdiff_t i = 0; i < n; i++)
        keys[i] = (uint64_t)kd_key(from[i * width + axis].value) << 32 | (uint64_t)i;
    kd_select(keys, n, half);
    for (ptrdiff_t i = 0; i < n; i++)
        kd_copy(from + (ptrdiff_t)(uint32_t)keys[i] * width, to + i * width, width);
}

/* Many: a histogram of the range says in which bin the middle is; the other bins go to their sides in one stream, and the
   middle one is halved as the whole was. Each time its range is a small part of the one before. */
static inline void kd_halve(union fastml_kd_word *from, union fastml_kd_word *to, ptrdiff_t n, ptrdiff_t half,
                            const ptrdiff_t width, int32_t axis, float low, float spread, uint64_t *keys)
{
    enum { BINS = 2048 };
    while (n >= FASTML_KD_SMALL && spread > 0.0f) {
        const double factor = (BINS - 0.5) / (double)spread;
        uint32_t counts[BINS] = {0}, bin = 0;
        ptrdiff_t below = 0;
        union fastml_kd_word *at[3];
        float high = -INFINITY;
        for (ptrdiff_t i = 0; i < n; i++)
            counts[(int32_t)((from[i * width + axis].value - low) * factor)]++;
        while (below + (ptrdiff_t)counts[bin] <= half)
            below += counts[bin++];
        at[0] = to;
        at[1] = to + below * width;
        at[2] = at[1] + (ptrdiff_t)counts[bin] * width;
        for (ptrdiff_t i = 0; i < n; i++) {
            const uint32_t own = (uint32_t)(int32_t)((from[i * width + axis].value - low) * factor);
            const int side = (own >= bin) + (own > bin);
            kd_copy(from + i * width, at[side], width);
            at[side] += width;
        }
        n = (ptrdiff_t)counts[bin];
        half -= below;
        from += below * width;
        to += below * width;
        low = INFINITY;
        for (ptrdiff_t i = 0; i < n; i++) { /* what was read is room now */
            kd_copy(to + i * width, from + i * width, width);
            low = from[i * width + axis].value < low ? from[i * width + axis].value : low;
            high = from[i * width + axis].value > high ? from[i * width + axis].value : high;
        }
        spread = high - low;
    }
    kd_halve_few(from, to, n, half, width, axis, keys);
}

static int kd_compare_rows(const void *a, const void *b) { return *(const int32_t *)a < *(const int32_t *)b ? -1 : 1; }

/* The rows of records [begin, end) as the order of all leaves below, each ascending. */
static void kd_write_order(const struct fastml_kd_points *points, const union fastml_kd_word *records, ptrdiff_t begin,
                           ptrdiff_t end, int32_t *order)
{
    const ptrdiff_t width = points->n_columns + 1;
    int sorted = 1;
    for (ptrdiff_t i = begin; i < end; i++) {
        order[i] = records[i * width + width - 1].row;
        sorted &= i == begin || order[i - 1] < order[i];
    }
    if (sorted)
        return;
    if (end - begin > 96) {
        qsort(order + begin, (size_t)(end - begin), sizeof(int32_t), kd_compare_rows);
        return;
    }
    for (ptrdiff_t i = begin + 1; i < end; i++) {
        const int32_t row = order[i];
        ptrdiff_t j = i;
        for (; j > begin && order[j - 1] > row; j--)
            order[j] = order[j - 1];
        order[j] = row;
    }
}

static int kd_split_node(const struct fastml_kd_points *points, int32_t level, ptrdiff_t j, union fastml_kd_word *from,
                         union fastml_kd_word *to, uint64_t *keys, int32_t *order)
{
    const ptrdiff_t width = points->n_columns + 1, begin = points->n * j >> level;
    const ptrdiff_t n = (points->n * (j + 1) >> level) - begin, half = (points->n * (2 * j + 1) >> (level + 1)) - begin;
    float low, spread, size;
    int32_t axis;
    from += begin * width;
    to += begin * width;
    axis = width == 3   ? kd_widest(from, n, 3, &low, &spread, &size)
           : width == 4 ? kd_widest(from, n, 4, &low, &spread, &size)
                        : kd_widest(from, n, width, &low, &spread, &size);
    if (spread < KD_RENEW * size || spread < KD_LEAST) {
        kd_renew(points, from, n);
        axis = kd_widest(from, n, width, &low, &spread, &size);
    }
    if (!(spread > 0.0f)) { /* rows stay in their order, which is ascending but for rounding in nodes above */
        kd_write_order(points, from - begin * width, begin, begin + n, order);
        return 0;
    }
    if (width == 3)
        kd_halve(from, to, n, half, 3, axis, low, spread, keys + begin);
    else if (width == 4)
        kd_halve(from, to, n, half, 4, axis, low, spread, keys + begin);
    else
        kd_halve(from, to, n, half, width, axis, low, spread, keys + begin);
    return 1;
}

static void kd_grow_subtree(const struct fastml_kd_points *points, int32_t level, ptrdiff_t j, union fastml_kd_word *from,
                            union fastml_kd_word *to, uint64_t *keys, int32_t *order)
{
    if (level == points->depth) {
        kd_write_order(points, from, points->n * j >> level, points->n * (j + 1) >> level, order);
        return;
    }
    if (!kd_split_node(points, level, j, from, to, keys, order))
        return;
    kd_grow_subtree(points, level + 1, 2 * j, to, from, keys, order);
    kd_grow_subtree(points, level + 1, 2 * j + 1, to, from, keys, order);
}

static void kd_pack_leaf(const struct fastml_kd_points *points, const int32_t *rows, ptrdiff_t n_rows, ptrdiff_t capacity,
                         float *packed_single, double *packed_wide, double *box, int32_t *lowest)
{
    const ptrdiff_t d = points->d;
    *lowest = rows[0];
    for (ptrdiff_t i = 0; i < n_rows; i++)
        *lowest = rows[i] < *lowest ? rows[i] : *lowest;
    for (ptrdiff_t c = 0; c < d; c++) {
        double low = 0.0, high = 0.0;
        for (ptrdiff_t i = 0; i < capacity; i++) {
            const ptrdiff_t at = rows[i < n_rows ? i : 0] * d + c;
            const double x = kd_value(points, at);
            if (packed_single != NULL)
                packed_single[c * capacity + i] = i < n_rows ? (float)x : NAN;
            else
                packed_wide[c * capacity + i] = i < n_rows ? x : (double)NAN;
            low = i == 0 || x < low ? x : low;
            high = i == 0 || x > high ? x : high;
        }
        box[c] = low;
        box[d + c] = high;
    }
}

const struct fastml_kd_kernels FASTML_NAME(fastml_kd_kernels) = {
    .fill_records = kd_fill_records,
    .split_node = kd_split_node,
    .grow_subtree = kd_grow_subtree,
    .pack_leaf = kd_pack_leaf,
};
