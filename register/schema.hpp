// SPDX-License-Identifier: Apache-2.0
// The register's tables and how older files become newer ones. Internal to register/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

namespace cardgate::reg {

/// In the file's header, so that a register is told from any other SQLite file: "cgrg".
inline constexpr std::int32_t application_id = 0x63677267;

/// The layout this program writes; PRAGMA user_version holds a file's own.
int newest_schema();
/// From `version` (0: an empty file) to the newest, each step in its own transaction. Throws
/// SQLite::Exception.
void migrate(SQLite::Database& database, int version);

/// Tables, columns, indexes and whatever else stands in a file's schema, in words that do not depend on SQLite's
/// version. Throws SQLite::Exception.
std::string layout_of(SQLite::Database& database);
/// Of a register that this program makes.
std::string newest_layout();

}  // namespace cardgate::reg
