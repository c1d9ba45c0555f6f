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
// The database's own file.
static inline sqlite3_file *ff_sqlite3_main_file(sqlite3 *db) {
    sqlite3_file *file = 0;
    int result = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return result == SQLITE_OK && file && file->pMethods ? file : 0;
}
// Makes durable what has been written to a file. On another thread than the connection's too: it only passes on the
// descriptor.
static inline int ff_sqlite3_sync(sqlite3_file *file) { return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL); }
// The text must stay where it is until the statement is reset. A null pointer stands for empty text, not for NULL.
static inline int ff_sqlite3_bind_text_kept(sqlite3_stmt *statement, int index, const void *text, int length) {
    return sqlite3_bind_text(statement, index, text ? (const char *)text : "", length, SQLITE_STATIC);
}

// FTS5's own word breaker, so that the words of a query are what the index has made of the same text.
typedef struct ff_fts5_words {
    fts5_tokenizer methods;
    Fts5Tokenizer *handle;
} ff_fts5_words;

static inline fts5_api *ff_fts5_find_api(sqlite3 *db) {
    fts5_api *api = 0;
    sqlite3_stmt *statement = 0;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, 0) == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, (void *)&api, "fts5_api_ptr", 0);
        sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return api;
}

static inline int ff_fts5_words_open(sqlite3 *db, ff_fts5_words *words) {
    fts5_api *api = ff_fts5_find_api(db);
    void *context = 0;
    const char *arguments[2] = {"remove_diacritics", "2"};
    words->handle = 0;
    if (!api) return SQLITE_ERROR;
    int result = api->xFindTokenizer(api, "unicode61", &context, &words->methods);
    if (result != SQLITE_OK) return result;
    return words->methods.xCreate(context, arguments, 2, &words->handle);
}

static inline void ff_fts5_words_close(ff_fts5_words *words) {
    if (words->handle) words->methods.xDelete(words->handle);
    words->handle = 0;
}

static inline int ff_fts5_words_each(ff_fts5_words *words, const char *text, int length, void *context,
                                     int (*each)(void *, int, const char *, int, int, int)) {
    return words->methods.xTokenize(words->handle, context, FTS5_TOKENIZE_QUERY, text, length, each);
}

// bm25 (Robertson and Zaragoza, 2009) as FTS5's own computes it, for chosen rows alone and with inverse document
// frequencies that are passed in: FTS5 finds them by walking through every row of every word.
typedef struct ff_fts5_ranking {
    const sqlite3_int64 *rows;  // Ascending.
    int count;
    int next;
    const double *frequencies;  // One for each phrase.
    int phrases;
    double weights[8];  // One for each column.
} ff_fts5_ranking;

static inline void ff_fts5_rank(const Fts5ExtensionApi *api, Fts5Context *context, sqlite3_context *result, int n,
                                sqlite3_value **values) {
    ff_fts5_ranking *ranking = (ff_fts5_ranking *)api->xUserData(context);
    sqlite3_int64 row = api->xRowid(context);
    double hits[64] = {0};
    double score = 0;
    (void)n;
    (void)values;
    while (ranking->next < ranking->count && ranking->rows[ranking->next] < row) ranking->next++;
    if (ranking->next >= ranking->count || ranking->rows[ranking->next] != row) {
        sqlite3_result_null(result);
        return;
    }
    sqlite3_int64 rows = 0, tokens = 0;
    int size = 0, instances = 0;
    int code = api->xRowCount(context, &rows);
    if (code == SQLITE_OK) code = api->xColumnTotalSize(context, -1, &tokens);
    if (code == SQLITE_OK) code = api->xColumnSize(context, -1, &size);
    if (code == SQLITE_OK) code = api->xInstCount(context, &instances);
    for (int i = 0; code == SQLITE_OK && i < instances; i++) {
        int phrase = 0, column = 0, offset = 0;
        code = api->xInst(context, i, &phrase, &column, &offset);
        if (code == SQLITE_OK && phrase >= 0 && phrase < 64 && column >= 0 && column < 8)
            hits[phrase] += ranking->weights[column];
    }
    if (code != SQLITE_OK) {
        sqlite3_result_error_code(result, code);
        return;
    }
    double mean = rows > 0 && tokens > 0 ? (double)tokens / (double)rows : 1;
    for (int i = 0; i < ranking->phrases && i < 64; i++)
        score += ranking->frequencies[i] * hits[i] * 2.2 / (hits[i] + 1.2 * (0.25 + 0.75 * size / mean));
    sqlite3_result_double(result, score);
}

static inline int ff_fts5_rank_register(sqlite3 *db, ff_fts5_ranking *ranking) {
    fts5_api *api = ff_fts5_find_api(db);
    if (!api) return SQLITE_ERROR;
    return api->xCreateFunction(api, "chosen_rank", ranking, ff_fts5_rank, 0);
}
