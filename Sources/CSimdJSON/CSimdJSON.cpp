#include "CSimdJSON.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Stage 1 (finding structure, checking UTF-8) is simdjson's, chosen for the processor at run time. The walk over the
// structural indexes is ours: the on-demand front end validates lazily and forgets where values stand in the source.

namespace {

constexpr size_t kPadding = simdjson::SIMDJSON_PADDING;
constexpr size_t kMaximumLength = size_t(1) << 30;
constexpr size_t kSmallestCapacity = 4096;
// Buffers above this size are given back once documents are much smaller again.
constexpr size_t kRetainedCapacity = size_t(4) << 20;

struct KeyEntry {
    uint64_t hash;
    const uint8_t *text;
    uint32_t length;
};

enum : uint8_t { kWhiteSpaceOrOperator = 1, kDigit = 2 };

struct CharacterClasses {
    uint8_t table[256] = {};
    constexpr CharacterClasses() {
        for (unsigned char c : {' ', '\t', '\n', '\r', ',', ':', '[', ']', '{', '}'}) table[c] = kWhiteSpaceOrOperator;
        for (int c = '0'; c <= '9'; c++) table[c] = kDigit;
    }
};
constexpr CharacterClasses kClasses;

inline bool is_digit(uint8_t c) { return uint8_t(c - '0') < 10; }

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// The first '"' or '\\' at or after `p`. The padding keeps the 16-byte reads inside the buffer.
inline const uint8_t *find_quote_or_backslash(const uint8_t *p) {
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (;; p += 16) {
        __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
        int mask =
            _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
        if (mask != 0) return p + __builtin_ctz(unsigned(mask));
    }
#else
    while (*p != '"' && *p != '\\') p++;
    return p;
#endif
}

inline uint64_t load8(const uint8_t *p) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
}

// Both string areas are padded, so eight bytes can be read from any key's start.
inline uint64_t hash_key(const uint8_t *text, uint32_t length) {
    uint64_t head, tail = 0;
    if (length >= 8) {
        head = load8(text);
        tail = load8(text + length - 8);
    } else {
        head = 0;
        std::memcpy(&head, text, length);
    }
    uint64_t h = (head ^ (tail << 29 | tail >> 35)) * 0x9E3779B97F4A7C15ull + length;
    return (h ^ h >> 32) * 0xD6E8FEB86659FD93ull;
}

inline bool hex4(const uint8_t *p, uint32_t &value) {
    value = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i], lower = c | 0x20;
        uint32_t digit;
        if (is_digit(c)) digit = c - '0';
        else if (lower >= 'a' && lower <= 'f') digit = lower - 'a' + 10;
        else return false;
        value = value << 4 | digit;
    }
    return true;
}

inline uint8_t *put_utf8(uint8_t *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = uint8_t(code);
    } else if (code < 0x800) {
        *out++ = uint8_t(0xC0 | code >> 6);
        *out++ = uint8_t(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = uint8_t(0xE0 | code >> 12);
        *out++ = uint8_t(0x80 | (code >> 6 & 0x3F));
        *out++ = uint8_t(0x80 | (code & 0x3F));
    } else {
        *out++ = uint8_t(0xF0 | code >> 18);
        *out++ = uint8_t(0x80 | (code >> 12 & 0x3F));
        *out++ = uint8_t(0x80 | (code >> 6 & 0x3F));
        *out++ = uint8_t(0x80 | (code & 0x3F));
    }
    return out;
}

// Only for the message: where the first ill-formed sequence starts.
size_t first_invalid_utf8(const uint8_t *bytes, size_t length) {
    size_t i = 0;
    while (i < length) {
        uint8_t lead = bytes[i];
        size_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
        if (size == 0 || i + size > length) return i;
        for (size_t k = 1; k < size; k++)
            if ((bytes[i + k] & 0xC0) != 0x80) return i;
        if (size > 2) {
            uint8_t second = bytes[i + 1];
            if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
                (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F))
                return i;
        }
        i += size;
    }
    return SIZE_MAX;
}

