#include "CJemalloc.h"
#include <jemalloc/jemalloc.h>

// Read by the library when it starts: memory that is no longer needed goes back to the system from a thread of its own, not
// from one that answers a request.
const char *malloc_conf = "background_thread:true";
