// SPDX-License-Identifier: Apache-2.0
// A segment's lines, given to the checker one by one. One thread, and others that hash ahead.
#pragma once

#include "audit/checker.hpp"
#include "audit/layout.hpp"

namespace cardgate::audit {

/// What is wrong with the lines is for the checker to say. Errors: not_found, permission_denied, io.
Result<void> check_segment(Checker& checker, const SegmentFile& segment, bool newest);

}  // namespace cardgate::audit
