// What durability costs on this file system: append a block, fdatasync, again and again; one line of JSON.
//
//   fsync FOLDER [SECONDS 3] [BYTES 65536] [--preallocated]
//
// The file grows as a log does, so each sync also writes the file's new length; --preallocated writes over a file that
// is already there in full, as a recycled write-ahead log does. The file is removed at the end.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fail(const char *what) {
    fprintf(stderr, "fsync: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int argc, char **argv) {
    bool preallocated = argc > 1 && !strcmp(argv[argc - 1], "--preallocated");
    if (preallocated) argc--;
    if (argc < 2) {
        fprintf(stderr, "usage: fsync FOLDER [SECONDS] [BYTES] [--preallocated]\n");
        return 2;
    }
    double seconds = argc > 2 ? atof(argv[2]) : 3;
    size_t size = argc > 3 ? (size_t)atol(argv[3]) : 65536;
    enum { LIMIT = 200000, LAP = 64 };
    char path[4096];
    snprintf(path, sizeof path, "%s/fsync-%d.tmp", argv[1], (int)getpid());
    char *block = malloc(size);
    double *times = malloc(LIMIT * sizeof *times);
    int descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (!block || !times || descriptor < 0) fail(path);
    for (size_t i = 0; i < size; i++) block[i] = (char)(i * 2654435761u >> 13);
    if (preallocated) {
        for (int i = 0; i < LAP; i++)
            if (write(descriptor, block, size) != (ssize_t)size) fail("write");
        if (fsync(descriptor) != 0) fail("fsync");
    }
    size_t count = 0;
    double start = now(), end = start + seconds;
    while (count < LIMIT && now() < end) {
        memcpy(block, &count, sizeof count);
        double begin = now();
        ssize_t written = preallocated ? pwrite(descriptor, block, size, (off_t)(count % LAP * size))
                                       : write(descriptor, block, size);
        if (written != (ssize_t)size) fail("write");
        if (fdatasync(descriptor) != 0) fail("fdatasync");
        times[count++] = now() - begin;
    }
    double elapsed = now() - start;
    close(descriptor);
    unlink(path);
    qsort(times, count, sizeof *times, ascending);
    printf("{\"bytes\":%zu,\"preallocated\":%s,\"count\":%zu,\"per_s\":%.1f,"
           "\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}}\n",
           size, preallocated ? "true" : "false", count, (double)count / elapsed, times[count / 2] * 1e6,
           times[count * 9 / 10] * 1e6, times[count * 99 / 100] * 1e6, times[count - 1] * 1e6);
    return 0;
}
