/* OpenMP where the compiler has it, and a barrier that lets the last to arrive do some serial work. */
#ifndef FASTML_THREADS_H
#define FASTML_THREADS_H

#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
static inline int fastml_openmp(void) { return _OPENMP; }
static inline int fastml_processors(void) { return omp_get_num_procs(); }
static inline int fastml_in_parallel(void) { return omp_in_parallel(); }
static inline int fastml_max_threads(void) { return omp_get_max_threads(); }
static inline int fastml_team_size(void) { return omp_get_num_threads(); }
#else
static inline int fastml_openmp(void) { return 0; }
static inline int fastml_processors(void) { return 1; }
static inline int fastml_in_parallel(void) { return 0; }
static inline int fastml_max_threads(void) { return 1; }
static inline int fastml_team_size(void) { return 1; }
#endif

#ifdef FASTML_CHECKED
static inline int fastml_checked(void) { return 1; }
#else
static inline int fastml_checked(void) { return 0; }
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#include <windows.h>
#define FASTML_LOAD(p) (_ReadWriteBarrier(), *(volatile long *)(p))
#define FASTML_ADD(p, v) _InterlockedExchangeAdd((volatile long *)(p), v)
#define FASTML_STORE(p, v) _InterlockedExchange((volatile long *)(p), v)
#define FASTML_PAUSE() YieldProcessor()
#define FASTML_YIELD() SwitchToThread()
#else
#include <sched.h>
#define FASTML_LOAD(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define FASTML_ADD(p, v) __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL)
#define FASTML_STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#if defined(__x86_64__)
#define FASTML_PAUSE() __builtin_ia32_pause()
#else
#define FASTML_PAUSE() ((void)0)
#endif
#define FASTML_YIELD() sched_yield()
#endif

struct fastml_barrier {
    int32_t arrived, round;
};

/* Waits for a team of n threads. Returns 1 to the last that arrives, while the others still wait: it does
   the serial work and calls fastml_barrier_open. Returns 0 to the others after that. Spins for some
   microseconds, then yields: a processor may be taken away from a thread at any time. */
static inline int fastml_barrier_arrive(struct fastml_barrier *b, int n)
{
    int32_t round = FASTML_LOAD(&b->round), spins = 0;
    if (FASTML_ADD(&b->arrived, 1) == n - 1)
        return 1;
    while (FASTML_LOAD(&b->round) == round) {
        if (++spins < 2000)
            FASTML_PAUSE();
        else
            FASTML_YIELD();
    }
    return 0;
}

static inline void fastml_barrier_open(struct fastml_barrier *b)
{
    FASTML_STORE(&b->arrived, 0);
    FASTML_STORE(&b->round, FASTML_LOAD(&b->round) + 1);
}

static inline void fastml_barrier_wait(struct fastml_barrier *b, int n)
{
    if (fastml_barrier_arrive(b, n))
        fastml_barrier_open(b);
}

#endif
