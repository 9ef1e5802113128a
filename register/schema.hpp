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

}  // namespace cardgate::reg
