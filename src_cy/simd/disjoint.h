/* Disjoint sets that several threads join at once, without a lock.

   A root is its own parent and a parent is smaller than its child, so that no order of events makes a cycle and the
   sets, with their smallest members as roots, are the same whatever the threads. Anderson and Woll 1991. */
#ifndef FASTML_DISJOINT_H
#define FASTML_DISJOINT_H

#include <stdint.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#define FASTML_PARENT(p) (*(volatile int32_t *)(p))
#define FASTML_REPLACE(p, old, new) (_InterlockedCompareExchange((volatile long *)(p), new, old) == (long)(old))
#else
#define FASTML_PARENT(p) __atomic_load_n(p, __ATOMIC_RELAXED)
static inline int fastml_replace(int32_t *p, int32_t old, int32_t value)
{
    return __atomic_compare_exchange_n(p, &old, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
#define FASTML_REPLACE(p, old, new) fastml_replace(p, old, new)
#endif

/* The root of i's set; halves the path on the way. */
static inline int32_t fastml_root(int32_t *parent, int32_t i)
{
    for (;;) {
        const int32_t above = FASTML_PARENT(parent + i);
        if (above == i)
            return i;
        const int32_t next = FASTML_PARENT(parent + above);
        if (next == above)
            return above;
        FASTML_REPLACE(parent + i, above, next);
        i = next;
    }
}

static inline void fastml_join(int32_t *parent, int32_t a, int32_t b)
{
    for (;;) {
        a = fastml_root(parent, a);
        b = fastml_root(parent, b);
        if (a == b)
            return;
        if (a < b) {
            const int32_t c = a;
            a = b;
            b = c;
        }
        if (FASTML_REPLACE(parent + a, a, b))
            return;
    }
}

#endif
