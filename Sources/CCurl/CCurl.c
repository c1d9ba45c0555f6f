#include "CCurl.h"
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

struct ff_curl {
    CURL *handle;
    char *bytes;
    size_t length, capacity;
};

static size_t receive(char *data, size_t size, size_t count, void *context) {
    ff_curl *client = context;
    size_t added = size * count;
    if (client->length + added > client->capacity) {
        size_t capacity = (client->length + added) * 2;
        char *bytes = realloc(client->bytes, capacity);
        if (!bytes) return 0;
        client->bytes = bytes;
        client->capacity = capacity;
    }
    memcpy(client->bytes + client->length, data, added);
    client->length += added;
    return added;
}

ff_curl *ff_curl_create(const char *unix_socket_path) {
    ff_curl *client = calloc(1, sizeof *client);
    if (!client) return NULL;
    client->handle = curl_easy_init();
    if (!client->handle) { free(client); return NULL; }
    curl_easy_setopt(client->handle, CURLOPT_UNIX_SOCKET_PATH, unix_socket_path);
    curl_easy_setopt(client->handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(client->handle, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(client->handle, CURLOPT_NOSIGNAL, 1L);
    return client;
}

void ff_curl_destroy(ff_curl *client) {
    if (!client) return;
    curl_easy_cleanup(client->handle);
    free(client->bytes);
    free(client);
}

long ff_curl_send(ff_curl *client, const char *method, const char *url, const char *const *headers,
                  const void *body, size_t body_length, const char **response, size_t *response_length,
                  const char **error) {
    struct curl_slist *list = NULL;
    for (const char *const *header = headers; header && *header; header++)
        list = curl_slist_append(list, *header);
    list = curl_slist_append(list, "Expect:");
    client->length = 0;
    curl_easy_setopt(client->handle, CURLOPT_URL, url);
    curl_easy_setopt(client->handle, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(client->handle, CURLOPT_HTTPHEADER, list);
    if (body) {
        curl_easy_setopt(client->handle, CURLOPT_POST, 1L);
        curl_easy_setopt(client->handle, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(client->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_length);
    } else {
        curl_easy_setopt(client->handle, CURLOPT_HTTPGET, 1L);
    }
    CURLcode code = curl_easy_perform(client->handle);
    curl_slist_free_all(list);
    if (code != CURLE_OK) {
        *error = curl_easy_strerror(code);
        return 0;
    }
    long status = 0;
    curl_easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &status);
    *response = client->bytes;
    *response_length = client->length;
    return status;
}
