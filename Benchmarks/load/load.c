// An HTTP/1.1 load generator: one thread, epoll, keep-alive connections, one request in flight on each.
//
//   load --url http://127.0.0.1:8080/healthz --connections 16 --seconds 10
//   load --url http://127.0.0.1:8080/v1/interactions --header 'Authorization: Bearer KEY'
//        --prefix '{"interactions":[' --item '{"id":"{id}","type":{type},…}' --suffix ']}' --batch 20 --expect '"tracked":20'
//
// Without --rate the loop is closed: each connection sends again when its answer is there. With --rate N the loop is
// open: N requests a second at even distances, each latency counted from the moment at which the request was due, so
// that a slow server cannot slow the questions down and look fast (no coordinated omission).
//
// It shares the machine with what it measures, so a request is built once per connection and only its placeholders,
// all of fixed width, are overwritten before it is sent again:
//
//   {id}         a unique UUID                          {user}     "u" and 7 digits, one for the whole request
//   {entity}     550e8400-e29b-41d4-a716-<12 digits>    {any_user} the same, drawn anew for each item
//   {type}       "view" or "click", quotes included     {duration} 1000…9999    {depth} 10…99
//
// With --bodies FILE each request has the next line of a file for its body instead, from the first to the last and over again.
//
// The result is one line of JSON: `requests`, `items` and latencies are those of the measured time, `sent` and
// `acknowledged` (requests answered with 2xx) those of the whole run, warm-up included. Latencies are in microseconds, exact to 0.8 %.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// ---- Time and chance ------------------------------------------------------------------------------------------

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint64_t random_state;

static uint64_t mix(uint64_t z) {  // splitmix64's finaliser: a bijection, so counters become distinct random-looking ids
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t draw(void) { return mix(random_state += 0x9e3779b97f4a7c15u); }

static uint64_t below(uint64_t bound) { return (uint64_t)(((__uint128_t)draw() * bound) >> 64); }

// ---- Histogram: 128 linear steps in each power of two of nanoseconds ------------------------------------------

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS, BUCKETS = (64 - SUB_BITS) * SUB };

typedef struct {
    uint64_t counts[BUCKETS];
    uint64_t total;
    int64_t largest;
    double sum;
} Histogram;

static void record(Histogram *h, int64_t value) {
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    unsigned index;
    if (v < SUB) {
        index = (unsigned)v;
    } else {
        unsigned shift = 63u - (unsigned)__builtin_clzll(v) - SUB_BITS;
        index = (shift + 1) * SUB + (unsigned)((v >> shift) - SUB);
    }
    h->counts[index]++;
    h->total++;
    h->sum += (double)v;
    if (value > h->largest) h->largest = value;
}

static double percentile_us(const Histogram *h, double p) {
    if (h->total == 0) return 0;
    uint64_t rank = (uint64_t)(p / 100 * (double)h->total), seen = 0;
    if (rank >= h->total) rank = h->total - 1;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank) {
            if (i < SUB) return i / 1000.0;
            unsigned shift = i / SUB - 1;
            double upper = (double)(((uint64_t)(i % SUB + SUB + 1) << shift) - 1);
            if (upper > (double)h->largest) upper = (double)h->largest;
            return upper / 1000;
        }
    }
    return (double)h->largest / 1000;
}

static void print_histogram(const char *name, const Histogram *h) {
    printf("\"%s\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p99_9\":%.1f,\"max\":%.1f,\"mean\":%.1f}", name,
           percentile_us(h, 50), percentile_us(h, 90), percentile_us(h, 99), percentile_us(h, 99.9),
           (double)h->largest / 1000, h->total ? h->sum / (double)h->total / 1000 : 0.0);
}

// ---- Options --------------------------------------------------------------------------------------------------

typedef struct {
    const char *name, *method, *prefix, *item, *suffix, *separator, *expect, *bodies;
    const char *headers[32];
    int header_count;
    char host[128], path[1024];
    int port, connections, batch, skew;
    double seconds, warmup, rate;
    uint64_t requests, users, entities, seed;
} Options;

