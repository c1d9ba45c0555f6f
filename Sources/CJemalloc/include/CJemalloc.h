#pragma once
// Nothing to call: a program that is linked with this allocates with jemalloc instead of the C library's allocator. Lists are
// made on several threads at a time from many small pieces of memory, which takes less of the processor with it.