template <typename T> struct Buffer {
    T *data = nullptr;
    size_t capacity = 0;

    ~Buffer() { std::free(data); }

    // Contents are lost when the buffer moves.
    bool reserve(size_t wanted) {
        bool oversized = capacity * sizeof(T) > kRetainedCapacity && wanted < capacity / 16;
        if (wanted <= capacity && !oversized) return true;
        size_t grown = oversized ? wanted : std::max(wanted, capacity * 2);
        std::free(data);
        data = static_cast<T *>(std::malloc(grown * sizeof(T)));
        capacity = data ? grown : 0;
        return data != nullptr;
    }
};

}  // namespace

struct footfall_json_parser {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
    size_t stage1_capacity = 0;
    Buffer<uint8_t> source;
    Buffer<uint8_t> unescaped;
    Buffer<footfall_json_node> nodes;
    Buffer<uint32_t> stack;
    Buffer<KeyEntry> keys;
    uint8_t *unescaped_end = nullptr;
    size_t length = 0;
    size_t error_offset = SIZE_MAX;

    footfall_json_status parse(const uint8_t *bytes, size_t byte_count, uint32_t max_depth);

  private:
    footfall_json_status prepare(const uint8_t *bytes, size_t byte_count, uint32_t max_depth);
    footfall_json_status walk(uint32_t max_depth);
    footfall_json_status string(footfall_json_node &node, uint32_t offset);
    footfall_json_status unescape(footfall_json_node &node, uint32_t offset, const uint8_t *backslash);
    bool number(footfall_json_node &node, uint32_t offset);
    bool literal(footfall_json_node &node, uint32_t offset, const char *text, uint32_t size, uint8_t kind);
    footfall_json_status find_duplicates(footfall_json_node &object);

    footfall_json_status fail(footfall_json_status status, size_t offset) {
        error_offset = offset;
        return status;
    }

    bool ends_scalar(const uint8_t *p) const {
        return (kClasses.table[*p] & kWhiteSpaceOrOperator) != 0 || p == source.data + length;
    }
};

footfall_json_status footfall_json_parser::prepare(const uint8_t *bytes, size_t byte_count, uint32_t max_depth) {
    if (!source.reserve(std::max(byte_count + kPadding, kSmallestCapacity))) return FOOTFALL_JSON_OUT_OF_MEMORY;
    if (!stack.reserve(std::max<size_t>(max_depth, 64))) return FOOTFALL_JSON_OUT_OF_MEMORY;
    if (byte_count != 0) std::memcpy(source.data, bytes, byte_count);
    std::memset(source.data + byte_count, 0, kPadding);
    length = byte_count;
    unescaped_end = nullptr;

    bool oversized = stage1_capacity > kRetainedCapacity && byte_count < stage1_capacity / 16;
    if (stage1_capacity < byte_count || oversized || !stage1) {
        size_t capacity = std::max(byte_count, kSmallestCapacity);
        if (!oversized) capacity = std::min(std::max(capacity, stage1_capacity * 2), kMaximumLength);
        stage1_capacity = 0;
        simdjson::error_code error;
        if (stage1) {
            error = stage1->set_capacity(capacity);
        } else {
            error = simdjson::get_active_implementation()->create_dom_parser_implementation(capacity, 1, stage1);
        }
        if (error) {
            stage1.reset();
            return FOOTFALL_JSON_OUT_OF_MEMORY;
        }
        stage1_capacity = capacity;
    }
    return FOOTFALL_JSON_OK;
}

