#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct { uint64_t low, high; } ff_hash128;

/// XXH3, 128 bits, of `length` bytes under `seed`.
ff_hash128 ff_xxh3_128(const void *bytes, size_t length, uint64_t seed);
/// XXH3, 64 bits: the checksum of files.
uint64_t ff_xxh3_64(const void *bytes, size_t length, uint64_t seed);
