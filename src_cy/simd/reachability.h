/* Nearest neighbours, and nearest neighbours outside of one's component, over a kd-tree with blocks for leaves. */
#ifndef FASTML_REACHABILITY_H
#define FASTML_REACHABILITY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

#include "tables.h"

enum {
    FASTML_REACH_WIDTH = 32, /* points that a leaf has at most */
    FASTML_SQUARES = 0,      /* reduced distances: sums of squares, of absolute differences, their maximum, of powers */
    FASTML_ABSOLUTES = 1,
    FASTML_LARGEST = 2,
    FASTML_POWERS = 3
};

/* Points lie in the order of the tree; a point's number is its position there. Node i has children 2 i + 1 and
   2 i + 2; leaf l is node n_leaves - 1 + l and has the positions begin[l] to begin[l + 1]. */
struct fastml_reach_tree {
    const double *blocks;  /* (n_leaves, d, width) coordinates of a leaf by column, +inf behind its last point */
    const double *boxes;   /* (n_nodes, 2, d) lows and highs */
    const int32_t *begin;  /* (n_leaves + 1,) */
    const int32_t *row;    /* (n,) the row of each position: of equal neighbours that of the smallest row is nearest */
    int32_t n_leaves, d, width, metric;
    double power;          /* of FASTML_POWERS */
    double scale;          /* what a reduced distance is multiplied by before it meets the core distances */
};

/* What the rounds of Boruvka's algorithm know of the points. */
struct fastml_reach_state {
    const double *core;            /* (n,) reduced */
    const double *node_core;       /* (n_nodes,) the least of a node */
    const int32_t *component;      /* (n,) */
    const int32_t *node_component; /* (n_nodes,) -1 where points of several are in it */
    double *bound;                 /* (n,) by component: no edge out of it that is longer matters. Shared, falls only */
    int32_t *nearest;              /* (n,) the nearest point outside of one's component, -1 where not known */
    double *least;                 /* (n,) its mutual reachability, or a number that it does not fall below */
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
       nearest without itself, by distance, then by row. distance and who: (width, n_kept) for use inside,
       n_kept > n_beside, n_kept >= k. */
    void (*core_distances)(const struct fastml_reach_tree *tree, int32_t leaf, int32_t k, int32_t n_kept,
                           int32_t n_beside, double *distance, int32_t *who, double *core_out, int32_t *beside_out);
    /* For the points of a leaf that are needed, their nearest outside if it is within their component's bound. */
    void (*nearest_outside)(const struct fastml_reach_tree *tree, const struct fastml_reach_state *state, int32_t leaf,
                            const uint8_t *needed);
    double (*distance)(const struct fastml_reach_tree *tree, int32_t leaf_a, int32_t a, int32_t leaf_b, int32_t b);
};

FASTML_TABLES(fastml_reach_kernels)

#endif
