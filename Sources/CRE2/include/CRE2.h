#pragma once

// A C interface over RE2: compiled patterns that answer whether a text contains a match, in time linear in the text.

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct footfall_pattern footfall_pattern;

// Compiles a pattern in RE2's syntax, case-sensitive, over UTF-8. Null when RE2 refuses it; the reason is then in
// `error`, ended by a zero byte and cut off at `error_capacity`.
footfall_pattern *footfall_pattern_create(
    const char *pattern, size_t length, char *error, size_t error_capacity);
void footfall_pattern_destroy(footfall_pattern *pattern);

// Whether the text contains a match. Any number of threads may ask at once.
bool footfall_pattern_matches(const footfall_pattern *pattern, const void *text, size_t length);

#ifdef __cplusplus
}
#endif
