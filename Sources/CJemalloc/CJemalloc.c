#include "CJemalloc.h"
#include <jemalloc/jemalloc.h>

// Read by the library when it starts: memory that is no longer needed goes back to the system from a thread of its own, not
// from one that answers a request, and after half a minute, large pieces like others: scoring and training take and leave
// matrices of many MiB one after the other, and every page taken anew is cleared first.
const char *malloc_conf = "background_thread:true,oversize_threshold:0,dirty_decay_ms:30000";
