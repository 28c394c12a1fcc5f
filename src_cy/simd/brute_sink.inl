/* Sinks: the k nearest as a heap, lists that grow, counts. By distance, then by row. */

#include <stdlib.h>

static inline int sink_before(double a, int64_t i, double b, int64_t j) { return a < b || (a == b && i < j); }

/* The heap's element at `at` sinks to its place among the first n; the last of all is in front. */
static void sink_sift(double *reduced, int64_t *rows, int64_t at, int64_t n)
{
    const double value = reduced[at];
    const int64_t row = rows[at];
    for (int64_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && sink_before(reduced[child], rows[child], reduced[child + 1], rows[child + 1]))
            child++;
        if (!sink_before(value, row, reduced[child], rows[child]))
            break;
        reduced[at] = reduced[child];
        rows[at] = rows[child];
        at = child;
    }
    reduced[at] = value;
    rows[at] = row;
}

static void sink_grow(struct fastml_brute_sink *sink)
{
    const int64_t k = sink->k < 16 ? 16 : sink->k * 2;
    double *reduced = (double *)realloc(sink->reduced, (size_t)k * sizeof(double));
    int64_t *rows;
    if (reduced != NULL)
        sink->reduced = reduced;
    rows = (int64_t *)realloc(sink->rows, (size_t)k * sizeof(int64_t));
    if (rows != NULL)
        sink->rows = rows;
    if (reduced == NULL || rows == NULL) {
        sink->failed = 1;
        sink->bound = -1.0;
    } else {
        sink->k = k;
    }
}

/* A distance that is no number is no neighbour's. */
static inline void sink_offer(struct fastml_brute_sink *sink, double reduced, int64_t row)
{
    if (!(reduced <= sink->bound) || row == sink->self)
        return;
    if (sink->mode == FASTML_SINK_NEAREST) {
        if (sink->count < sink->k) {
            int64_t at = sink->count++;
            while (at > 0) { /* up to its place */
                const int64_t parent = (at - 1) / 2;
                if (!sink_before(sink->reduced[parent], sink->rows[parent], reduced, row))
                    break;
                sink->reduced[at] = sink->reduced[parent];
                sink->rows[at] = sink->rows[parent];
                at = parent;
            }
            sink->reduced[at] = reduced;
            sink->rows[at] = row;
        } else if (sink_before(reduced, row, sink->reduced[0], sink->rows[0])) {
            sink->reduced[0] = reduced;
            sink->rows[0] = row;
            sink_sift(sink->reduced, sink->rows, 0, sink->k);
        }
        if (sink->count == sink->k)
            sink->bound = sink->reduced[0];
        return;
    }
    if (sink->mode == FASTML_SINK_LIST) {
        if (sink->count == sink->k)
            sink_grow(sink);
        if (sink->failed)
            return;
        sink->reduced[sink->count] = reduced;
        sink->rows[sink->count] = row;
    }
    sink->count++;
}

/* The heap, sorted. */
static void sink_sort(struct fastml_brute_sink *sink)
{
    if (sink->mode != FASTML_SINK_NEAREST)
        return;
    for (int64_t n = sink->count - 1; n > 0; n--) {
        const double reduced = sink->reduced[0];
        const int64_t row = sink->rows[0];
        sink->reduced[0] = sink->reduced[n];
        sink->rows[0] = sink->rows[n];
        sink->reduced[n] = reduced;
        sink->rows[n] = row;
        sink_sift(sink->reduced, sink->rows, 0, n);
    }
}

static void brute_offer_row(const double *distances, ptrdiff_t n, struct fastml_brute_sink *sink)
{
    for (ptrdiff_t i = 0; i < n; i++)
        sink_offer(sink, distances[i], i);
    sink_sort(sink);
}
