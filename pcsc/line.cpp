// SPDX-License-Identifier: Apache-2.0
#include "pcsc/line.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "pcsc/winscard_error.hpp"

namespace cardgate::pcsc {
namespace {

// Time is counted in these, so that a pause of this very process counts as one of them at the most.
constexpr milliseconds slice{250};

}  // namespace

struct Line::State {
  std::mutex mutex;
  std::condition_variable_any changed;
  Task task;
  bool busy = false;  // a task was given and has not come back
  bool over = false;  // nobody gives another
};

Line::Line(std::stop_token stop) : stop_(std::move(stop)), state_(std::make_shared<State>()) {}

Line::~Line() {
  const std::lock_guard lock(state_->mutex);
  state_->over = true;
  state_->changed.notify_all();
}

/// The line's thread. The context is its own, because giving it back may wait for pcscd as well.
void Line::serve(State& state) {
  std::optional<ScardContext> context;
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.changed.wait(lock, [&] { return state.task || state.over; });
    if (!state.task) return;
    {
      const Task task = std::exchange(state.task, nullptr);
      lock.unlock();
      task(context);
    }
    lock.lock();
    state.busy = false;
    state.changed.notify_all();
  }
}

Result<void> Line::open() {
  try {
    std::thread([state = state_] { serve(*state); }).detach();
  } catch (const std::system_error& error) {
    return Error{Errc::unavailable, std::string("connecting to pcscd: no thread: ") + error.what()};
  }
  auto outcome = std::make_shared<Result<void>>();
  auto connect = [outcome](std::optional<ScardContext>& context) {
    auto established = ScardContext::establish();
    if (!established) {
      *outcome = established.error();
    } else {
      context.emplace(*std::move(established));
    }
  };
  TRY(run("connecting to pcscd", std::move(connect)));
  return *outcome;
}

Result<void> Line::run(std::string_view doing, Task task) {
  std::unique_lock lock(state_->mutex);
  const auto back = [this] { return !state_->busy; };
  if (state_->busy)
    return winscard_error(stop_.stop_requested() ? SCARD_E_CANCELLED : SCARD_E_TIMEOUT, doing);
  state_->task = std::move(task);
  state_->busy = true;
  state_->changed.notify_all();
  for (milliseconds silent{0}; state_->busy && silent < patience && !stop_.stop_requested(); silent += slice)
    state_->changed.wait_for(lock, stop_, slice, back);
  if (!state_->busy) return {};
  state_->over = true;
  return winscard_error(stop_.stop_requested() ? SCARD_E_CANCELLED : SCARD_E_TIMEOUT, doing);
}

bool Line::left_behind() const {
  const std::lock_guard lock(state_->mutex);
  return state_->busy;
}

void Line::wait_until_back() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, stop_, [this] { return !state_->busy; });
}

}  // namespace cardgate::pcsc
