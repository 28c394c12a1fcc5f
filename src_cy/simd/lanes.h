/* Eight numbers side by side: a vector of whatever width the target has, the same bits on each of them. */
#ifndef FASTML_LANES_H
#define FASTML_LANES_H

#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define FASTML_FORCED static __forceinline
#else
#define FASTML_FORCED static inline __attribute__((always_inline))
#endif

#define FASTML_LANES 8

#if defined(__GNUC__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* how vectors are passed: these functions are always inlined */
#endif
typedef double fastml_lanes __attribute__((vector_size(64)));
typedef int64_t fastml_lane_bits __attribute__((vector_size(64)));

FASTML_FORCED fastml_lanes lanes_of(double x) { return x - (fastml_lanes){0.0}; }
FASTML_FORCED fastml_lanes lanes_sub(fastml_lanes a, fastml_lanes b) { return a - b; }
FASTML_FORCED fastml_lanes lanes_add(fastml_lanes a, fastml_lanes b) { return a + b; }
FASTML_FORCED fastml_lanes lanes_mul(fastml_lanes a, fastml_lanes b) { return a * b; }

FASTML_FORCED fastml_lanes lanes_abs(fastml_lanes a)
{
    return (fastml_lanes)((fastml_lane_bits)a & INT64_MAX);
}

/* a > b ? a : b */
FASTML_FORCED fastml_lanes lanes_max(fastml_lanes a, fastml_lanes b)
{
    const fastml_lane_bits larger = a > b;
    return (fastml_lanes)(((fastml_lane_bits)a & larger) | ((fastml_lane_bits)b & ~larger));
}
#else
typedef struct {
    double x[FASTML_LANES];
} fastml_lanes;

#define FASTML_EACH_LANE(out, value)                   \
    do {                                               \
        for (int lane = 0; lane < FASTML_LANES; lane++) \
            (out).x[lane] = (value);                   \
    } while (0)

FASTML_FORCED fastml_lanes lanes_of(double x)
{
    fastml_lanes out;
    FASTML_EACH_LANE(out, x);
    return out;
}
FASTML_FORCED fastml_lanes lanes_sub(fastml_lanes a, fastml_lanes b)
{
    FASTML_EACH_LANE(a, a.x[lane] - b.x[lane]);
    return a;
}
FASTML_FORCED fastml_lanes lanes_add(fastml_lanes a, fastml_lanes b)
{
    FASTML_EACH_LANE(a, a.x[lane] + b.x[lane]);
    return a;
}
FASTML_FORCED fastml_lanes lanes_mul(fastml_lanes a, fastml_lanes b)
{
    FASTML_EACH_LANE(a, a.x[lane] * b.x[lane]);
    return a;
}
FASTML_FORCED fastml_lanes lanes_abs(fastml_lanes a)
{
    FASTML_EACH_LANE(a, a.x[lane] < 0.0 ? -a.x[lane] : a.x[lane]);
    return a;
}
FASTML_FORCED fastml_lanes lanes_max(fastml_lanes a, fastml_lanes b)
{
    FASTML_EACH_LANE(a, a.x[lane] > b.x[lane] ? a.x[lane] : b.x[lane]);
    return a;
}
#endif

FASTML_FORCED fastml_lanes lanes_load(const double *from)
{
    fastml_lanes a;
    memcpy(&a, from, sizeof a);
    return a;
}

FASTML_FORCED void lanes_store(double *to, fastml_lanes a) { memcpy(to, &a, sizeof a); }

#endif
