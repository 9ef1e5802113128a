// SPDX-License-Identifier: Apache-2.0
// What the journal hears of records that the audit log did not take: each of them whole, because until the log works again
// the journal is where people can read it. Thread-safe.
#pragma once

#include "audit/log.hpp"

namespace cardgate::daemon {

/// Sets `options.unwritten`, `options.late_written` and `options.tell_checkpoint`. Checkpoints go to the journal, and, where
/// `checkpoint_file` is not empty, to that file.
void tell_journal(audit::Options& options, const std::filesystem::path& checkpoint_file);

}  // namespace cardgate::daemon
