#pragma once
#include <zlib.h>

// inflateInit2 is a macro. 15 + 32: accept gzip and zlib, told apart by their headers.
static inline int ff_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 32); }

// 15 + 16: gzip alone.
static inline int ff_inflate_init_gzip(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

// 15 + 16: write gzip.
static inline int ff_deflate_init_gzip(z_stream *stream) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
