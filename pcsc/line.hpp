// SPDX-License-Identifier: Apache-2.0
// A connection to pcscd that can be left behind. pcsc-lite bounds none of its calls: when pcscd hangs, even
// SCardCancel and SCardReleaseContext wait for it. So a line makes its calls in a thread of its own, the
// caller waits as long as pcscd may be silent, and then goes on without it.
//
// Inside the room only. One thread at a time; wait_until_back() too. The line's own thread outlives the line
// for as long as pcscd hangs: it holds nothing but the connection and what the call was given, and gives both
// back.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "pcsc/connection.hpp"

namespace cardgate::pcsc {

class Line {
 public:
  /// So long may pcscd be silent. The time stands still while the machine sleeps (CLOCK_MONOTONIC) and while
  /// this process is not run: nobody may say that pcscd hangs because nobody listened.
  static constexpr milliseconds patience{5000};

  /// `stop` ends every wait at once.
  explicit Line(std::stop_token stop = {});
  /// Waits for nobody.
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Connects. Call it once, first. Errors: as call(), and those of ScardContext::establish().
  Result<void> open();

  /// Runs `work` on the line's thread. It must hold what it uses, because it may be left behind.
  /// Errors: those of `work`; pcsc_no_service (pcscd does not answer; number: SCARD_E_TIMEOUT), cancelled
  /// (`stop`): then the line is of no more use, and whether the call took effect is unknown; unavailable (no
  /// thread).
  template <class T>
  Result<T> call(std::string_view doing, std::function<Result<T>(const ScardContext&)> work) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    auto task = [answer, work = std::move(work)](std::optional<ScardContext>& context) {
      answer->emplace(work(*context));
    };
    if (auto done = run(doing, std::move(task)); !done) return done.error();
    return *std::move(*answer);
  }

  /// A call was left behind, and has not come back.
  bool left_behind() const;
  /// Waits until it has come back, or for `stop`.
  void wait_until_back();

 private:
  struct State;
  using Task = std::function<void(std::optional<ScardContext>&)>;
  static void serve(State& state);
  Result<void> run(std::string_view doing, Task task);

  std::stop_token stop_;
  std::shared_ptr<State> state_;
};

}  // namespace cardgate::pcsc