static Options options = {.name = "", .prefix = "", .suffix = "", .separator = ",", .connections = 16, .batch = 1,
                          .skew = 1, .seconds = 5, .users = 10000, .entities = 10000};

static void fail(const char *message, const char *detail) {
    fprintf(stderr, "load: %s%s%s\n", message, detail ? ": " : "", detail ? detail : "");
    exit(2);
}

static double number(const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || value < 0) fail("not a number", text);
    return value;
}

static void parse_url(const char *url) {
    const char *start = strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    if (!start) fail("only http:// is spoken", url);
    const char *slash = strchr(start, '/');
    const char *colon = memchr(start, ':', slash ? (size_t)(slash - start) : strlen(start));
    const char *host_end = colon ? colon : slash ? slash : start + strlen(start);
    snprintf(options.host, sizeof options.host, "%.*s", (int)(host_end - start), start);
    options.port = colon ? atoi(colon + 1) : 80;
    snprintf(options.path, sizeof options.path, "%s", slash ? slash : "/");
}

static void parse_options(int argc, char **argv) {
    bool has_url = false;
    for (int i = 1; i < argc; i++) {
        const char *key = argv[i];
        if (i + 1 >= argc) fail("a value is missing after", key);
        const char *value = argv[++i];
        if (!strcmp(key, "--url")) parse_url(value), has_url = true;
        else if (!strcmp(key, "--name")) options.name = value;
        else if (!strcmp(key, "--method")) options.method = value;
        else if (!strcmp(key, "--header")) {
            if (options.header_count == 32) fail("too many headers", NULL);
            options.headers[options.header_count++] = value;
        } else if (!strcmp(key, "--prefix")) options.prefix = value;
        else if (!strcmp(key, "--item")) options.item = value;
        else if (!strcmp(key, "--suffix")) options.suffix = value;
        else if (!strcmp(key, "--separator")) options.separator = value;
        else if (!strcmp(key, "--expect")) options.expect = value;
        else if (!strcmp(key, "--bodies")) options.bodies = value;
        else if (!strcmp(key, "--connections")) options.connections = (int)number(value);
        else if (!strcmp(key, "--batch")) options.batch = (int)number(value);
        else if (!strcmp(key, "--seconds")) options.seconds = number(value);
        else if (!strcmp(key, "--warmup")) options.warmup = number(value);
        else if (!strcmp(key, "--rate")) options.rate = number(value);
        else if (!strcmp(key, "--requests")) options.requests = (uint64_t)number(value);
        else if (!strcmp(key, "--users")) options.users = (uint64_t)number(value);
        else if (!strcmp(key, "--entities")) options.entities = (uint64_t)number(value);
        else if (!strcmp(key, "--skew")) options.skew = (int)number(value);
        else if (!strcmp(key, "--seed")) options.seed = (uint64_t)number(value);
        else fail("unknown option", key);
    }
    if (!has_url) fail("--url is needed", NULL);
    if (options.connections < 1 || options.batch < 1 || options.users < 1 || options.entities < 1)
        fail("--connections, --batch, --users and --entities start at 1", NULL);
    if (options.bodies && options.item) fail("--bodies and --item do not go together", NULL);
    if (!options.method) options.method = options.item || options.bodies ? "POST" : "GET";
}

// ---- The request: one text, and the places in it to overwrite --------------------------------------------------

typedef enum { ID, USER, ANY_USER, ENTITY, TYPE, DURATION, DEPTH } Kind;

static const struct { const char *name; const char *blank; } placeholders[] = {
    [ID] = {"{id}", "00000000-0000-4000-8000-000000000000"},
    [USER] = {"{user}", "u0000000"},
    [ANY_USER] = {"{any_user}", "u0000000"},
    [ENTITY] = {"{entity}", "550e8400-e29b-41d4-a716-000000000000"},
    [TYPE] = {"{type}", "\"view\" "},
    [DURATION] = {"{duration}", "1000"},
    [DEPTH] = {"{depth}", "10"},
};
enum { KINDS = sizeof placeholders / sizeof *placeholders };

