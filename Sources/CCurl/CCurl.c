#include "CCurl.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const size_t longest_answer = 64u << 20;

struct ff_curl {
    CURL *handle;
    char *bytes;
    size_t length, capacity;
};

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static void initialise(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

static size_t receive(char *data, size_t size, size_t count, void *context) {
    ff_curl *client = context;
    size_t added = size * count;
    if (added > longest_answer - client->length) return 0;
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

ff_curl *ff_curl_create(const char *unix_socket_path, long timeout_seconds) {
    pthread_once(&initialised, initialise);
    ff_curl *client = calloc(1, sizeof *client);
    if (!client) return NULL;
    CURL *handle = client->handle = curl_easy_init();
    if (!handle || curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, unix_socket_path) != CURLE_OK) {
        ff_curl_destroy(client);
        return NULL;
    }
    // http_proxy in the environment must not lead a request away from the socket.
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, timeout_seconds);
    return client;
}

void ff_curl_destroy(ff_curl *client) {
    if (!client) return;
    if (client->handle) curl_easy_cleanup(client->handle);
    free(client->bytes);
    free(client);
}

static ff_curl_answer failure(CURLcode code) {
    return (ff_curl_answer){.error = curl_easy_strerror(code)};
}

ff_curl_answer ff_curl_send(ff_curl *client, const char *method, const char *url, const char *const *headers,
                            const void *body, size_t body_length) {
    CURL *handle = client->handle;
    // "Expect: 100-continue" would cost a round trip for every body above 1 MiB.
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    for (; list && headers && *headers; headers++) {
        struct curl_slist *longer = curl_slist_append(list, *headers);
        if (!longer) curl_slist_free_all(list);
        list = longer;
    }
    if (!list) return failure(CURLE_OUT_OF_MEMORY);
    client->length = 0;
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
    if (body) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_length);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body);
    } else {
        curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
    CURLcode code = curl_easy_perform(handle);
    curl_slist_free_all(list);
    if (code != CURLE_OK) return failure(code);
    ff_curl_answer answer = {.body = client->bytes, .body_length = client->length};
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_off_t retry_after = 0;
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
    answer.retry_after = (long)retry_after;
    return answer;
}
