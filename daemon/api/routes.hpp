// SPDX-License-Identifier: Apache-2.0
// The table of what may be asked, on which socket, by which method: the first line of the policy. One thread.
#pragma once

#include "daemon/api/apis.hpp"
#include "daemon/http/router.hpp"

namespace cardgate::daemon {

/// Answers any request: 404, 405 and 415 for what is not in the table. The request must outlive the answer.
Answer route(Apis& apis, Admission& admission, Recorder& recorder, Request& request);

/// How many bytes the body of such a request may have.
std::size_t body_limit(const Request& head, bool admin);
/// Whether it is answered beside others of its connection.
Turn turn_of(const Request& request, bool admin);

}  // namespace cardgate::daemon
