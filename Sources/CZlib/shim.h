#pragma once
#include <zlib.h>

// inflateInit2 is a macro. 15 + 32: accept gzip and zlib, told apart by their headers.
static inline int ff_inflate_init(z_stream *stream) { return inflateInit2(stream, 15 + 32); }
