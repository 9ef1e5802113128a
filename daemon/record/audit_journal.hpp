// SPDX-License-Identifier: Apache-2.0
// What the journal hears of records that the audit log did not take: each of them whole, because until the log works again
// the journal is where people can read it. Thread-safe.
#pragma once

#include "audit/log.hpp"

namespace cardgate::daemon {

/// Where checkpoints go beside the journal; an empty one is none.
struct CheckpointPlaces {
  std::filesystem::path file;
  std::filesystem::path hook;  // a socket
};

/// Sets `options.unwritten`, `options.late_written` and `options.tell_checkpoint`.
void tell_journal(audit::Options& options, const CheckpointPlaces& places);

}  // namespace cardgate::daemon
