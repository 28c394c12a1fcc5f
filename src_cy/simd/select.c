/* Chooses the table of kernels once, by what the machine can run and by FASTML_ISA. */
#include <stdlib.h>
#include <string.h>

#include "simd.h"

static int can_run(const struct fastml_kernels *table)
{
    if (table == &fastml_kernels_base)
        return 1;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
        return 0;
    if (table == &fastml_kernels_avx2)
        return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
#else
    return 0;
#endif
}

const struct fastml_kernels *fastml_simd(void)
{
    static const struct fastml_kernels *const best_first[] = {
        &fastml_kernels_avx512, &fastml_kernels_avx2, &fastml_kernels_base};
    static const struct fastml_kernels *chosen = NULL;
    if (chosen == NULL) {
        const char *wanted = getenv("FASTML_ISA");
        const struct fastml_kernels *table = &fastml_kernels_base;
        int i, named = 0;
        for (i = 0; i < 3; i++)
            named |= wanted != NULL && strcmp(wanted, best_first[i]->name) == 0;
        for (i = 0; i < 3; i++) {
            if (named && strcmp(wanted, best_first[i]->name) != 0)
                continue;
            if (can_run(best_first[i])) {
                table = best_first[i];
                break;
            }
        }
        chosen = table;
    }
    return chosen;
}
