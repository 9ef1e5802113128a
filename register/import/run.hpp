// SPDX-License-Identifier: Apache-2.0
// Taking a parsed file over into the tables. Internal to import/. One thread at a time.
#pragma once

#include "register/sqlite_register.hpp"

namespace cardgate::reg {

/// In one transaction, which is rolled back when the report has problems, in a dry run and when too many would lose
/// access. Throws SQLite::Exception and BadRow, and then nothing was changed.
ImportReport run_import(SQLite::Database& database, PersonReader& reader, const ImportFile& file,
                        const ImportOptions& options);

}  // namespace cardgate::reg
