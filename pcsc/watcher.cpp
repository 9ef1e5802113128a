// SPDX-License-Identifier: Apache-2.0
#include "pcsc/watcher.hpp"

#include <winscard.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pcsc/connection.hpp"
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
constexpr milliseconds cancel_again{20};
constexpr char new_readers[] = "\\\\?PnP?\\Notification";

// Others' connections come and go; they are no news.
constexpr DWORD ignored_bits = SCARD_STATE_CHANGED | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE;

}  // namespace

struct Watcher::Impl {
  explicit Impl(std::function<void(ReaderEvent)> callback) : on_event(std::move(callback)) {
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    std::unique_lock lock(mutex);
    stopping = true;
    changed.notify_all();
    while (!finished) {
      // SCardCancel is lost on a thread that is about to wait, so it is said until it is heard.
      if (context) SCardCancel(*context);
      changed.wait_for(lock, cancel_again, [&] { return finished; });
    }
    lock.unlock();
    thread.join();
  }

  void run() {
    milliseconds backoff = first_backoff;
    std::optional<Errc> told;  // the trouble that the last service_down told of
    while (!stopped()) {
      const Error trouble = serve([&] {
        backoff = first_backoff;
        told.reset();
      });
      if (stopped()) break;
      tell(table.clear());
      if (told != trouble.code) {
        ReaderEvent down;
        down.kind = ReaderEvent::Kind::service_down;
        down.why = trouble;
        on_event(std::move(down));
        told = trouble.code;
      }
      pause(backoff);
      backoff = std::min(backoff * 2, last_backoff);
    }
    const std::lock_guard lock(mutex);
    finished = true;
    changed.notify_all();
  }

  /// Watches over one PC/SC context until it fails or the watcher stops.
  Error serve(const std::function<void()>& on_up) {
    auto established = ScardContext::establish();
    if (!established) return std::move(established).error();
    const Published published(*this, established->get());
    bool up = false;
    known.clear();
    while (!stopped()) {
      auto names = established->readers();
      if (!names) return std::move(names).error();
      if (!std::exchange(up, true)) {
        on_up();
        ReaderEvent event;
        event.kind = ReaderEvent::Kind::service_up;
        event.why = Error(Errc::ok);
        on_event(std::move(event));
      }
      names->resize(std::min<std::size_t>(names->size(), PCSCLITE_MAX_READERS_CONTEXTS));
      tell(table.set_readers(*names));
      if (const LONG status = wait(established->get(), *names); status != SCARD_S_SUCCESS)
        return winscard_error(status, "watching the readers");
    }
    return Errc::cancelled;
  }

  /// One wait, and what it brought. SCARD_S_SUCCESS, or why this context is of no more use.
  LONG wait(SCARDCONTEXT scard, const std::vector<std::string>& names) {
    std::vector<SCARD_READERSTATE> states;
    for (const std::string& name : names) {
      SCARD_READERSTATE& state = states.emplace_back();
      state.szReader = name.c_str();
      const auto found = known.find(name);
      state.dwCurrentState = found == known.end() ? SCARD_STATE_UNAWARE : found->second;
    }
    if (states.size() < PCSCLITE_MAX_READERS_CONTEXTS) states.emplace_back().szReader = new_readers;
    if (stopped()) return SCARD_S_SUCCESS;
    const LONG status =
        SCardGetStatusChange(scard, longest_wait_ms, states.data(), static_cast<DWORD>(states.size()));
    if (status == SCARD_E_CANCELLED) return SCARD_S_SUCCESS;
    if (status == SCARD_E_UNKNOWN_READER) {  // unplugged since it was listed: list again
      pause(unknown_reader_pause);
      return SCARD_S_SUCCESS;
    }
    if (status != SCARD_S_SUCCESS && status != SCARD_E_TIMEOUT) return status;
    known.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      known[names[i]] = states[i].dwEventState & ~ignored_bits;
      tell(table.observe(names[i], to_reader_state(states[i])));
    }
    return SCARD_S_SUCCESS;
  }

  void tell(ReaderTable::Events events) {
    for (ReaderEvent& event : events)
      if (!stopped()) on_event(std::move(event));
  }

  bool stopped() {
    const std::lock_guard lock(mutex);
    return stopping;
  }
  void pause(milliseconds time) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, time, [&] { return stopping; });
  }

  /// Lets the destructor cancel a wait on this context, for as long as the context lives.
  class Published {
   public:
    Published(Impl& impl, SCARDCONTEXT scard) : impl_(impl) {
      const std::lock_guard lock(impl_.mutex);
      impl_.context = scard;
    }
    ~Published() {
      const std::lock_guard lock(impl_.mutex);
      impl_.context.reset();
    }
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

   private:
    Impl& impl_;
  };

  const std::function<void(ReaderEvent)> on_event;
  ReaderTable table;                   // of the watcher's thread
  std::map<std::string, DWORD> known;  // of the watcher's thread: last state of each reader, as pcscd put it

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool stopping = false;
  bool finished = false;
  std::optional<SCARDCONTEXT> context;

  std::thread thread;  // last: it uses all of the above
};

Watcher::Watcher(std::function<void(ReaderEvent)> on_event)
    : impl_(std::make_unique<Impl>(std::move(on_event))) {}
Watcher::~Watcher() = default;

}  // namespace cardgate::pcsc
