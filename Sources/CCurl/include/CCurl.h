#pragma once
#include <stddef.h>

typedef struct ff_curl ff_curl;

/// A reusable HTTP client over a Unix socket. NULL when memory is out.
ff_curl *ff_curl_create(const char *unix_socket_path);
void ff_curl_destroy(ff_curl *client);
/// Sends one request. `headers` is a NULL-terminated list of "Name: value".
/// Returns the HTTP status, or 0 with `*error` set to a static sentence. The body stays valid until the next call.
long ff_curl_send(ff_curl *client, const char *method, const char *url, const char *const *headers,
                  const void *body, size_t body_length, const char **response, size_t *response_length,
                  const char **error);
