// A server that answers every HTTP/1.1 request with the same 200: the load generator's own ceiling on this machine.
//
//   constant [PORT]      prints the port it listens on (a free one when none is given), serves until it is killed

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096, BUFFER = 1 << 18 };
static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

static char *buffers[DESCRIPTORS];
static size_t counts[DESCRIPTORS];

/// Bytes of the first whole request in the buffer, 0 when more must come.
static size_t request_size(const char *bytes, size_t count) {
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t length = 0;
    for (const char *line = bytes; line && line < end; line = memchr(line, '\n', (size_t)(end - line)), line = line ? line + 1 : NULL)
        if ((*line | 32) == 'c' && strncasecmp(line, "content-length:", 15) == 0) length = strtoul(line + 15, NULL, 10);
    size_t size = (size_t)(end + 4 - bytes) + length;
    return size <= count ? size : 0;
}

int main(int argc, char **argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1024) != 0
        || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("constant");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int descriptor = events[i].data.fd;
            if (descriptor == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (accepted < 0) continue;
                if (accepted >= DESCRIPTORS) {
                    close(accepted);
                    continue;
                }
                setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                if (!buffers[accepted]) buffers[accepted] = malloc(BUFFER);
                counts[accepted] = 0;
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = accepted};
                epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &event);
                continue;
            }
            ssize_t n = recv(descriptor, buffers[descriptor] + counts[descriptor], BUFFER - counts[descriptor], 0);
            if (n <= 0) {
                if (n == 0 || errno != EAGAIN) close(descriptor);
                continue;
            }
            counts[descriptor] += (size_t)n;
            size_t used;
            while ((used = request_size(buffers[descriptor], counts[descriptor])) > 0) {
                if (send(descriptor, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) break;
                counts[descriptor] -= used;
                memmove(buffers[descriptor], buffers[descriptor] + used, counts[descriptor]);
            }
        }
    }
}