footfall_json_status footfall_json_parser::parse(const uint8_t *bytes, size_t byte_count, uint32_t max_depth) {
    error_offset = SIZE_MAX;
    if (byte_count > kMaximumLength) return FOOTFALL_JSON_TOO_LARGE;
    if (byte_count == 0) return FOOTFALL_JSON_EMPTY;
    if (auto status = prepare(bytes, byte_count, max_depth)) return status;

    switch (stage1->stage1(source.data, length, simdjson::stage1_mode::regular)) {
    case simdjson::SUCCESS: break;
    case simdjson::EMPTY: return FOOTFALL_JSON_EMPTY;
    case simdjson::UTF8_ERROR: return fail(FOOTFALL_JSON_INVALID_UTF8, first_invalid_utf8(source.data, length));
    case simdjson::MEMALLOC: return FOOTFALL_JSON_OUT_OF_MEMORY;
    default:
        // An open string or a raw control character hides an encoding error in some of the implementations.
        if (size_t offset = first_invalid_utf8(source.data, length); offset != SIZE_MAX)
            return fail(FOOTFALL_JSON_INVALID_UTF8, offset);
        return FOOTFALL_JSON_INVALID;
    }
    // Every node begins at a structural index of its own, so this is the last check of the nodes' room.
    if (!nodes.reserve(size_t(stage1->n_structural_indexes) + 1)) return FOOTFALL_JSON_OUT_OF_MEMORY;
    return walk(max_depth);
}

footfall_json_status footfall_json_parser::walk(uint32_t max_depth) {
    const uint8_t *text = source.data;
    const uint32_t *index = stage1->structural_indexes.get();
    const uint32_t *end = index + stage1->n_structural_indexes;
    footfall_json_node *node = nodes.data;
    uint32_t depth = 0;
    uint32_t offset;
    footfall_json_status status;

value:
    if (index == end) return fail(FOOTFALL_JSON_INVALID, length);
    offset = *index++;
    node->flags = 0;
    node->reserved = 0;
    node->span = 1;
    node->count = 0;
    node->raw_offset = offset;
    node->text_length = 0;
    switch (text[offset]) {
    case '"':
        if ((status = string(*node, offset))) return status;
        break;
    case '{':
    case '[':
        if (depth >= max_depth) return fail(FOOTFALL_JSON_TOO_DEEP, offset);
        stack.data[depth++] = uint32_t(node - nodes.data);
        node->bits = 0;
        if (text[offset] == '[') {
            node->kind = FOOTFALL_JSON_ARRAY;
            node++;
            if (index != end && text[*index] == ']') goto close;
            goto value;
        }
        node->kind = FOOTFALL_JSON_OBJECT;
        node++;
        if (index != end && text[*index] == '}') goto close;
        goto key;
    case 't':
        if (!literal(*node, offset, "true", 4, FOOTFALL_JSON_TRUE)) return fail(FOOTFALL_JSON_INVALID, offset);
        break;
    case 'f':
        if (!literal(*node, offset, "false", 5, FOOTFALL_JSON_FALSE)) return fail(FOOTFALL_JSON_INVALID, offset);
        break;
    case 'n':
        if (!literal(*node, offset, "null", 4, FOOTFALL_JSON_NULL)) return fail(FOOTFALL_JSON_INVALID, offset);
        break;
    default:
        if (!number(*node, offset)) return fail(FOOTFALL_JSON_INVALID, offset);
        break;
    }
    if (depth != 0) nodes.data[stack.data[depth - 1]].flags |= node->flags & FOOTFALL_JSON_INHERITED_FLAGS;
    node++;

after_value:
    if (depth == 0) {
        if (index != end) return fail(FOOTFALL_JSON_INVALID, *index);
        return FOOTFALL_JSON_OK;
    }
    {
        footfall_json_node &container = nodes.data[stack.data[depth - 1]];
        container.count++;
        if (index == end) return fail(FOOTFALL_JSON_INVALID, length);
        bool is_array = container.kind == FOOTFALL_JSON_ARRAY;
        uint8_t c = text[*index];
        if (c == ',') {
            index++;
            if (is_array) goto value;
            goto key;
        }
        if (c == (is_array ? ']' : '}')) goto close;
        return fail(FOOTFALL_JSON_INVALID, *index);
    }

key:
    if (index == end) return fail(FOOTFALL_JSON_INVALID, length);
    offset = *index++;
    if (text[offset] != '"') return fail(FOOTFALL_JSON_INVALID, offset);
    node->flags = 0;
    node->reserved = 0;
    node->span = 1;
    node->count = 0;
    node->raw_offset = offset;
    if ((status = string(*node, offset))) return status;
    nodes.data[stack.data[depth - 1]].flags |= node->flags & FOOTFALL_JSON_INHERITED_FLAGS;
    node++;
    if (index == end) return fail(FOOTFALL_JSON_INVALID, length);
    if (text[*index] != ':') return fail(FOOTFALL_JSON_INVALID, *index);
    index++;
    goto value;

close:
    {
        footfall_json_node &container = nodes.data[stack.data[--depth]];
        container.span = uint32_t(node - &container);
        container.raw_length = *index++ + 1 - container.raw_offset;
        if (container.kind == FOOTFALL_JSON_OBJECT && container.count > 1)
            if ((status = find_duplicates(container))) return status;
        if (depth != 0) nodes.data[stack.data[depth - 1]].flags |= container.flags;
        goto after_value;
    }
}