typedef struct { uint32_t offset; Kind kind; } Patch;
typedef struct { char *bytes; size_t count, capacity; } Text;

static Text request;
static Patch *patches;
static size_t patch_count;

static void append(Text *text, const char *bytes, size_t count) {
    if (text->count + count > text->capacity) {
        text->capacity = (text->count + count) * 2 + 256;
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes) fail("out of memory", NULL);
    }
    memcpy(text->bytes + text->count, bytes, count);
    text->count += count;
}

// The bodies of --bodies, each with its length in front: what follows the request's other headers.
static Text bodies;
static size_t *body_starts, body_count, next_body, longest_body;

static void read_bodies(void) {
    FILE *file = fopen(options.bodies, "r");
    if (!file) fail("cannot be read", options.bodies);
    char *line = NULL, head[96];
    size_t room = 0, places = 0;
    for (ssize_t length; (length = getline(&line, &room, file)) >= 0;) {
        if (length > 0 && line[length - 1] == '\n') length--;
        if (body_count + 2 > places) {
            places = places * 2 + 1024;
            body_starts = realloc(body_starts, places * sizeof *body_starts);
            if (!body_starts) fail("out of memory", NULL);
        }
        size_t start = bodies.count;
        body_starts[body_count++] = start;
        snprintf(head, sizeof head, "Content-Type: application/json\r\nContent-Length: %zd\r\n\r\n", length);
        append(&bodies, head, strlen(head));
        append(&bodies, line, (size_t)length);
        if (bodies.count - start > longest_body) longest_body = bodies.count - start;
    }
    free(line);
    fclose(file);
    if (!body_count) fail("no line in", options.bodies);
    body_starts[body_count] = bodies.count;
}

static void append_template(Text *text, const char *template) {
    while (*template) {
        const char *next = strchr(template, '{');
        if (!next) next = template + strlen(template);
        append(text, template, (size_t)(next - template));
        template = next;
        if (!*template) break;
        int kind = 0;
        while (kind < KINDS && strncmp(template, placeholders[kind].name, strlen(placeholders[kind].name)) != 0) kind++;
        if (kind == KINDS) {
            append(text, template++, 1);
            continue;
        }
        patches = realloc(patches, (patch_count + 1) * sizeof *patches);
        if (!patches) fail("out of memory", NULL);
        patches[patch_count++] = (Patch){(uint32_t)text->count, (Kind)kind};
        append(text, placeholders[kind].blank, strlen(placeholders[kind].blank));
        template += strlen(placeholders[kind].name);
    }
}

