// SPDX-License-Identifier: Apache-2.0
#include "register/person.hpp"

namespace cardgate::reg {

std::string_view name(Form::State state) {
  switch (state) {
    case Form::State::submitted:
      return "submitted";
    case Form::State::verified:
      return "verified";
    case Form::State::approved:
      return "approved";
    case Form::State::rejected:
      return "rejected";
    case Form::State::withdrawn:
      return "withdrawn";
  }
  return "unknown";
}

std::string_view name(Removal::State state) {
  switch (state) {
    case Removal::State::requested:
      return "requested";
    case Removal::State::declined:
      return "declined";
    case Removal::State::done:
      return "done";
    case Removal::State::restoring:
      return "restoring";
    case Removal::State::restored:
      return "restored";
  }
  return "unknown";
}

}  // namespace cardgate::reg