footfall_json_status footfall_json_parser::string(footfall_json_node &node, uint32_t offset) {
    const uint8_t *start = source.data + offset + 1;
    const uint8_t *end = find_quote_or_backslash(start);
    node.kind = FOOTFALL_JSON_STRING;
    if (*end == '\\') return unescape(node, offset, end);
    node.raw_length = uint32_t(end + 1 - start) + 1;
    node.text_length = uint32_t(end - start);
    node.bits = uint64_t(reinterpret_cast<uintptr_t>(start));
    return FOOTFALL_JSON_OK;
}

footfall_json_status footfall_json_parser::unescape(
    footfall_json_node &node, uint32_t offset, const uint8_t *backslash) {
    if (!unescaped_end) {
        // Unescaping never lengthens a string, so one area as long as the source holds all of them.
        if (!unescaped.reserve(length + kPadding)) return FOOTFALL_JSON_OUT_OF_MEMORY;
        unescaped_end = unescaped.data;
    }
    const uint8_t *from = source.data + offset + 1;
    uint8_t *start = unescaped_end, *out = start;
    const uint8_t *p = backslash;
    while (true) {
        std::memcpy(out, from, size_t(p - from));
        out += p - from;
        if (*p == '"') break;
        uint8_t escape = p[1];
        size_t escape_offset = size_t(p - source.data);
        p += 2;
        switch (escape) {
        case '"': case '\\': case '/': *out++ = escape; break;
        case 'b': *out++ = '\b'; break;
        case 'f': *out++ = '\f'; break;
        case 'n': *out++ = '\n'; break;
        case 'r': *out++ = '\r'; break;
        case 't': *out++ = '\t'; break;
        case 'u': {
            uint32_t code, low;
            if (!hex4(p, code)) return fail(FOOTFALL_JSON_INVALID, escape_offset);
            p += 4;
            if (code >= 0xD800 && code < 0xE000) {
                bool paired = code < 0xDC00 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2, low) && low >= 0xDC00 &&
                              low < 0xE000;
                if (!paired) return fail(FOOTFALL_JSON_LONE_SURROGATE, escape_offset);
                p += 6;
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            }
            if (code == 0) node.flags |= FOOTFALL_JSON_HAS_NUL;
            out = put_utf8(out, code);
            break;
        }
        default: return fail(FOOTFALL_JSON_INVALID, escape_offset);
        }
        from = p;
        p = find_quote_or_backslash(p);
    }
    node.raw_length = uint32_t(p + 1 - (source.data + offset));
    node.text_length = uint32_t(out - start);
    node.bits = uint64_t(reinterpret_cast<uintptr_t>(start));
    unescaped_end = out;
    return FOOTFALL_JSON_OK;
}

