/* Nearest neighbours, and nearest neighbours outside of one's component, over a kd-tree with blocks for leaves. */
#ifndef FASTML_REACHABILITY_H
#define FASTML_REACHABILITY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#include "metrics.h"
#include "tables.h"

enum { FASTML_REACH_WIDTH = 64 }; /* points that a leaf has at most */

/* A kd-tree (kd_tree.h) of float64. A point's number is its place in the tree's order. */
struct fastml_reach_tree {
    const double *packed;  /* (n_leaves, d, width) coordinates of a leaf by column, NaN behind its last point */
    const double *boxes;   /* (n_nodes, 2, d) lower and upper corners */
    const int32_t *row;    /* (n,) the row at each place: of equal neighbours that of the smallest row is nearest */
    const int32_t *lowest; /* (n_nodes,) the smallest row of each node */
    int32_t n, depth, d, width;
    struct fastml_metric metric; /* one of the first four kinds */
    double scale;                /* what a reduced distance is multiplied by before it meets the core distances */
};

/* The first place of leaf l; of the one behind the last leaf, n. */
static inline int32_t fastml_reach_first(const struct fastml_reach_tree *t, int32_t leaf)
{
    return (int32_t)(((int64_t)t->n * leaf) >> t->depth);
}

/* What the rounds of Boruvka's algorithm know: of the points of the tree, and of those that ask, which are the same or
   the points of another tree. */
struct fastml_reach_state {
    const double *core;            /* (n,) reduced */
    const double *node_core;       /* (n_nodes,) the least of a node */
    const int32_t *component;      /* (n,) */
    const int32_t *node_component; /* (n_nodes,) -1 where points of several are in it; never -2 */
    const double *own_core;        /* the same of those that ask */
    const int32_t *own_component;
    double *bound;                 /* by component: no edge out of it that is longer matters. Shared, falls only */
    int32_t *nearest;              /* of those that ask: the nearest point outside of the component, -1 if not known */
    double *least;                 /* its mutual reachability, or a number that it does not fall below */
};

#if defined(_MSC_VER) && !defined(__clang__)
static inline int64_t fastml_reach_bits(const double *p) { return *(volatile const int64_t *)p; }
static inline int fastml_reach_swap(double *p, int64_t *old, int64_t new_bits)
{
    int64_t found = _InterlockedCompareExchange64((volatile int64_t *)p, new_bits, *old);
    int done = found == *old;
    *old = found;
    return done;
}
#else
static inline int64_t fastml_reach_bits(const double *p) { return __atomic_load_n((const int64_t *)p, __ATOMIC_RELAXED); }
static inline int fastml_reach_swap(double *p, int64_t *old, int64_t new_bits)
{
    return __atomic_compare_exchange_n((int64_t *)p, old, new_bits, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#endif

static inline double fastml_reach_load(const double *p)
{
    const int64_t bits = fastml_reach_bits(p);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* *p = min(*p, x), by any thread; bits of numbers that are not negative have the numbers' order. */
static inline void fastml_reach_lower(double *p, double x)
{
    int64_t bits, old = fastml_reach_bits(p);
    memcpy(&bits, &x, sizeof bits);
    while (bits < old && !fastml_reach_swap(p, &old, bits))
        ;
}

struct fastml_reach_kernels {
    /* core_out[p] is the distance to the k-th of point p's nearest, itself among them; beside_out (n, n_beside) the
       nearest without itself, by distance, then by row. p is a place of a leaf of `from`, which is the tree or one of
       other points. distance and who: (width, n_kept) for use inside, n_kept > n_beside, n_kept >= k. */
    void (*core_distances)(const struct fastml_reach_tree *tree, const struct fastml_reach_tree *from, int32_t leaf,
                           int32_t k, int32_t n_kept, int32_t n_beside, double *distance, int32_t *who, double *core_out, int32_t *beside_out);
    /* For the points of a leaf that are needed, their nearest outside if it is within their component's bound. */
    void (*nearest_outside)(const struct fastml_reach_tree *tree, const struct fastml_reach_tree *from,
                            const struct fastml_reach_state *state, int32_t leaf, const uint8_t *needed);
    double (*distance)(const struct fastml_reach_tree *tree, int32_t leaf_a, int32_t a, int32_t leaf_b, int32_t b);
};

FASTML_TABLES(fastml_reach_kernels)

#endif
