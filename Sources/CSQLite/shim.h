#pragma once
#include <sqlite3.h>

// Variadic functions cannot be called from Swift; these are their typed forms.
static inline int ff_sqlite3_config_log(void (*log)(void *, int, const char *), void *context) {
    return sqlite3_config(SQLITE_CONFIG_LOG, log, context);
}
static inline int ff_sqlite3_db_config_bool(sqlite3 *db, int option, int on) {
    return sqlite3_db_config(db, option, on, (int *)0);
}
