// SPDX-License-Identifier: Apache-2.0
// What of a log is handed to others: all that is on record about one person, evidence that carries its own proof, and figures
// without names. Reads only, needs no lock, and takes the same little memory for a log of any size. docs/audit.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/reader.hpp"
#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Which records. Empty members do not matter.
struct Selection {
  std::string person{};  // the register's id, wherever in a record it stands as a value of its own
  std::string session{};
  std::string since{};  // RFC 3339 in UTC, as in the log: from then on
  std::string until{};  // before then
};

/// True when the selection has this line in it. The log's own lines (segment, checkpoint, ...) are in none.
bool is_selected(const Selection& selection, std::string_view line);

/// What of a log did not go by although it should have, in sentences: records behind a NUL, in a file that is gone or compressed, or that
/// were cut off. Empty: nothing. Whether the rest is genuine is for verify() to say.
using Missing = std::vector<std::string>;

/// As for_each_line(), with what is missing. A walk that the visitor ends is judged up to there. Errors: as for_each_line().
Result<Missing> for_each_line_noting_gaps(const std::filesystem::path& directory, const LineVisitor& visitor);

/// Every record that is selected, oldest first; false ends it. Errors: as for_each_line().
Result<Missing> for_each_selected(
    const std::filesystem::path& directory, const Selection& selection,
    const std::function<bool(const json::object&, std::string_view line)>& visitor);

struct Evidence {
  std::uint64_t selected = 0;  // records that were asked for
  std::uint64_t lines = 0;     // written, with those that the proof needs
  std::uint64_t pieces = 0;    // files of records
  std::uint64_t unsigned_tail =
      0;            // of those asked for: no checkpoint vouches for them, and they are left out
  Missing missing;  // of the log
};

/// Makes the folder `out`, which must not be there yet: the records that are selected, each with the lines up to the checkpoint that
/// signs it, the keys, a list of hashes, and a README that says how all of it is verified with b2sum and openssl alone. `about` says what
/// it is for. Errors: already_exists, not_found (nothing is selected), no_space, io, corrupt, permission_denied, too_large
/// (no checkpoint within 64 MiB). After an error the folder is gone.
Result<Evidence> write_evidence(const std::filesystem::path& directory, const Selection& selection,
                                const std::filesystem::path& out, std::string_view about);

/// A line of figures: what happened in which hour, with a code in the place of each name. The codes are the first half of a keyed
/// BLAKE2b-256, so that without the key nobody can try names out. Never free text. Empty for the log's own lines.
std::string pseudonymous_csv(std::string_view line, BytesView key);
inline constexpr std::string_view pseudonymous_columns = "hour,event,person,role,client,session,reason";

}  // namespace cardgate::audit
