#define XXH_INLINE_ALL
#include <xxhash.h>
#include "CXXHash.h"

ff_hash128 ff_xxh3_128(const void *bytes, size_t length, uint64_t seed) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, length, seed);
    return (ff_hash128){hash.low64, hash.high64};
}

uint64_t ff_xxh3_64(const void *bytes, size_t length, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes, length, seed);
}
