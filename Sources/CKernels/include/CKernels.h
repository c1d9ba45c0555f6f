#pragma once
#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// What the compiler does not offer to Swift: a few instructions each, the same results on every machine.

/// Asks for the cache line at an address, which is about to be written; any address may be given, and nothing is waited for.
static inline void ff_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// The first of eight numbers (aligned to 16 bytes) that equals `wanted`; 8 when none does.
static inline uint32_t ff_find8(const uint32_t *numbers, uint32_t wanted) {
#if defined(__SSE2__)
    const __m128i all = _mm_set1_epi32((int)wanted);
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)numbers), all);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)(numbers + 4)), all);
    const unsigned found = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(low))
        | (unsigned)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
    return (uint32_t)__builtin_ctz(found | 256);
#else
    for (uint32_t place = 0; place < 8; place++)
        if (numbers[place] == wanted) return place;
    return 8;
#endif
}

/// The first of eight numbers (aligned to 16 bytes) that is the least when their highest bits are left out.
static inline uint32_t ff_least8(const uint32_t *numbers) {
#if defined(__SSE2__)
    const __m128i mask = _mm_set1_epi32(0x7fffffff);
    const __m128i low = _mm_and_si128(_mm_load_si128((const __m128i *)numbers), mask);
    const __m128i high = _mm_and_si128(_mm_load_si128((const __m128i *)(numbers + 4)), mask);
    __m128i greater = _mm_cmpgt_epi32(low, high);
    __m128i least = _mm_or_si128(_mm_and_si128(greater, high), _mm_andnot_si128(greater, low));
    __m128i other = _mm_shuffle_epi32(least, 0x4e);
    greater = _mm_cmpgt_epi32(least, other);
    least = _mm_or_si128(_mm_and_si128(greater, other), _mm_andnot_si128(greater, least));
    other = _mm_shuffle_epi32(least, 0xb1);
    greater = _mm_cmpgt_epi32(least, other);
    least = _mm_or_si128(_mm_and_si128(greater, other), _mm_andnot_si128(greater, least));
    const unsigned found = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(low, least)))
        | (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(high, least))) << 4;
    return (uint32_t)__builtin_ctz(found);
#else
    uint32_t least = 0;
    for (uint32_t place = 1; place < 8; place++)
        if ((numbers[place] & 0x7fffffff) < (numbers[least] & 0x7fffffff)) least = place;
    return least;
#endif
}