static void build_request(void) {
    Text body = {0};
    if (options.item) {
        append_template(&body, options.prefix);
        for (int i = 0; i < options.batch; i++) {
            if (i) append_template(&body, options.separator);
            append_template(&body, options.item);
        }
        append_template(&body, options.suffix);
    }
    size_t body_patches = patch_count;
    char line[1400];
    snprintf(line, sizeof line, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n", options.method, options.path, options.host, options.port);
    append_template(&request, line);
    for (int i = 0; i < options.header_count; i++) {
        append_template(&request, options.headers[i]);
        append(&request, "\r\n", 2);
    }
    if (options.item) {
        snprintf(line, sizeof line, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.count);
        append(&request, line, strlen(line));
    }
    if (options.bodies) {
        read_bodies();
    } else {
        append(&request, "\r\n", 2);
    }
    for (size_t i = 0; i < body_patches; i++) patches[i].offset += (uint32_t)request.count;
    append(&request, body.bytes ? body.bytes : "", body.count);
    free(body.bytes);
}

static char hex_pairs[256][2], digit_pairs[100][2];
static uint64_t id_counter, id_salt;

static void put_digits(char *to, int width, uint64_t value) {
    for (int i = width - 2; i >= 0; i -= 2) {
        memcpy(to + i, digit_pairs[value % 100], 2);
        value /= 100;
    }
    if (width % 2) *to = (char)('0' + value % 10);
}

static void put_id(char *to) {
    uint64_t low = mix(id_salt + ++id_counter), high = mix(low ^ ~id_salt);
    static const uint8_t at[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    // The version and variant digits stay as the template has them; the 64 unique bits stand where none is lost.
    for (int i = 0; i < 6; i++) memcpy(to + at[i], hex_pairs[(high >> (8 * i)) & 255], 2);
    to[15] = hex_pairs[(high >> 48) & 255][0], to[16] = hex_pairs[(high >> 48) & 255][1], to[17] = hex_pairs[(high >> 56) & 255][0];
    to[20] = hex_pairs[low & 255][0], to[21] = hex_pairs[low & 255][1], to[22] = hex_pairs[high >> 56][1];
    for (int i = 1; i < 7; i++) memcpy(to + at[i + 9], hex_pairs[(low >> (8 * i)) & 255], 2);
    memcpy(to, hex_pairs[low >> 56], 2);
}

static void fill(char *bytes) {
    char user[7];
    put_digits(user, 7, below(options.users));
    for (size_t i = 0; i < patch_count; i++) {
        char *to = bytes + patches[i].offset;
        switch (patches[i].kind) {
            case ID: put_id(to); break;
            case USER: memcpy(to + 1, user, 7); break;
            case ANY_USER: put_digits(to + 1, 7, below(options.users)); break;
            case ENTITY: {
                uint64_t index = below(options.entities);
                // A power of a uniform draw: a few entities get most of the traffic, as in life.
                for (int k = 1; k < options.skew; k++) index = index * below(options.entities) / options.entities;
                put_digits(to + 24, 12, index);
                break;
            }
            case TYPE: memcpy(to, draw() & 7 ? "\"view\" " : "\"click\"", 7); break;
            case DURATION: put_digits(to, 4, 1000 + below(9000)); break;
            case DEPTH: put_digits(to, 2, 10 + below(90)); break;
        }
    }
}

// ---- Connections ----------------------------------------------------------------------------------------------

typedef struct {
    int descriptor;
    bool busy, wants_write;
    char *out;
    size_t sent, size;
    Text in;
    int64_t due, started;
} Connection;

static Connection *connections;
static int epoll_descriptor;
static int *idle;  // a ring: connections take turns
static int idle_head, idle_count;

static Histogram latency, service, lag;
static uint64_t statuses[600], io_errors, connect_errors, unexpected, late, ok_requests, acknowledged, bytes_in, sent_requests;
static int64_t measure_from, measure_to;
static uint64_t in_flight;

static void push_idle(int index) { idle[(idle_head + idle_count++) % options.connections] = index; }

static int pop_idle(void) {
    int index = idle[idle_head];
    idle_head = (idle_head + 1) % options.connections;
    idle_count--;
    return index;
}

static bool open_connection(int index) {
    static struct sockaddr_in address;
    if (address.sin_family == 0) {
        struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
        if (getaddrinfo(options.host, NULL, &hints, &found) != 0) fail("unknown host", options.host);
        memcpy(&address, found->ai_addr, sizeof address);
        address.sin_port = htons((uint16_t)options.port);
        freeaddrinfo(found);
    }
    Connection *c = &connections[index];
    c->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->descriptor < 0) fail("socket", strerror(errno));
    int one = 1;
    setsockopt(c->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        close(c->descriptor);
        c->descriptor = -1;
        return false;
    }
    fcntl(c->descriptor, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
    if (epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, c->descriptor, &event) != 0) fail("epoll_ctl", strerror(errno));
    c->busy = c->wants_write = false;
    c->in.count = 0;
    return true;
}

static void reopen(int index) {
    Connection *c = &connections[index];
    if (c->descriptor >= 0) close(c->descriptor);
    if (c->busy) in_flight--;
    for (int attempt = 0; attempt < 100; attempt++) {
        if (open_connection(index)) {
            push_idle(index);
            return;
        }
        connect_errors++;
        usleep(20000);
    }
    fail("the server no longer takes connections", strerror(errno));
}

/// Sends what is left of the request. False when the connection broke and was replaced.
static bool push_out(int index) {
    Connection *c = &connections[index];
    while (c->sent < c->size) {
        ssize_t n = send(c->descriptor, c->out + c->sent, c->size - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) {
            io_errors++;
            reopen(index);
            return false;
        }
        if (n < 0) break;
        c->sent += (size_t)n;
    }
    bool wants_write = c->sent < c->size;
    if (wants_write != c->wants_write) {
        struct epoll_event event = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.u32 = (uint32_t)index};
        epoll_ctl(epoll_descriptor, EPOLL_CTL_MOD, c->descriptor, &event);
        c->wants_write = wants_write;
    }
    return true;
}

