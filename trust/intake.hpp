// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: PEM and DER files taken apart into DER blocks. Thread-safe.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate::trust {

enum class BlockKind : std::uint8_t { certificate, crl };

/// PEM (any number of blocks, all of this kind, text between them is allowed) or one DER object. At least one
/// block. Errors: certificate_malformed or crl_malformed.
Result<std::vector<Bytes>> split_blocks(BytesView content, BlockKind kind);

/// Errors: not_found, permission_denied, too_large, io, and as split_blocks(); the context names the file.
Result<std::vector<Bytes>> read_blocks(const std::filesystem::path& path, BlockKind kind);

/// The files that a configured path stands for: itself, or everything not hidden in the folder, by name.
/// Errors: not_found, permission_denied, too_large, io.
Result<std::vector<std::filesystem::path>> files_of(const std::filesystem::path& path);

}  // namespace cardgate::trust
