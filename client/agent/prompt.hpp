// SPDX-License-Identifier: Apache-2.0
// One dialog of the agent, as plain data: what a person reads and is asked. A value.
#pragma once

#include <cstdint>
#include <string>

namespace cardgate::agent {

struct Prompt {
  enum class Kind : std::uint8_t {
    confirm,         // yes or no
    passcode,        // and all below: something secret is typed
    unblocking_key,  // a code from the help desk, or the card's PUK
    new_passcode,
    new_passcode_again,
  };
  Kind kind = Kind::passcode;
  std::string title{};         // of the window
  std::string description{};   // several lines
  std::string label{};         // beside the field; empty for confirm
  std::string error{};         // why it is asked again; else empty
  std::string ok{}, cancel{};  // what the buttons say
};

/// How a dialog ended.
enum class Answer : std::uint8_t {
  given,      // typed, or confirmed
  cancelled,  // by the person
  timeout,    // nobody answered
  failed,     // the program that asks could not be started, or ended without an answer
  closed,     // by the agent itself
};

}  // namespace cardgate::agent