static void send_request(int index, int64_t due, int64_t now) {
    Connection *c = &connections[index];
    fill(c->out);
    c->size = request.count;
    if (body_count) {
        size_t start = body_starts[next_body], size = body_starts[next_body + 1] - start;
        memcpy(c->out + c->size, bodies.bytes + start, size);
        c->size += size;
        next_body = (next_body + 1) % body_count;
    }
    c->sent = 0;
    c->in.count = 0;
    c->busy = true;
    c->due = due;
    c->started = now;
    in_flight++;
    sent_requests++;
    push_out(index);
}

/// The bytes of a whole answer at the buffer's start: 0 when more must come, -1 when it is not HTTP as spoken here.
static int64_t answer_size(const Text *in, int *status, size_t *body_at, bool *closes) {
    const char *end = memmem(in->bytes, in->count, "\r\n\r\n", 4);
    if (!end) return in->count > 65536 ? -1 : 0;
    if (in->count < 12 || memcmp(in->bytes, "HTTP/1.", 7) != 0) return -1;
    *status = (in->bytes[9] - '0') * 100 + (in->bytes[10] - '0') * 10 + (in->bytes[11] - '0');
    if (*status < 100 || *status > 599) return -1;
    int64_t length = *status == 204 || *status == 304 ? 0 : -1;
    *closes = in->bytes[7] == '0';
    for (const char *line = in->bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end + 2 - line));
        if (!stop) break;
        if ((*line | 32) == 'c') {
            if (strncasecmp(line, "content-length:", 15) == 0) length = strtoll(line + 15, NULL, 10);
            else if (strncasecmp(line, "connection: close", 17) == 0) *closes = true;
        }
        line = stop + 1;
    }
    if (length < 0) return -1;
    *body_at = (size_t)(end + 4 - in->bytes);
    return (int64_t)*body_at + length;
}

static void finish(int index, int status, size_t body_at, int64_t size, bool closes) {
    Connection *c = &connections[index];
    int64_t now = now_ns();
    bool measured = options.rate > 0 ? c->due >= measure_from && c->due < measure_to
                                     : now >= measure_from && now < measure_to;
    c->busy = false;
    in_flight--;
    if (status >= 200 && status < 300) acknowledged++;
    if (measured) {
        statuses[status]++;
        bytes_in += (uint64_t)size;
        bool good = status >= 200 && status < 300;
        if (good && options.expect
            && !memmem(c->in.bytes + body_at, (size_t)size - body_at, options.expect, strlen(options.expect))) {
            if (unexpected++ == 0)
                fprintf(stderr, "load: an answer without %s: %.*s\n", options.expect,
                        (int)(size - (int64_t)body_at > 400 ? 400 : size - (int64_t)body_at), c->in.bytes + body_at);
            good = false;
        }
        if (good) {
            ok_requests++;
            record(&latency, now - c->due);
            record(&service, now - c->started);
        } else if (status >= 400 && statuses[status] == 1) {
            fprintf(stderr, "load: first %d: %.*s\n", status,
                    (int)(size - (int64_t)body_at > 400 ? 400 : size - (int64_t)body_at), c->in.bytes + body_at);
        }
    }
    if (closes) reopen(index);
    else push_idle(index);
}

