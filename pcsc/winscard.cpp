// SPDX-License-Identifier: Apache-2.0
#include "pcsc/winscard.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "base/secret.hpp"
#include "base/shown.hpp"
#include "pcsc/atr.hpp"
#include "pcsc/line.hpp"
#include "pcsc/winscard_error.hpp"

namespace cardgate::pcsc {
namespace {

using std::chrono::steady_clock;

// A signature of an old card takes some seconds; a card that is slow for ever must not hold its reader for
// ever.
constexpr milliseconds longest_exchange{10'000};
constexpr milliseconds longest_transaction{30'000};
constexpr milliseconds longest_reset{10'000};  // drivers give up on a card that does not wake before this

/// Who waits for which reader. pcsc-lite can neither bound nor interrupt the wait for another program's
/// transaction, so it happens in a thread that may be left behind: one a reader at the most, which the next
/// attempt queues for.
class Waiting {
 public:
  bool enter(const std::string& reader, milliseconds wait_at_most, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool free = left_.wait_for(lock, stop, wait_at_most, [&] { return !readers_.contains(reader); });
    if (free) readers_.insert(reader);
    return free;
  }
  void leave(const std::string& reader) {
    const std::lock_guard lock(mutex_);
    readers_.erase(reader);
    left_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any left_;
  std::set<std::string> readers_;
};

/// Shared with threads that were left behind, so that it outlives main().
std::shared_ptr<Waiting> waiting() {
  static const auto shared = std::make_shared<Waiting>();
  return shared;
}

/// A card taken, or being taken, seen by the caller and by the thread that talks to it. pcsc-lite bounds
/// neither the wait for another program's transaction nor an exchange, so both happen in a thread of their
/// own that may be left behind: it then ends the transaction, by a reset, as soon as pcscd lets go of it.
struct Talk {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool taken = false;     // ours; only the reset is left
  bool t0 = false;        // once begun
  bool given_up = false;  // the caller is gone
  std::optional<Result<void>> begun;
  std::optional<Secret> command;  // asked
  std::optional<Result<Bytes>> answer;
  bool end = false;  // asked
  std::optional<Result<void>> ended;
};

/// Serves commands until the end is asked for, or the caller is gone; `connection` dies with it, and with it
/// the transaction.
void serve(Talk& talk, Connection& connection) {
  for (;;) {
    std::unique_lock lock(talk.mutex);
    talk.changed.wait(lock, [&] { return talk.command || talk.end || talk.given_up; });
    if (talk.given_up) return;
    if (talk.end) {
      lock.unlock();
      auto ended = connection.end();
      lock.lock();
      talk.ended.emplace(std::move(ended));
      talk.changed.notify_all();
      return;
    }
    const Secret command = *std::exchange(talk.command, std::nullopt);
    lock.unlock();
    auto answer = connection.transmit(command.bytes());
    lock.lock();
    talk.answer.emplace(std::move(answer));
    talk.changed.notify_all();
  }
}

std::unique_ptr<Connection> take(Talk& talk, const std::string& reader, std::uint16_t counter) {
  auto connection = Connection::take(
      reader, counter,
      [&] {
        const std::lock_guard lock(talk.mutex);
        return talk.given_up;
      },
      [&] {
        const std::lock_guard lock(talk.mutex);
        talk.taken = true;
        talk.changed.notify_all();
      });
  const std::lock_guard lock(talk.mutex);
  talk.changed.notify_all();
  if (!connection) {
    talk.begun.emplace(connection.error());
    return nullptr;
  }
  talk.t0 = (*connection)->t0();
  talk.begun.emplace();
  return *std::move(connection);
}

}  // namespace

struct Context::Impl {
  explicit Impl(std::stop_token token) : stop(std::move(token)), line(stop) {}
  /// At once. Errors: as winscard_error; cancelled.
  Result<ReaderState> look(const std::string& reader) {
    return line.call<ReaderState>("looking at the reader",
                                  [reader](const ScardContext& context) { return look_at(context, reader); });
  }
  std::stop_token stop;
  Line line;
};

struct Card::Impl {
  std::shared_ptr<Context::Impl> context;
  std::string reader;  // as PC/SC names it
  ReaderState state;
};

struct Transaction::Impl {
  Impl(std::shared_ptr<Talk> with, std::stop_token token)
      : talk(std::move(with)), stop(std::move(token)), deadline(steady_clock::now() + longest_transaction) {}
  ~Impl() { static_cast<void>(end()); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<void> end() {
    if (std::exchange(over, true)) return {};
    std::unique_lock lock(talk->mutex);
    talk->end = true;
    talk->changed.notify_all();
    if (talk->changed.wait_for(lock, stop, longest_exchange, [&] { return talk->ended.has_value(); }))
      return *std::move(talk->ended);
    return give_up("ending the transaction");
  }
  /// Leaves the card to the thread that talks to it. Under the lock.
  Error give_up(std::string_view doing) {
    over = true;
    talk->given_up = true;
    talk->changed.notify_all();
    why = winscard_error(stop.stop_requested() ? SCARD_E_CANCELLED : SCARD_W_UNRESPONSIVE_CARD, doing);
    return *why;
  }

  std::shared_ptr<Talk> talk;
  std::stop_token stop;
  std::string reader;  // as PC/SC names it
  Bytes atr;
  std::shared_ptr<LengthMemory> lengths;
  bool extended_length = false;
  bool t0 = false;
  steady_clock::time_point deadline;
  bool over = false;
  std::optional<Error> why;  // over before its end: given up
  int round_trips = 0;
};

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Result<Bytes> Transaction::transmit(BytesView command) {
  if (impl_->over)
    return impl_->why ? *impl_->why : Error{Errc::invalid_argument, "the transaction has ended"};
  if (impl_->stop.stop_requested()) return winscard_error(SCARD_E_CANCELLED, "talking to the card");
  ++impl_->round_trips;
  Talk& talk = *impl_->talk;
  const auto until = std::min(steady_clock::now() + longest_exchange, impl_->deadline);
  std::unique_lock lock(talk.mutex);
  talk.answer.reset();
  talk.command.emplace(command);
  talk.changed.notify_all();
  if (talk.changed.wait_until(lock, impl_->stop, until, [&] { return talk.answer.has_value(); }))
    return *std::move(talk.answer);
  return impl_->give_up("waiting for the card's answer");
}
bool Transaction::extended_length() const {
  return impl_->extended_length;
}
void Transaction::refuse_extended_length(Refusal by) {
  impl_->extended_length = false;
  if (impl_->lengths) impl_->lengths->refused(by, impl_->reader, impl_->atr);
}
bool Transaction::t0() const {
  return impl_->t0;
}
void Transaction::end_within(milliseconds limit) {
  impl_->deadline = std::min(impl_->deadline, steady_clock::now() + limit);
}
int Transaction::round_trips() const {
  return impl_->round_trips;
}
Result<void> Transaction::end() {
  return impl_->end();
}

Card::Card(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Card::Card(Card&&) noexcept = default;
Card& Card::operator=(Card&&) noexcept = default;
Card::~Card() = default;

const Bytes& Card::atr() const {
  return impl_->state.atr;
}

Result<Transaction> Card::begin(milliseconds wait_at_most, std::shared_ptr<LengthMemory> lengths) {
  // Asked on the connection from which the card came: after a restart of pcscd its counters start again, and
  // only a dead connection tells that this may be another card.
  const ReaderState now = TRY(impl_->context->look(impl_->reader));
  if (!now.available) return winscard_error(SCARD_E_READER_UNAVAILABLE, "taking the card");
  if (!now.present || now.counter != impl_->state.counter)
    return winscard_error(SCARD_W_REMOVED_CARD, "taking the card");

  const auto deadline = steady_clock::now() + wait_at_most;
  const auto queue = waiting();
  const std::stop_token& stop = impl_->context->stop;
  const auto cancelled_or = [&](LONG status) {
    return winscard_error(stop.stop_requested() ? SCARD_E_CANCELLED : status, "taking the card");
  };
  if (!queue->enter(impl_->reader, wait_at_most, stop)) return cancelled_or(SCARD_E_SHARING_VIOLATION);
  const auto talk = std::make_shared<Talk>();
  try {
    std::thread([queue, talk, reader = impl_->reader, counter = impl_->state.counter] {
      const auto connection = take(*talk, reader, counter);
      queue->leave(reader);
      if (connection) serve(*talk, *connection);
    }).detach();
  } catch (const std::system_error& error) {
    queue->leave(impl_->reader);
    return Error{Errc::unavailable, std::string("taking the card: no thread: ") + error.what()};
  }

  std::unique_lock lock(talk->mutex);
  talk->changed.wait_until(lock, stop, deadline, [&] { return talk->begun || talk->taken; });
  if (talk->taken) talk->changed.wait_for(lock, stop, longest_reset, [&] { return talk->begun.has_value(); });
  if (!talk->begun) {
    talk->given_up = true;
    return cancelled_or(talk->taken ? SCARD_W_UNRESPONSIVE_CARD : SCARD_E_SHARING_VIOLATION);
  }
  if (!*talk->begun) return talk->begun->error();
  auto begun = std::make_unique<Transaction::Impl>(talk, stop);
  begun->t0 = talk->t0;
  lock.unlock();
  begun->reader = impl_->reader;
  begun->atr = atr();
  begun->extended_length = !begun->t0 && promises_extended_length(begun->atr) &&
                           !(lengths && lengths->keeps_short(begun->reader, begun->atr));
  begun->lengths = std::move(lengths);
  return Transaction(std::move(begun));
}

Context::Context(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<Context> Context::establish(std::stop_token stop) {
  auto impl = std::make_shared<Impl>(std::move(stop));
  TRY(impl->line.open());
  return Context(std::move(impl));
}

Result<std::vector<std::string>> Context::readers() {
  auto names = TRY(impl_->line.call<std::vector<std::string>>(
      "listing the readers", [](const ScardContext& context) { return context.readers(); }));
  for (std::string& name : names) name = shown_text(name);
  return names;
}

// Only looks: a card need not be connected to while nobody talks to it, and SCardConnect waits without bound
// for another program's transaction. begin() connects, and finds by the counter whether it is still the same
// card. A mute card is not refused here: begin() powers it up once more.
Result<Card> Context::connect(const std::string& reader) {
  constexpr std::string_view doing = "connecting to the card";
  auto raw = TRY(impl_->line.call<std::string>(
      doing, [reader](const ScardContext& context) { return raw_name(context, reader); }));
  auto state = TRY(impl_->look(raw));
  if (!state.available) return winscard_error(SCARD_E_READER_UNAVAILABLE, doing);
  if (!state.present) return winscard_error(SCARD_E_NO_SMARTCARD, doing);
  return Card(std::make_shared<Card::Impl>(Card::Impl{impl_, std::move(raw), std::move(state)}));
}

}  // namespace cardgate::pcsc
