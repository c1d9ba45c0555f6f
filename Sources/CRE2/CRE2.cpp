#include "CRE2.h"

#include <re2/re2.h>

#include <cstring>
#include <memory>
#include <new>
#include <string>

struct footfall_pattern {
    re2::RE2 expression;

    footfall_pattern(const re2::StringPiece &text, const re2::RE2::Options &options) : expression(text, options) {}
};

extern "C" footfall_pattern *footfall_pattern_create(
    const char *pattern, size_t length, char *error, size_t error_capacity) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    std::unique_ptr<footfall_pattern> created(
        new (std::nothrow) footfall_pattern(re2::StringPiece(pattern, length), options));
    if (created && created->expression.ok()) return created.release();
    if (error_capacity > 0) {
        std::strncpy(error, created ? created->expression.error().c_str() : "out of memory", error_capacity - 1);
        error[error_capacity - 1] = 0;
    }
    return nullptr;
}

extern "C" void footfall_pattern_destroy(footfall_pattern *pattern) { delete pattern; }

extern "C" bool footfall_pattern_matches(const footfall_pattern *pattern, const void *text, size_t length) {
    re2::StringPiece piece(static_cast<const char *>(text), length);
    return pattern->expression.Match(piece, 0, length, re2::RE2::UNANCHORED, nullptr, 0);
}
