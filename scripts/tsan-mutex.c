// Tells ThreadSanitizer of locks that Swift's Mutex takes and gives up on its slow path. That path lies in
// libswiftSynchronization, which is not instrumented: without this, whatever a contended Mutex guards is reported as a race.
// Loaded before the library by "make sanitize-thread"; it does what the library's own functions do, and says so.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

typedef void (*Note)(void *);

// Where there is no ThreadSanitizer (in a program that the tests start), there is nobody to tell.
static void tell(const char *name, void *address) {
    Note note = (Note)dlsym(RTLD_DEFAULT, name);
    if (note) note(address);
}

SWIFT void lock_slow(uint32_t thread, SELF) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void unlock_slow(SELF) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

SWIFT void lock_slow(uint32_t thread, SELF) {
    static SWIFT void (*own)(uint32_t, SELF);
    if (!own) own = (SWIFT void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    own(thread, self);
    tell("__tsan_acquire", self);
}

SWIFT void unlock_slow(SELF) {
    static SWIFT void (*own)(SELF);
    if (!own) own = (SWIFT void (*)(SELF))dlsym(RTLD_NEXT, "$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    tell("__tsan_release", self);
    own(self);
}
