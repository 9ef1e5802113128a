// SPDX-License-Identifier: Apache-2.0
// What the parts of the library share of a Client.
#pragma once

#include "client/library/include/cardgate/client.hpp"

namespace cardgate::inline v0 {

struct Client::State {
  Options options;
};

}  // namespace cardgate::inline v0
