// SPDX-License-Identifier: Apache-2.0
#include "pcsc/watcher.hpp"

#include <winscard.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/shown.hpp"
#include "pcsc/line.hpp"
#include "pcsc/reader_table.hpp"
#include "pcsc/winscard_error.hpp"

namespace cardgate::pcsc {
namespace {

using std::chrono::milliseconds;

// pcsc-lite 1.9 counts the readers when the call begins, and compares its event counter only with one that is
// not 0: a change that falls between two calls is seen when the next one returns, so none may last long.
constexpr DWORD longest_wait_ms = 1500;
constexpr milliseconds first_backoff{100};
constexpr milliseconds last_backoff{2000};
constexpr milliseconds unknown_reader_pause{50};
constexpr char new_readers[] = "\\\\?PnP?\\Notification";

// Others' connections come and go; they are no news.
constexpr DWORD ignored_bits = SCARD_STATE_CHANGED | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE;

/// One wait for news, and what it brought.
struct Waited {
  LONG status = SCARD_S_SUCCESS;
  std::vector<SCARD_READERSTATE> states;  // in the order of the names; szReader dangles
};

std::vector<std::string> shown(std::vector<std::string> names) {
  for (std::string& name : names) name = shown_text(name);
  return names;
}

/// Two readers that are shown alike could not be told apart by anybody: the first one stays.
void leave_out_look_alikes(std::vector<std::string>& names) {
  std::set<std::string> seen;
  std::erase_if(names, [&](const std::string& name) { return !seen.insert(shown_text(name)).second; });
}

/// Runs where it may be left behind, so it has everything by value.
Waited wait_for_news(const ScardContext& context, const std::vector<std::string>& names,
                     const std::map<std::string, DWORD>& known) {
  Waited waited;
  for (const std::string& name : names) {
    SCARD_READERSTATE& state = waited.states.emplace_back();
    state.szReader = name.c_str();
    const auto found = known.find(name);
    state.dwCurrentState = found == known.end() ? SCARD_STATE_UNAWARE : found->second;
  }
  if (names.size() < PCSCLITE_MAX_READERS_CONTEXTS) waited.states.emplace_back().szReader = new_readers;
  waited.status = SCardGetStatusChange(context.get(), longest_wait_ms, waited.states.data(),
                                       static_cast<DWORD>(waited.states.size()));
  return waited;
}

}  // namespace

struct Watcher::Impl {
  explicit Impl(std::function<void(ReaderEvent)> callback) : on_event(std::move(callback)) {
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    stop.request_stop();
    thread.join();
  }

  void run() {
    milliseconds backoff = first_backoff;
    std::optional<std::pair<Errc, bool>> told;  // the trouble that the last service_down told of, and whether
                                                // it was silence
    while (!stopped()) {
      Line line(stop.get_token());
      const Error trouble = serve(line, [&] {
        backoff = first_backoff;
        told.reset();
      });
      if (stopped()) break;
      tell(table.clear());
      const bool silent = line.left_behind();
      if (const std::pair what(trouble.code, silent); told != what) {
        ReaderEvent down;
        down.kind = ReaderEvent::Kind::service_down;
        down.why = trouble;
        on_event(std::move(down));
        told = what;
      }
      if (silent) {
        // It comes back when pcscd goes on, and when pcscd ends. To ask anew meanwhile would only add to what
        // hangs.
        line.wait_until_back();
        backoff = first_backoff;
      } else {
        pause(backoff);
        backoff = std::min(backoff * 2, last_backoff);
      }
    }
  }

  /// Watches over one connection until it fails or the watcher stops.
  Error serve(Line& line, const std::function<void()>& on_up) {
    if (auto opened = line.open(); !opened) return std::move(opened).error();
    bool up = false;
    known.clear();
    while (!stopped()) {
      auto names = line.call<std::vector<std::string>>(
          "listing the readers", [](const ScardContext& context) { return context.readers(); });
      if (!names) return std::move(names).error();
      if (!std::exchange(up, true)) {
        on_up();
        ReaderEvent event;
        event.kind = ReaderEvent::Kind::service_up;
        event.why = Error(Errc::ok);
        on_event(std::move(event));
      }
      leave_out_look_alikes(*names);
      names->resize(std::min<std::size_t>(names->size(), PCSCLITE_MAX_READERS_CONTEXTS));
      tell(table.set_readers(shown(*names)));
      if (stopped()) break;
      constexpr std::string_view doing = "watching the readers";
      const auto waited =
          line.call<Waited>(doing, [names = *names, states = known](const ScardContext& context) {
            return Result<Waited>(wait_for_news(context, names, states));
          });
      if (!waited) return waited.error();
      if (const LONG status = take_over(*names, *waited); status != SCARD_S_SUCCESS)
        return winscard_error(status, doing);
    }
    return Errc::cancelled;
  }

  /// SCARD_S_SUCCESS, or why this connection is of no more use.
  LONG take_over(const std::vector<std::string>& names, const Waited& waited) {
    if (waited.status == SCARD_E_UNKNOWN_READER) {  // unplugged since it was listed: list again
      pause(unknown_reader_pause);
      return SCARD_S_SUCCESS;
    }
    if (waited.status != SCARD_S_SUCCESS && waited.status != SCARD_E_TIMEOUT) return waited.status;
    known.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      known[names[i]] = waited.states[i].dwEventState & ~ignored_bits;
      tell(table.observe(shown_text(names[i]), to_reader_state(waited.states[i])));
    }
    return SCARD_S_SUCCESS;
  }

  void tell(ReaderTable::Events events) {
    for (ReaderEvent& event : events)
      if (!stopped()) on_event(std::move(event));
  }

  bool stopped() const { return stop.stop_requested(); }
  void pause(milliseconds time) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop.get_token(), time, [] { return false; });
  }

  const std::function<void(ReaderEvent)> on_event;
  ReaderTable table;                   // of the watcher's thread
  std::map<std::string, DWORD> known;  // of the watcher's thread: last state of each reader, as pcscd put it
  std::stop_source stop;
  std::thread thread;  // last: it uses all of the above
};

Watcher::Watcher(std::function<void(ReaderEvent)> on_event)
    : impl_(std::make_unique<Impl>(std::move(on_event))) {}
Watcher::~Watcher() = default;

}  // namespace cardgate::pcsc
