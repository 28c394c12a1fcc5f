"""What Cython sees of threads.h: OpenMP where there is one, and the barrier."""


cdef extern from "threads.h" nogil:
    int fastml_openmp()
    int fastml_processors()
    int fastml_in_parallel()
    int fastml_max_threads()
    int fastml_team_size()
    int fastml_checked()

    struct fastml_barrier:
        int arrived
        int round

    int fastml_barrier_arrive(fastml_barrier *barrier, int n)
    void fastml_barrier_open(fastml_barrier *barrier)
    void fastml_barrier_wait(fastml_barrier *barrier, int n)