static void pull_in(int index) {
    Connection *c = &connections[index];
    for (;;) {
        if (c->in.capacity - c->in.count < 4096) {
            c->in.capacity = c->in.capacity * 2 + 16384;
            c->in.bytes = realloc(c->in.bytes, c->in.capacity);
            if (!c->in.bytes) fail("out of memory", NULL);
        }
        size_t room = c->in.capacity - c->in.count;
        ssize_t n = recv(c->descriptor, c->in.bytes + c->in.count, room, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            // An idle connection that the server closes is its right; one with a question open is an error.
            bool was_busy = c->busy;
            if (was_busy) io_errors++;
            if (!was_busy) {
                for (int i = 0; i < idle_count; i++) {
                    int at = (idle_head + i) % options.connections;
                    if (idle[at] == index) {
                        for (int k = i; k + 1 < idle_count; k++)
                            idle[(idle_head + k) % options.connections] = idle[(idle_head + k + 1) % options.connections];
                        idle_count--;
                        break;
                    }
                }
            }
            reopen(index);
            return;
        }
        c->in.count += (size_t)n;
        int status = 0;
        size_t body_at = 0;
        bool closes = false;
        int64_t size = answer_size(&c->in, &status, &body_at, &closes);
        if (size < 0 || !c->busy) {
            io_errors++;
            reopen(index);
            return;
        }
        if (size > 0 && (int64_t)c->in.count >= size) {
            finish(index, status, body_at, size, closes);
            return;
        }
        if ((size_t)n < room) return;
    }
}

// ---- The loop -------------------------------------------------------------------------------------------------

static void wait_for_events(int64_t timeout_ns) {
    struct epoll_event events[256];
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int count = epoll_pwait2(epoll_descriptor, events, 256, &timeout, NULL);
    for (int i = 0; i < count; i++) {
        int index = (int)events[i].data.u32;
        if (events[i].events & EPOLLOUT && !push_out(index)) continue;
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) pull_in(index);
    }
}

static uint64_t run(int64_t begin) {
    const int64_t second = 1000000000;
    double interval = options.rate > 0 ? 1e9 / options.rate : 0;
    uint64_t unsent = 0;
    int64_t drain_until = INT64_MAX;
    for (;;) {
        int64_t now = now_ns(), next_due = INT64_MAX;
        bool more = options.requests ? sent_requests < options.requests : true;
        if (options.rate > 0) {
            // Every request that was due before the end is sent, however late: leaving it out would flatter.
            for (;;) {
                next_due = begin + (int64_t)((double)sent_requests * interval);
                more = options.requests ? sent_requests < options.requests : next_due < measure_to;
                if (!more || next_due > now) break;
                if (!idle_count) {
                    next_due = INT64_MAX;
                    break;
                }
                if (next_due >= measure_from && next_due < measure_to) record(&lag, now - next_due);
                send_request(pop_idle(), next_due, now);
            }
        } else {
            if (!options.requests) more = now < measure_to;
            while (more && idle_count) {
                now = now_ns();
                send_request(pop_idle(), now, now);
                if (options.requests) more = sent_requests < options.requests;
            }
        }
        if (!more && in_flight == 0) break;
        int64_t end = options.requests ? INT64_MAX : measure_to;
        if (drain_until == INT64_MAX && (!more || now >= end)) drain_until = now + 30 * second;
        if (now >= drain_until) {
            late = in_flight;
            if (options.rate > 0 && more)
                unsent = (uint64_t)((double)(measure_to - begin) / interval) - sent_requests;
            break;
        }
        int64_t wait = 100000000;
        if (more && next_due != INT64_MAX && next_due - now < wait) wait = next_due - now;
        wait_for_events(wait < 0 ? 0 : wait);
    }
    return unsent;
}

