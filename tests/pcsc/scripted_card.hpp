// SPDX-License-Identifier: Apache-2.0
// A card that follows a script of exact exchanges: a command that is not next in it, or a step left over,
// fails the test.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pcsc/channel.hpp"

namespace cardgate::pcsc {

/// "5A" twice is "5A5A".
inline std::string repeated(std::string_view byte, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += byte;
  return text;
}

inline Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

struct Step {
  std::string command;  // hex
  std::string answer;   // hex, status word included; or `silence`
};
/// The reader does not bring the command to the card, or the answer back.
inline constexpr const char* silence = "silence";

class ScriptedCard final : public CardChannel {
 public:
  ScriptedCard(std::initializer_list<Step> steps) : ScriptedCard(std::vector<Step>(steps)) {}
  explicit ScriptedCard(std::vector<Step> steps, bool extended = false)
      : steps_(std::move(steps)), extended_(extended) {}

  Result<Bytes> transmit(BytesView command) override {
    if (next_ == fail_at_) {
      ++next_;
      return Error{Errc::pcsc_card_removed, "pulled"};
    }
    if (next_ >= steps_.size()) {
      ADD_FAILURE() << "one command too many: " << to_hex(command);
      return Errc::internal;
    }
    const Step& step = steps_[next_++];
    EXPECT_EQ(to_hex(command), to_hex(hex(step.command)));
    if (step.answer == silence) return Error{Errc::pcsc_card_mute, "nothing came"};
    return hex(step.answer);
  }
  bool extended_length() const override { return extended_ && !refused_; }
  void refuse_extended_length(Refusal by) override { refused_ = by; }
  bool t0() const override { return t0_; }
  /// Speaks T=0.
  ScriptedCard& speak_t0() {
    t0_ = true;
    return *this;
  }
  /// Who was found not to take extended length.
  std::optional<Refusal> refused() const { return refused_; }

  /// The exchange of this number (from 0) fails as if the card had been pulled.
  ScriptedCard& fail_at(std::size_t exchange) {
    fail_at_ = exchange;
    return *this;
  }
  std::size_t exchanges() const { return next_; }
  bool finished() const { return next_ == steps_.size(); }

 private:
  std::vector<Step> steps_;
  bool extended_;
  bool t0_ = false;
  std::optional<Refusal> refused_;
  std::size_t next_ = 0;
  std::size_t fail_at_ = SIZE_MAX;
};

/// Answers every command the same, for ever.
class StubbornCard final : public CardChannel {
 public:
  explicit StubbornCard(Bytes answer) : answer_(std::move(answer)) {}
  Result<Bytes> transmit(BytesView) override {
    ++exchanges;
    return answer_;
  }
  int exchanges = 0;

 private:
  Bytes answer_;
};

/// The error of a call that must fail.
template <class T>
Errc code_of(const Result<T>& result) {
  return result ? Errc::ok : result.error().code;
}

/// `call(card)` on the script, pulled at each exchange in turn: always pcsc_card_removed, and nothing sent
/// after.
template <class Call>
void expect_each_exchange_can_fail(const std::vector<Step>& script, const Call& call) {
  for (std::size_t i = 0; i < script.size(); ++i) {
    SCOPED_TRACE(i);
    ScriptedCard card(script);
    card.fail_at(i);
    EXPECT_EQ(code_of(call(card)), Errc::pcsc_card_removed);
    EXPECT_EQ(card.exchanges(), i + 1);
  }
}

}  // namespace cardgate::pcsc