bool footfall_json_parser::literal(
    footfall_json_node &node, uint32_t offset, const char *expected, uint32_t size, uint8_t kind) {
    const uint8_t *p = source.data + offset;
    node.kind = kind;
    node.raw_length = size;
    node.bits = 0;
    return std::memcmp(p, expected, size) == 0 && ends_scalar(p + size);
}

namespace {

// The exact facts about a number that the fast path cannot decide.
void slow_double(footfall_json_node &node, const uint8_t *start, const uint8_t *end, int64_t exponent) {
    const uint8_t *p = start + (*start == '-');
    bool negative = *start == '-', fraction = false;
    int64_t significant = 0, trailing_zeros = 0, scale = 0;
    for (; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        scale += fraction;
        if (significant != 0 || *p != '0') significant++;
        trailing_zeros = *p == '0' ? trailing_zeros + 1 : 0;
    }
    exponent -= scale;
    double value = 0;
    if (significant == 0) {
        node.flags |= FOOTFALL_JSON_INTEGRAL;
        value = negative ? -0.0 : 0.0;
    } else {
        if (exponent + trailing_zeros >= 0) node.flags |= FOOTFALL_JSON_INTEGRAL;
        // The magnitude lies below ten to this power and not below a tenth of that.
        int64_t magnitude = significant + exponent;
        bool out_of_range = magnitude > 310 || magnitude < -326;
        if (!out_of_range) {
            auto result = std::from_chars(
                reinterpret_cast<const char *>(start), reinterpret_cast<const char *>(end), value);
            out_of_range = result.ec != std::errc();
        }
        if (out_of_range) {
            value = magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
            if (negative) value = -value;
        }
        if (std::isinf(value)) node.flags |= FOOTFALL_JSON_NUMBER_OVERFLOW;
    }
    std::memcpy(&node.bits, &value, 8);
}

}  // namespace

bool footfall_json_parser::number(footfall_json_node &node, uint32_t offset) {
    const uint8_t *start = source.data + offset, *p = start;
    bool negative = *p == '-';
    p += negative;
    const uint8_t *digits = p;
    uint64_t mantissa = 0;
    while (is_digit(*p)) mantissa = mantissa * 10 + (*p++ - '0');
    ptrdiff_t digit_count = p - digits;
    if (digit_count == 0 || (*digits == '0' && digit_count > 1)) return false;

    bool is_integer = true;
    int64_t exponent = 0, scale = 0;
    if (*p == '.') {
        is_integer = false;
        const uint8_t *fraction = ++p;
        while (is_digit(*p)) mantissa = mantissa * 10 + (*p++ - '0');
        scale = p - fraction;
        if (scale == 0) return false;
        digit_count += scale;
    }
    if ((*p | 0x20) == 'e') {
        is_integer = false;
        p++;
        bool negative_exponent = *p == '-';
        if (*p == '-' || *p == '+') p++;
        if (!is_digit(*p)) return false;
        while (is_digit(*p)) {
            if (exponent < 1000000000000000) exponent = exponent * 10 + (*p - '0');
            p++;
        }
        if (negative_exponent) exponent = -exponent;
    }
    if (!ends_scalar(p)) return false;
    node.raw_length = uint32_t(p - start);

    if (is_integer && !(negative && mantissa == 0 && digit_count == 1)) {
        // Twenty digits fit when they begin with 1 and the product did not wrap.
        bool fits = digit_count < 20 || (digit_count == 20 && *digits == '1' && mantissa >= 10000000000000000000ull);
        node.flags |= FOOTFALL_JSON_INTEGRAL;
        if (fits && mantissa <= uint64_t(INT64_MAX) + negative) {
            node.kind = FOOTFALL_JSON_INTEGER;
            node.bits = negative ? 0 - mantissa : mantissa;
        } else if (fits && !negative) {
            node.kind = FOOTFALL_JSON_UNSIGNED;
            node.bits = mantissa;
        } else {
            node.kind = FOOTFALL_JSON_BIG_NUMBER;
            slow_double(node, start, p, 0);
        }
        return true;
    }
    node.kind = FOOTFALL_JSON_DOUBLE;
    int64_t power = exponent - scale;
    if (digit_count <= 19 && mantissa <= (uint64_t(1) << 53) && power >= -22 && power <= 22) {
        // Both operands are exact, so the one rounding is the right one. It cannot turn a fraction into an integer:
        // a fraction is at least 10^power from one, and half a unit in the last place is less than that.
        double value = double(mantissa);
        if (power < 0) value /= kPowersOfTen[-power];
        else value *= kPowersOfTen[power];
        if (power >= 0 || value == std::floor(value)) node.flags |= FOOTFALL_JSON_INTEGRAL;
        if (negative) value = -value;
        std::memcpy(&node.bits, &value, 8);
    } else {
        slow_double(node, start, p, exponent);
    }
    return true;
}

