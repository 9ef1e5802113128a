// SPDX-License-Identifier: Apache-2.0
// What the journal hears of records that the audit log did not take: each of them whole, because until the log works again
// the journal is where people can read it. Thread-safe.
#pragma once

#include "audit/log.hpp"

namespace cardgate::daemon {

/// Sets `options.unwritten` and `options.late_written`.
void tell_journal(audit::Options& options);

}  // namespace cardgate::daemon
