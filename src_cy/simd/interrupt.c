/* The handler of Ctrl-C that sets a flag and goes on to Python's; see interrupt.h. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#ifdef _WIN32
#include <windows.h>
#endif

enum { GRACE_MS = 500 };

static struct fastml_interrupt state;
static int watching;

static int64_t now_ms(void) /* safe in a handler */
{
#ifdef _WIN32
    return (int64_t)GetTickCount64();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
#endif
}

static void note(void)
{
    if (FASTML_LOAD(&state.asked))
        return;
    state.at_ms = now_ms();
    FASTML_STORE(&state.asked, 1);
}

#ifdef _WIN32
static void (*previous)(int);

static void on_sigint(int number)
{
    note();
    previous(number); /* Python's puts itself in place again, as Windows asks for */
}

int fastml_watch(void)
{
    if (watching)
        return 0;
    FASTML_STORE(&state.asked, 0);
    previous = signal(SIGINT, on_sigint);
    if (previous == SIG_ERR || previous == SIG_DFL || previous == SIG_IGN) {
        signal(SIGINT, previous == SIG_ERR ? SIG_DFL : previous);
        return 0;
    }
    watching = 1;
    return 1;
}

void fastml_unwatch(void)
{
    if (watching)
        signal(SIGINT, previous);
    watching = 0;
}
#else
static struct sigaction previous;

static void on_sigint(int number)
{
    note();
    previous.sa_handler(number);
}

int fastml_watch(void)
{
    struct sigaction own;
    if (watching || sigaction(SIGINT, NULL, &previous) != 0)
        return 0;
    if ((previous.sa_flags & SA_SIGINFO) || previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN)
        return 0;
    FASTML_STORE(&state.asked, 0);
    own = previous;
    own.sa_handler = on_sigint;
    watching = sigaction(SIGINT, &own, NULL) == 0;
    return watching;
}

void fastml_unwatch(void)
{
    if (watching)
        sigaction(SIGINT, &previous, NULL);
    watching = 0;
}
#endif

struct fastml_interrupt *fastml_interrupt_state(void)
{
    return &state;
}

int fastml_overdue(const struct fastml_interrupt *s)
{
    return now_ms() - s->at_ms >= GRACE_MS;
}