footfall_json_status footfall_json_parser::find_duplicates(footfall_json_node &object) {
    constexpr uint32_t kFew = 32;
    KeyEntry few[kFew];
    uint32_t count = object.count;
    KeyEntry *entries = few;
    if (count > kFew) {
        if (!keys.reserve(count)) return FOOTFALL_JSON_OUT_OF_MEMORY;
        entries = keys.data;
    }
    auto equal = [](const KeyEntry &a, const KeyEntry &b) {
        return a.hash == b.hash && a.length == b.length && std::memcmp(a.text, b.text, a.length) == 0;
    };
    const footfall_json_node *key = &object + 1;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        auto *text = reinterpret_cast<const uint8_t *>(uintptr_t(key->bits));
        KeyEntry entry = {hash_key(text, key->text_length), text, key->text_length};
        entries[i] = entry;
        if (count <= kFew) {
            uint64_t bit = uint64_t(1) << (entry.hash >> 58);
            if ((seen & bit) != 0) {
                for (uint32_t k = 0; k < i; k++) {
                    if (!equal(entries[k], entry)) continue;
                    object.flags |= FOOTFALL_JSON_DUPLICATE_KEY;
                    return FOOTFALL_JSON_OK;
                }
            }
            seen |= bit;
        }
        key += 1 + key[1].span;
    }
    if (count <= kFew) return FOOTFALL_JSON_OK;
    // A sort with a total order stays n log n whatever keys a sender makes up; a hash table would not.
    std::sort(entries, entries + count, [](const KeyEntry &a, const KeyEntry &b) {
        if (a.hash != b.hash) return a.hash < b.hash;
        if (a.length != b.length) return a.length < b.length;
        return std::memcmp(a.text, b.text, a.length) < 0;
    });
    for (uint32_t i = 1; i < count; i++) {
        if (!equal(entries[i - 1], entries[i])) continue;
        object.flags |= FOOTFALL_JSON_DUPLICATE_KEY;
        break;
    }
    return FOOTFALL_JSON_OK;
}

extern "C" footfall_json_parser *footfall_json_create(void) { return new (std::nothrow) footfall_json_parser; }

extern "C" void footfall_json_destroy(footfall_json_parser *parser) { delete parser; }

extern "C" footfall_json_status footfall_json_parse(
    footfall_json_parser *parser, const uint8_t *bytes, size_t length, uint32_t max_depth,
    footfall_json_document *document) {
    footfall_json_status status = parser->parse(bytes, length, max_depth);
    document->nodes = parser->nodes.data;
    document->source = parser->source.data;
    document->error_offset = parser->error_offset;
    return status;
}

extern "C" size_t footfall_json_write_double(double value, char *out) {
    // Integers that a double holds exactly read better without an exponent; −0 keeps its sign.
    bool plain = std::fabs(value) < 9007199254740992.0 && value == std::floor(value) && !(value == 0 && std::signbit(value));
    auto result = plain ? std::to_chars(out, out + 32, int64_t(value)) : std::to_chars(out, out + 32, value);
    return size_t(result.ptr - out);
}
