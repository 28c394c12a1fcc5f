/* Every query against every point, block by block; see brute.inl. */
#ifndef FASTML_BRUTE_H
#define FASTML_BRUTE_H

#include <stddef.h>
#include <stdint.h>

#include "metrics.h"
#include "tables.h"

enum {
    FASTML_PANEL = 64,     /* points whose screen lies by column, in the lanes */
    FASTML_TILE = 6,       /* queries against which a panel is held at once */
    FASTML_CHUNK = 4096,   /* points after which the bounds are drawn tighter, at most */
    FASTML_SPARSE_TILE = 32 /* sparse queries that go over the points' entries together: they stand in the lanes */
};

/* What is summed over the screen's columns, in float32. The sum is never above the true one, see `bias` and `own`. */
enum {
    FASTML_SCREEN_NONE,     /* each pair is evaluated */
    FASTML_SCREEN_SQUARES,  /* (x - q)^2, as |x|^2 - 2 x q + |q|^2; panels hold -2 x */
    FASTML_SCREEN_ABSOLUTE, /* |x - q| */
    FASTML_SCREEN_LARGEST,  /* the largest |x - q| */
    FASTML_SCREEN_UNEQUAL   /* x != q */
};

/* Rows of numbers, of one of two types, C order (or CSR: `columns` and `start` then are there, columns ascend), and what
   the screen makes of them. */
struct fastml_brute_rows {
    ptrdiff_t n, d;
    const float *single;
    const double *wide;
    const int64_t *start;       /* (n + 1,) of CSR */
    const int32_t *columns;
    const double *inverse_norm; /* (n,) of the cosine, 0 of a row of zeros; else NULL */
    const float *screened;      /* points: (n_panels, m, FASTML_PANEL), or of CSR the entries; queries: (n, m) */
    const float *bias;          /* points: (n_panels * FASTML_PANEL,) where their sums start; infinity behind the last */
    const double *own;          /* queries: (n,) what their limit has beside the distance */
};

/* A screen's limit for a reduced distance r: factor * r^power + own. */
struct fastml_brute_screen {
    int32_t kind;
    ptrdiff_t m;
    double factor, power;
    double scale; /* of CSR: a value in the screen's unit */
};

enum { FASTML_SINK_NEAREST, FASTML_SINK_LIST, FASTML_SINK_COUNT };

/* Where a query's neighbours go. */
struct fastml_brute_sink {
    int32_t mode, failed; /* failed: no memory */
    double bound;         /* reduced distance that a neighbour may have */
    int64_t self;         /* row that is no neighbour, or -1 */
    int64_t count, k;     /* k: room; of FASTML_SINK_NEAREST how many are wanted */
    double *reduced;      /* a heap, the last neighbour in front; of a list: malloc'd, ascending rows */
    int64_t *rows;
};

struct fastml_brute_kernels {
    /* Queries [begin, end) against all points. sinks : one a query from `begin` on, ready for their modes. room : see
       fastml_brute_room(). FASTML_SINK_NEAREST is left sorted by distance and row. */
    void (*run)(const struct fastml_metric *metric, const struct fastml_brute_screen *screen,
                const struct fastml_brute_rows *points, const struct fastml_brute_rows *queries, ptrdiff_t begin,
                ptrdiff_t end, struct fastml_brute_sink *sinks, void *room);
    /* The same for CSR. slots : (d,) int32, 0 everywhere, and again so afterwards; panel : entries of FASTML_SPARSE_TILE
       queries, and one, times FASTML_SPARSE_TILE floats. end - begin <= FASTML_SPARSE_TILE. */
    void (*run_sparse)(const struct fastml_metric *metric, const struct fastml_brute_screen *screen,
                       const struct fastml_brute_rows *points, const struct fastml_brute_rows *queries, ptrdiff_t begin,
                       ptrdiff_t end, struct fastml_brute_sink *sinks, int32_t *slots, float *panel);
    /* A row of distances that are known already, into a sink. */
    void (*offer_row)(const double *distances, ptrdiff_t n, struct fastml_brute_sink *sink);
};

/* Bytes of `room` for rows of d numbers. */
static inline size_t fastml_brute_room(ptrdiff_t d)
{
    return (size_t)FASTML_TILE * FASTML_CHUNK * (sizeof(float) + sizeof(int32_t)) + sizeof(double) * 8 * ((size_t)d + 8);
}

FASTML_TABLES(fastml_brute_kernels)

#endif
