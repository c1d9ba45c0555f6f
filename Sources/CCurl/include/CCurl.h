#pragma once
#include <stddef.h>

typedef struct ff_curl ff_curl;

/// What came back for a request. The body stays valid until the client's next call.
typedef struct {
    /// HTTP status, or 0 when there was no answer.
    long status;
    /// Seconds of the Retry-After header, or 0.
    long retry_after;
    const char *body;
    size_t body_length;
    /// With status 0: a static sentence that says why.
    const char *error;
} ff_curl_answer;

/// A reusable HTTP/1.1 client over a Unix socket that keeps its connection. One thread at a time. NULL when memory is
/// out. No proxy, no redirects, no environment variables.
ff_curl *ff_curl_create(const char *unix_socket_path, long timeout_seconds);
void ff_curl_destroy(ff_curl *client);
/// Sends one request. `headers` is a NULL-terminated list of "Name: value"; `body` may be NULL. Answers longer than
/// 64 MiB are refused.
ff_curl_answer ff_curl_send(ff_curl *client, const char *method, const char *url, const char *const *headers,
                            const void *body, size_t body_length);
