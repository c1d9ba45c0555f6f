// The bare SQLite insert rate of this machine: the yardstick of Footfall's embedded store. One line of JSON.
//
//   sqlite_insert FOLDER [--rows 1000000] [--commit 2000] [--like STORE.db]
//
// One prepared statement, WAL, synchronous=FULL, no secondary index, default checkpoints; nothing but SQLite in the loop.
// With --like, the table user_interactions is made as it stands in that store and filled with rows sampled from it, so
// that columns and bytes are exactly Footfall's; else with a table and rows of the same kind.

#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COLUMNS = 64, SAMPLE = 20000 };

static sqlite3 *database;
static int column_count;
static sqlite3_value **values;  // SAMPLE rows of column_count values
static int sampled;

static void fail(const char *what, sqlite3 *db) {
    fprintf(stderr, "sqlite_insert: %s: %s\n", what, db ? sqlite3_errmsg(db) : "failed");
    exit(1);
}

static void run(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail(sql, db);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/// Takes every row of a query into memory; a column listed in `blank` becomes NULL, so that SQLite numbers the rows.
static void sample(sqlite3 *db, const char *sql, const bool *blank) {
    sqlite3_stmt *query;
    if (sqlite3_prepare_v2(db, sql, -1, &query, NULL) != SQLITE_OK) fail(sql, db);
    column_count = sqlite3_column_count(query);
    if (column_count > MAX_COLUMNS) fail("too many columns", NULL);
    values = calloc((size_t)SAMPLE * (size_t)column_count, sizeof *values);
    if (!values) fail("memory", NULL);
    while (sampled < SAMPLE && sqlite3_step(query) == SQLITE_ROW) {
        for (int i = 0; i < column_count; i++)
            if (!blank[i]) values[sampled * column_count + i] = sqlite3_value_dup(sqlite3_column_value(query, i));
        sampled++;
    }
    sqlite3_finalize(query);
    if (sampled == 0) fail("no rows to sample", NULL);
}

static const char own_table[] =
    "CREATE TABLE user_interactions (position INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL,"
    " original_type TEXT, entity_type TEXT NOT NULL, entity_id TEXT NOT NULL, user_id TEXT, anonymous_id TEXT,"
    " session_id TEXT, context TEXT, list_id TEXT, value REAL, metadata TEXT, occurred_at INTEGER NOT NULL,"
    " received_at INTEGER NOT NULL, plan_version INTEGER NOT NULL)";

static const char own_rows[] =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
    " SELECT NULL, printf('%08x-%04x-4%03x-8%03x-%012x', random() & 0xffffffff, random() & 65535, random() & 4095,"
    " random() & 4095, random() & 0xffffffffffff), CASE WHEN i % 8 THEN 'view' ELSE 'click' END, NULL, 'post',"
    " printf('550e8400-e29b-41d4-a716-%012d', abs(random()) % 100000), printf('u%07d', abs(random()) % 100000), NULL,"
    " printf('%08x-%04x-4%03x-8%03x-%012x', random() & 0xffffffff, random() & 65535, random() & 4095,"
    " random() & 4095, random() & 0xffffffffffff), NULL, NULL, NULL,"
    " printf('{\"duration\":%d,\"scroll_depth\":%d,\"source\":\"feed\"}', 1000 + i % 9000, 10 + i % 90),"
    " 1767225600000 + i, 1767225600123 + i, 1 FROM n";

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : NULL, *like = NULL;
    long rows = 1000000, commit = 2000;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--rows")) rows = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--commit")) commit = atol(argv[i + 1]);
        else if (!strcmp(argv[i], "--like")) like = argv[i + 1];
        else folder = NULL;
    }
    if (!folder || rows < 1 || commit < 1) {
        fprintf(stderr, "usage: sqlite_insert FOLDER [--rows N] [--commit N] [--like STORE.db]\n");
        return 2;
    }
    char path[4096], table[16384];
    snprintf(path, sizeof path, "%s/sqlite-insert-%d.db", folder, (int)getpid());
    if (sqlite3_open(path, &database) != SQLITE_OK) fail(path, database);

    bool blank[MAX_COLUMNS] = {false};
    if (like) {
        sqlite3 *store;
        if (sqlite3_open_v2(like, &store, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) fail(like, store);
        sqlite3_stmt *query;
        if (sqlite3_prepare_v2(store, "SELECT sql, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema"
                                      " WHERE type = 'table' AND name = 'user_interactions'", -1, &query, NULL) != SQLITE_OK
            || sqlite3_step(query) != SQLITE_ROW) fail("no table user_interactions", store);
        snprintf(table, sizeof table, "PRAGMA page_size = %d", sqlite3_column_int(query, 1));
        run(database, table);
        snprintf(table, sizeof table, "%s", (const char *)sqlite3_column_text(query, 0));
        sqlite3_finalize(query);
        if (sqlite3_prepare_v2(store, "SELECT pk, upper(type) FROM pragma_table_info('user_interactions')", -1, &query, NULL)
            != SQLITE_OK) fail("table_info", store);
        for (int i = 0; i < MAX_COLUMNS && sqlite3_step(query) == SQLITE_ROW; i++)
            blank[i] = sqlite3_column_int(query, 0) == 1 && !strcmp((const char *)sqlite3_column_text(query, 1), "INTEGER");
        sqlite3_finalize(query);
        sample(store, "SELECT * FROM user_interactions LIMIT 20000", blank);
        sqlite3_close(store);
    } else {
        snprintf(table, sizeof table, "%s", own_table);
        sample(database, own_rows, blank);
    }
    run(database, "PRAGMA journal_mode = WAL");
    run(database, "PRAGMA synchronous = FULL");
    run(database, table);

    char insert[1024] = "INSERT INTO user_interactions VALUES (?";
    for (int i = 1; i < column_count; i++) strcat(insert, ",?");
    strcat(insert, ")");
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(database, insert, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) fail(insert, database);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double start = now();
    for (long done = 0; done < rows;) {
        run(database, "BEGIN IMMEDIATE");
        for (long end = done + commit < rows ? done + commit : rows; done < end; done++) {
            sqlite3_value **row = values + (done % sampled) * column_count;
            for (int i = 0; i < column_count; i++) {
                sqlite3_value *value = row[i];
                switch (value ? sqlite3_value_type(value) : SQLITE_NULL) {
                    case SQLITE_INTEGER: sqlite3_bind_int64(statement, i + 1, sqlite3_value_int64(value)); break;
                    case SQLITE_FLOAT: sqlite3_bind_double(statement, i + 1, sqlite3_value_double(value)); break;
                    case SQLITE_TEXT:
                        sqlite3_bind_text(statement, i + 1, (const char *)sqlite3_value_text(value), sqlite3_value_bytes(value), SQLITE_STATIC);
                        break;
                    case SQLITE_BLOB:
                        sqlite3_bind_blob(statement, i + 1, sqlite3_value_blob(value), sqlite3_value_bytes(value), SQLITE_STATIC);
                        break;
                    default: sqlite3_bind_null(statement, i + 1);
                }
            }
            if (sqlite3_step(statement) != SQLITE_DONE) fail("insert", database);
            sqlite3_reset(statement);
        }
        run(database, "COMMIT");
    }
    double elapsed = now() - start;
    getrusage(RUSAGE_SELF, &after);
    sqlite3_finalize(statement);
    sqlite3_stmt *query;
    int64_t bytes = 0;
    if (sqlite3_prepare_v2(database, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", -1, &query, NULL) == SQLITE_OK
        && sqlite3_step(query) == SQLITE_ROW) bytes = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(database);
    unlink(path);
    double cpu = (double)(after.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_utime.tv_sec - before.ru_stime.tv_sec)
        + (double)(after.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_utime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    printf("{\"rows\":%ld,\"commit_rows\":%ld,\"like\":%s,\"columns\":%d,\"bytes_per_row\":%.1f,\"seconds\":%.3f,"
           "\"rows_per_s\":%.1f,\"cpu_s\":%.3f}\n", rows, commit, like ? "true" : "false", column_count,
           (double)bytes / (double)rows, elapsed, (double)rows / elapsed, cpu);
    return 0;
}
