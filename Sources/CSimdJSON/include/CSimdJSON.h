#pragma once

// A C interface over simdjson: one pass that checks a whole JSON document and writes it as a flat array of nodes.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FOOTFALL_JSON_NULL = 0,
    FOOTFALL_JSON_FALSE = 1,
    FOOTFALL_JSON_TRUE = 2,
    FOOTFALL_JSON_INTEGER = 3,     // `bits` is an int64_t
    FOOTFALL_JSON_UNSIGNED = 4,    // `bits` is a uint64_t above INT64_MAX
    FOOTFALL_JSON_DOUBLE = 5,      // `bits` is the nearest double
    FOOTFALL_JSON_BIG_NUMBER = 6,  // an integer beyond 64 bits; `bits` is the nearest double
    FOOTFALL_JSON_STRING = 7,      // `bits` is a pointer to the unescaped UTF-8, `text_length` its length
    FOOTFALL_JSON_ARRAY = 8,       // the elements follow
    FOOTFALL_JSON_OBJECT = 9       // key, value, key, value … follow
};

enum {
    // True of the value and of every container around it.
    FOOTFALL_JSON_DUPLICATE_KEY = 1,
    FOOTFALL_JSON_HAS_NUL = 2,
    FOOTFALL_JSON_NUMBER_OVERFLOW = 4,
    FOOTFALL_JSON_INHERITED_FLAGS = 7,
    // True of the value alone.
    FOOTFALL_JSON_INTEGRAL = 16  // a number whose exact decimal value has no fraction
};

typedef struct footfall_json_node {
    uint8_t kind;
    uint8_t flags;
    uint16_t reserved;
    uint32_t span;         // nodes in the subtree, this one included: node + span is the next sibling
    uint32_t count;        // elements or members
    uint32_t raw_offset;   // the value's source text, without surrounding white space
    uint32_t raw_length;
    uint32_t text_length;
    uint64_t bits;
} footfall_json_node;

typedef enum {
    FOOTFALL_JSON_OK = 0,
    FOOTFALL_JSON_EMPTY,
    FOOTFALL_JSON_INVALID,
    FOOTFALL_JSON_INVALID_UTF8,
    FOOTFALL_JSON_LONE_SURROGATE,
    FOOTFALL_JSON_TOO_DEEP,
    FOOTFALL_JSON_TOO_LARGE,
    FOOTFALL_JSON_OUT_OF_MEMORY
} footfall_json_status;

typedef struct footfall_json_parser footfall_json_parser;

typedef struct footfall_json_document {
    const footfall_json_node *nodes;
    const uint8_t *source;  // the parser's own copy; `raw_offset` counts from here
    size_t error_offset;    // SIZE_MAX when unknown
} footfall_json_document;

// Null when out of memory.
footfall_json_parser *footfall_json_create(void);
void footfall_json_destroy(footfall_json_parser *parser);

// Copies `length` bytes into the parser's padded buffer and parses them. The document is valid until the next call.
footfall_json_status footfall_json_parse(
    footfall_json_parser *parser, const uint8_t *bytes, size_t length, uint32_t max_depth,
    footfall_json_document *document);

// Writes the shortest text that reads back as `value` (finite) to `out`, which holds 32 bytes; returns its length.
size_t footfall_json_write_double(double value, char *out);

#ifdef __cplusplus
}
#endif
