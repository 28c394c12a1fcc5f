/* Ctrl-C while no Python code runs: the handler notes it where loops that may take long look now and then.

   What is under way gets GRACE_MS to end by itself, so that only what takes longer is cut short. */
#ifndef FASTML_INTERRUPT_H
#define FASTML_INTERRUPT_H

#include "threads.h"

struct fastml_interrupt {
    int32_t asked;
    int64_t at_ms; /* valid once `asked` is set */
};

/* The process's one; its address goes to the engines, each of which has a copy of this code. */
struct fastml_interrupt *fastml_interrupt_state(void);
/* Puts the handler before Python's own, with nothing noted. Returns 0 where it cannot, or one is there. */
int fastml_watch(void);
void fastml_unwatch(void);
int fastml_overdue(const struct fastml_interrupt *s);

/* Whether a loop shall end. Once it has said yes it does so until the next watch. */
static inline int fastml_stopped(const struct fastml_interrupt *s)
{
    return s != 0 && FASTML_LOAD(&((struct fastml_interrupt *)s)->asked) && fastml_overdue(s);
}

#endif
