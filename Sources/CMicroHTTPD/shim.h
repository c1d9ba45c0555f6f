#pragma once
// Thin C over libmicrohttpd: what Swift cannot call (variadic functions), what it would import with a closed enum
// that the library may extend, and one pass over the request headers.
#include <microhttpd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Flags for send and recv. Which of the system's own names Swift sees depends on what else is imported.
static inline int ff_send_at_once(void) { return MSG_NOSIGNAL | MSG_DONTWAIT; }
static inline int ff_receive_at_once(void) { return MSG_DONTWAIT; }
static inline int ff_peek_at_once(void) { return MSG_PEEK | MSG_DONTWAIT; }

/// Called when the library finds its own state broken; it cannot go on, so the line is written and the process ends.
static inline void ff_mhd_panic(void *cls, const char *file, unsigned int line, const char *reason) {
    (void)cls;
    (void)line;
    static const char head[] = "footfall: libmicrohttpd cannot continue: ";
    const char *parts[] = {head, reason ? reason : "no reason given", " (", file ? file : "?", ")\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
    abort();
}

static inline void ff_mhd_install_panic(void) { MHD_set_panic_func(ff_mhd_panic, NULL); }

/// What the library calls and how it is set up. Reasons and events are C enums that newer libraries extend, so they
/// are passed as integers, which has the same calling convention.
struct ff_mhd_setup {
    void *context;
    MHD_AccessHandlerCallback request_arrived;
    void (*request_ended)(void *, struct MHD_Connection *, void **, unsigned int reason);
    void (*connection_changed)(void *, struct MHD_Connection *, void **, unsigned int event);
    void *(*target_arrived)(void *, const char *, struct MHD_Connection *);
    size_t (*unescape)(void *, struct MHD_Connection *, char *);
    unsigned int connections, timeout_seconds;
    size_t connection_memory;
};

static const unsigned int ff_mhd_connection_started = MHD_CONNECTION_NOTIFY_STARTED;
static const unsigned int ff_mhd_request_completed = MHD_REQUEST_TERMINATED_COMPLETED_OK;

/// Starts a daemon that neither listens nor has a thread: one thread of ours waits on its epoll descriptor and runs it.
/// NULL when that fails.
static inline struct MHD_Daemon *ff_mhd_start(const struct ff_mhd_setup *setup) {
    const unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_TURBO;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)setup->connection_memory, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_INCREMENT, 4096, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)setup->connections, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)setup->timeout_seconds, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)setup->request_ended, setup->context},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)setup->connection_changed, setup->context},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)setup->target_arrived, setup->context},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)setup->unescape, setup->context},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, setup->request_arrived, setup->context, MHD_OPTION_ARRAY, items,
                            MHD_OPTION_END);
}

static inline int ff_mhd_epoll(struct MHD_Daemon *daemon) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

/// Milliseconds until the daemon must run again, -1 when only an event can make that necessary.
static inline int ff_mhd_timeout(struct MHD_Daemon *daemon) {
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    if (MHD_get_timeout(daemon, &timeout) != MHD_YES) return -1;
    return timeout < 60000 ? (int)timeout : 60000;
}

static inline int ff_mhd_run(struct MHD_Daemon *daemon) { return MHD_run(daemon) == MHD_YES; }

static inline int ff_mhd_add(struct MHD_Daemon *daemon, int socket, const struct sockaddr *address, socklen_t size) {
    return MHD_add_connection(daemon, socket, address, size) == MHD_YES;
}

/// Names the calling thread for tools that list threads; at most 15 bytes count.
static inline void ff_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Asks for short turns of the processor, which come sooner, for the calling thread: half a millisecond (with a tenth of one,
/// threads take turns so often that single interactions are a sixteenth fewer). Linux takes the length of a turn from an
/// ordinary thread from 6.12 on and passes over it before; the share of the processor stays the same.
static inline void ff_short_turns(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {0};
    attributes.size = sizeof attributes;
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    attributes.runtime = 500 * 1000;
    if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0) return;
}

