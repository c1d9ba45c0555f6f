#pragma once
#include <sqlite3.h>

// Macros with arithmetic in them are not imported.
static const int ff_sqlite3_ioerr_fsync = SQLITE_IOERR_FSYNC;
static const int ff_sqlite3_ioerr_dir_fsync = SQLITE_IOERR_DIR_FSYNC;

// Variadic functions and cast macros cannot be used from Swift; these are their typed forms.
static inline int ff_sqlite3_config_log(void (*log)(void *, int, const char *), void *context) {
    return sqlite3_config(SQLITE_CONFIG_LOG, log, context);
}
static inline int ff_sqlite3_config_memory_status(int on) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on);
}
static inline int ff_sqlite3_db_config_bool(sqlite3 *db, int option, int on) {
    return sqlite3_db_config(db, option, on, (int *)0);
}
static inline int ff_sqlite3_bind_text_copy(sqlite3_stmt *statement, int index, const void *text, sqlite3_uint64 length) {
    return sqlite3_bind_text64(statement, index, text ? (const char *)text : "", length, SQLITE_TRANSIENT, SQLITE_UTF8);
}
static inline int ff_sqlite3_bind_blob_copy(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 length) {
    return sqlite3_bind_blob64(statement, index, bytes, length, SQLITE_TRANSIENT);
}
// The write-ahead log's file of an open database; it stays the same until the connection is closed.
static inline sqlite3_file *ff_sqlite3_log_file(sqlite3 *db) {
    sqlite3_file *file = 0;
    int result = sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return result == SQLITE_OK && file && file->pMethods ? file : 0;
}
// Makes durable what has been written to a file. On another thread than the connection's too: it only passes on the
// descriptor.
static inline int ff_sqlite3_sync(sqlite3_file *file) { return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); }
// The text must stay where it is until the statement is reset. A null pointer stands for empty text, not for NULL.
static inline int ff_sqlite3_bind_text_kept(sqlite3_stmt *statement, int index, const void *text, int length) {
    return sqlite3_bind_text(statement, index, text ? (const char *)text : "", length, SQLITE_STATIC);
}
