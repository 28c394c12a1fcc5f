"""What Cython sees of interrupt.h: whether Ctrl-C asks a long loop to end."""


cdef extern from "interrupt.h" nogil:
    struct fastml_interrupt:
        pass

    fastml_interrupt *fastml_interrupt_state()
    int fastml_watch()
    void fastml_unwatch()
    int fastml_stopped(const fastml_interrupt *state)