/// A descriptor by which other threads wake one that polls it.
static inline int ff_waker(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

static inline void ff_wake(int waker) {
    const uint64_t one = 1;
    if (write(waker, &one, sizeof one) < 0) return;
}

static inline void ff_wake_clear(int waker) {
    uint64_t count;
    if (read(waker, &count, sizeof count) < 0) return;
}

/// What the connection's start callback stored, or NULL.
static inline void *ff_mhd_socket_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static inline int ff_mhd_socket(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/// Bytes of the request line and headers.
static inline size_t ff_mhd_header_size(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info ? info->header_size : 0;
}

/// Status of the answer that is queued, 0 when there is none.
static inline unsigned int ff_mhd_status(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
    return info ? info->http_status : 0;
}

/// First value of a request header. Returns 1 when there is one; the bytes live as long as the request.
static inline int ff_mhd_header(struct MHD_Connection *connection, const char *name, size_t name_size,
                                const char **value, size_t *value_size) {
    return MHD_lookup_connection_value_n(connection, MHD_HEADER_KIND, name, name_size, value, value_size) == MHD_YES;
}

struct ff_mhd_name {
    const char *name;
    size_t size;
};

/// A look for headers that are there more than once.
struct ff_mhd_repetition {
    const struct ff_mhd_name *names;
    /// At most 64.
    unsigned int count;
    uint64_t seen;
    int repeated;
};

static inline enum MHD_Result ff_visit_name(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                            const char *value, size_t value_size) {
    struct ff_mhd_repetition *look = (struct ff_mhd_repetition *)cls;
    (void)kind;
    (void)value;
    (void)value_size;
    for (unsigned int i = 0; i < look->count; i++) {
        if (name_size != look->names[i].size || strncasecmp(name, look->names[i].name, name_size) != 0) continue;
        if (look->seen >> i & 1) {
            look->repeated = (int)i;
            return MHD_NO;
        }
        look->seen |= (uint64_t)1 << i;
    }
    return MHD_YES;
}

/// Number of the first of these headers that a request has more than once, -1 when there is none.
static inline int ff_mhd_repeated(struct MHD_Connection *connection, const struct ff_mhd_name *names, unsigned int count) {
    struct ff_mhd_repetition look = {names, count < 64 ? count : 64, 0, -1};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, ff_visit_name, &look);
    return look.repeated;
}

/// What the server itself must know of the headers, gathered in one pass.
struct ff_mhd_headers {
    const char *content_length, *transfer_encoding, *content_encoding, *expect;
    size_t content_length_size, transfer_encoding_size, content_encoding_size, expect_size;
    unsigned int content_lengths, transfer_encodings, content_encodings, hosts, count;
    /// A name that is not a token, a control character in a value, or bytes that no header accounts for.
    unsigned int malformed;
    /// Where the next header must begin.
    const char *next;
};

/// Whether a byte may stand in a header's name: 1 for letters, digits and !#$%&'*+-.^_`|~ (RFC 9110).
static inline unsigned int ff_is_token_byte(unsigned char c) {
    // One bit a byte.
    static const uint64_t token[4] = {0x03ff6cfa00000000u, 0x57ffffffc7fffffeu, 0, 0};
    return (unsigned int)(token[c >> 6] >> (c & 63) & 1);
}

static inline enum MHD_Result ff_visit_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_size,
                                              const char *value, size_t value_size) {
    struct ff_mhd_headers *found = (struct ff_mhd_headers *)cls;
    (void)kind;
    found->count++;
    // The library leaves the lines where they arrived and writes NULs over colons and line ends. Lines that do not
    // follow one another by CR LF hide something: a NUL, a folded value (of which it loses a part), a line without a
    // name (which it takes for the end of the headers), a bare LF.
    if (name_size == 0 || value == NULL || name != found->next) {
        found->malformed = 1;
        return MHD_NO;
    }
    found->next = value + value_size + 2;
    unsigned int bad = 0;
    for (size_t i = 0; i < name_size; i++) bad |= ff_is_token_byte((unsigned char)name[i]) ^ 1;
    for (size_t i = 0; i < value_size; i++) {
        unsigned char c = (unsigned char)value[i];
        bad |= (unsigned)((c < 0x20) & (c != '\t')) | (unsigned)(c == 0x7f);
    }
    // Between colon and value there are blanks only.
    const char *p = name + name_size + 1;
    while (p < value && (*p == ' ' || *p == '\t')) p++;
    found->malformed |= bad | (unsigned)(p != value);
    switch (name_size) {
    case 4:
        if (strncasecmp(name, "host", 4) == 0) found->hosts++;
        break;
    case 6:
        if (strncasecmp(name, "expect", 6) == 0) {
            found->expect = value;
            found->expect_size = value_size;
        }
        break;
    case 14:
        if (strncasecmp(name, "content-length", 14) == 0) {
            found->content_lengths++;
            found->content_length = value;
            found->content_length_size = value_size;
        }
        break;
    case 16:
        if (strncasecmp(name, "content-encoding", 16) == 0) {
            found->content_encodings++;
            found->content_encoding = value;
            found->content_encoding_size = value_size;
        }
        break;
    case 17:
        if (strncasecmp(name, "transfer-encoding", 17) == 0) {
            found->transfer_encodings++;
            found->transfer_encoding = value;
            found->transfer_encoding_size = value_size;
        }
        break;
    default: break;
    }
    return MHD_YES;
}

/// `method` is where the request line begins; `version` is its last word, always of eight bytes.
static inline void ff_mhd_scan_headers(struct MHD_Connection *connection, const char *method, const char *version,
                                       struct ff_mhd_headers *found) {
    memset(found, 0, sizeof *found);
    found->next = version + 8 + 2;
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, ff_visit_header, found);
    if (found->next + 2 != method + ff_mhd_header_size(connection)) found->malformed = 1;
}

/// Hides the query from the library, which would split and decode it into its small memory pool. `target` is the
/// library's own writable buffer, passed to the URI callback before it looks at the byte after the question mark.
static inline void ff_mhd_hide_query(const char *target, size_t question_mark) {
    ((char *)target)[question_mark + 1] = '\0';
}

/// The Content-Length line of the library's answers is its own; this one is for connections that are to end.
static inline int ff_mhd_add_header(struct MHD_Response *response, const char *name, const char *value) {
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/// A response that owns a copy of the bytes; NULL when memory is short.
static inline struct MHD_Response *ff_mhd_response(const void *bytes, size_t count) {
    if (count == 0) return MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
    return MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY);
}

static inline int ff_mhd_queue(struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    return MHD_queue_response(connection, status, response) == MHD_YES;
}