static void print_string(const char *name, const char *value) {
    printf("\"%s\":\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') putchar('\\');
        if ((unsigned char)*value >= 32) putchar(*value);
    }
    printf("\",");
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1UL);  // the default, 50 µs, would be counted as the server's latency
    for (int i = 0; i < 256; i++) memcpy(hex_pairs[i], (char[]){"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]}, 2);
    for (int i = 0; i < 100; i++) memcpy(digit_pairs[i], (char[]){(char)('0' + i / 10), (char)('0' + i % 10)}, 2);
    if (!options.seed) options.seed = mix((uint64_t)now_ns() ^ ((uint64_t)getpid() << 40) ^ (uint64_t)time(NULL));
    random_state = options.seed;
    id_salt = mix(options.seed + 1);
    build_request();

    epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc((size_t)options.connections, sizeof *connections);
    idle = calloc((size_t)options.connections, sizeof *idle);
    if (epoll_descriptor < 0 || !connections || !idle) fail("set-up", strerror(errno));
    for (int i = 0; i < options.connections; i++) {
        connections[i].out = malloc(request.count + longest_body);
        if (!connections[i].out) fail("out of memory", NULL);
        memcpy(connections[i].out, request.bytes, request.count);
        if (!open_connection(i)) fail("cannot connect", strerror(errno));
        push_idle(i);
    }

    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t begin = now_ns();
    measure_from = begin + (int64_t)(options.warmup * 1e9);
    measure_to = options.requests ? INT64_MAX : measure_from + (int64_t)(options.seconds * 1e9);
    uint64_t unsent = run(begin);
    int64_t finished = now_ns();
    getrusage(RUSAGE_SELF, &after);

    // In an open loop that falls behind, the time to work off what is due belongs to the time that was needed.
    double elapsed = (double)(options.requests || options.rate > 0 ? finished - measure_from : measure_to - measure_from) / 1e9;
    if (options.rate > 0 && !options.requests && elapsed < options.seconds) elapsed = options.seconds;
    double cpu = (double)(after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec - before.ru_stime.tv_sec)
        + (double)(after.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_utime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    uint64_t items = ok_requests * (uint64_t)(options.item ? options.batch : 0);
    printf("{");
    if (*options.name) print_string("name", options.name);
    print_string("mode", options.rate > 0 ? "open" : "closed");
    print_string("method", options.method);
    print_string("path", options.path);
    printf("\"connections\":%d,\"batch\":%d,\"rate\":%.1f,\"seconds\":%.3f,", options.connections, options.batch, options.rate, elapsed);
    printf("\"requests\":%llu,\"items\":%llu,", (unsigned long long)ok_requests, (unsigned long long)items);
    printf("\"requests_per_s\":%.1f,\"items_per_s\":%.1f,", (double)ok_requests / elapsed, (double)items / elapsed);
    print_histogram("latency_us", &latency);
    if (options.rate > 0) {
        printf(",");
        print_histogram("service_us", &service);
        printf(",");
        print_histogram("send_lag_us", &lag);
    }
    printf(",\"status\":{");
    for (int i = 0, first = 1; i < 600; i++)
        if (statuses[i]) printf("%s\"%d\":%llu", first ? "" : ",", i, (unsigned long long)statuses[i]), first = 0;
    printf("},\"errors\":{\"io\":%llu,\"connect\":%llu,\"unexpected\":%llu,\"unanswered\":%llu,\"unsent\":%llu},",
           (unsigned long long)io_errors, (unsigned long long)connect_errors, (unsigned long long)unexpected,
           (unsigned long long)late, (unsigned long long)unsent);
    printf("\"request_bytes\":%zu,\"bytes_in\":%llu,\"sent\":%llu,\"acknowledged\":%llu,\"generator_cpu_s\":%.3f,\"seed\":%llu}\n", request.count,
           (unsigned long long)bytes_in, (unsigned long long)sent_requests, (unsigned long long)acknowledged, cpu, (unsigned long long)options.seed);
    bool clean = io_errors + connect_errors + unexpected + late + unsent == 0 && ok_requests > 0;
    for (int i = 0; i < 600; i++)
        if (statuses[i] && (i < 200 || i >= 300)) clean = false;
    return clean ? 0 : 1;
}
