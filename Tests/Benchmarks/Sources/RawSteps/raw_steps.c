#include "RawSteps.h"
#include <sqlite3.h>

long raw_steps(const char *path, const char *query, int columns, double **numbers, long *text_bytes) {
    sqlite3 *database;
    sqlite3_stmt *statement = NULL;
    long row = -1;
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(database, query, -1, &statement, NULL) == SQLITE_OK) {
        long bytes = 0;
        int code;
        for (row = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; row++) {
            if (sqlite3_column_text(statement, 0)) bytes += sqlite3_column_bytes(statement, 0);
            for (int column = 1; column < columns; column++)
                numbers[column - 1][row] = sqlite3_column_double(statement, column);
        }
        if (code != SQLITE_DONE) row = -1;
        *text_bytes = bytes;
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return row;
}
