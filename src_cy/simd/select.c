/* Chooses the instruction set once, by what the machine can run and by FASTML_ISA. */
#include <stdlib.h>
#include <string.h>

#include "simd.h"

static int can_run(int isa)
{
    if (isa == FASTML_BASE)
        return 1;
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("fma"))
        return 0;
    if (isa == FASTML_AVX2_TABLES)
        return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
#else
    return 0;
#endif
}

int fastml_isa(void)
{
    static const struct fastml_kernels *const tables[] = {
        &fastml_kernels_base, &fastml_kernels_avx2, &fastml_kernels_avx512};
    static int chosen = -1;
    if (chosen < 0) {
        const char *wanted = getenv("FASTML_ISA");
        int isa, named = -1;
        for (isa = FASTML_BASE; isa <= FASTML_AVX512_TABLES; isa++)
            if (wanted != NULL && strcmp(wanted, tables[isa]->name) == 0)
                named = isa;
        isa = named >= 0 ? named : FASTML_AVX512_TABLES;
        if (named >= 0 && !can_run(named))
            isa = FASTML_BASE;
        while (!can_run(isa))
            isa--;
        chosen = isa;
    }
    return chosen;
}

const struct fastml_kernels *fastml_simd(void) { return fastml_kernels_chosen(); }
