// SPDX-License-Identifier: Apache-2.0
#include "pcsc/winscard.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "pcsc/atr.hpp"
#include "pcsc/connection.hpp"
#include "pcsc/winscard_error.hpp"

namespace cardgate::pcsc {
namespace {

constexpr milliseconds longest_reset{10'000};  // drivers give up on a card that does not wake before this

/// Who waits for which reader. pcsc-lite can neither bound nor interrupt the wait for another program's
/// transaction, so it happens in a thread that may be left behind: one a reader at the most, which the next
/// attempt queues for.
class Waiting {
 public:
  bool enter(const std::string& reader, milliseconds wait_at_most) {
    std::unique_lock lock(mutex_);
    const bool free = left_.wait_for(lock, wait_at_most, [&] { return !readers_.contains(reader); });
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
  std::condition_variable left_;
  std::set<std::string> readers_;
};

/// Shared with threads that were left behind, so that it outlives main().
std::shared_ptr<Waiting> waiting() {
  static const auto shared = std::make_shared<Waiting>();
  return shared;
}

/// One attempt to take a card, seen by the caller and by the thread that makes it.
struct Attempt {
  std::mutex mutex;
  std::condition_variable changed;
  bool taken = false;     // ours; only the reset is left
  bool given_up = false;  // the caller is gone
  std::optional<Result<std::unique_ptr<Connection>>> outcome;
};

void attempt(const std::shared_ptr<Attempt>& shared, const std::string& reader, std::uint16_t counter) {
  auto outcome = Connection::take(
      reader, counter,
      [&] {
        const std::lock_guard lock(shared->mutex);
        return shared->given_up;
      },
      [&] {
        const std::lock_guard lock(shared->mutex);
        shared->taken = true;
        shared->changed.notify_all();
      });
  const std::lock_guard lock(shared->mutex);
  if (!shared->given_up) shared->outcome.emplace(std::move(outcome));
  shared->changed.notify_all();
  // Given up: `outcome` dies here and with it the transaction, by a reset.
}

}  // namespace

struct Context::Impl {
  ScardContext context;
};

struct Card::Impl {
  std::shared_ptr<Context::Impl> context;
  std::string reader;
  ReaderState state;
};

struct Transaction::Impl {
  std::unique_ptr<Connection> connection;
  bool extended_length = false;
  int round_trips = 0;
};

Transaction::Transaction(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&&) noexcept = default;
Transaction::~Transaction() = default;

Result<Bytes> Transaction::transmit(BytesView command) {
  ++impl_->round_trips;
  return impl_->connection->transmit(command);
}
bool Transaction::extended_length() const {
  return impl_->extended_length;
}
void Transaction::refuse_extended_length() {
  impl_->extended_length = false;
}
int Transaction::round_trips() const {
  return impl_->round_trips;
}
Result<void> Transaction::end() {
  return impl_->connection->end();
}

Card::Card(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Card::Card(Card&&) noexcept = default;
Card& Card::operator=(Card&&) noexcept = default;
Card::~Card() = default;

const Bytes& Card::atr() const {
  return impl_->state.atr;
}

Result<Transaction> Card::begin(milliseconds wait_at_most, bool extended_length) {
  // Asked on the connection from which the card came: after a restart of pcscd its counters start again, and
  // only a dead connection tells that this may be another card.
  const ReaderState now = TRY(look_at(impl_->context->context, impl_->reader));
  if (!now.available) return winscard_error(SCARD_E_READER_UNAVAILABLE, "taking the card");
  if (!now.present || now.counter != impl_->state.counter)
    return winscard_error(SCARD_W_REMOVED_CARD, "taking the card");

  const auto deadline = std::chrono::steady_clock::now() + wait_at_most;
  const auto queue = waiting();
  if (!queue->enter(impl_->reader, wait_at_most))
    return winscard_error(SCARD_E_SHARING_VIOLATION, "taking the card");
  const auto shared = std::make_shared<Attempt>();
  try {
    std::thread([queue, shared, reader = impl_->reader, counter = impl_->state.counter] {
      attempt(shared, reader, counter);
      queue->leave(reader);
    }).detach();
  } catch (const std::system_error& error) {
    queue->leave(impl_->reader);
    return Error{Errc::unavailable, std::string("taking the card: no thread: ") + error.what()};
  }

  std::unique_lock lock(shared->mutex);
  shared->changed.wait_until(lock, deadline, [&] { return shared->outcome || shared->taken; });
  if (shared->taken)
    shared->changed.wait_for(lock, longest_reset, [&] { return shared->outcome.has_value(); });
  if (!shared->outcome) {
    shared->given_up = true;
    return winscard_error(shared->taken ? SCARD_W_UNRESPONSIVE_CARD : SCARD_E_SHARING_VIOLATION,
                          "taking the card");
  }
  auto connection = TRY(std::move(*shared->outcome));
  return Transaction(std::make_unique<Transaction::Impl>(
      Transaction::Impl{std::move(connection), extended_length && promises_extended_length(atr()), 0}));
}

Context::Context(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Result<Context> Context::establish() {
  auto context = TRY(ScardContext::establish());
  return Context(std::make_shared<Impl>(Impl{std::move(context)}));
}

Result<std::vector<std::string>> Context::readers() {
  return impl_->context.readers();
}

// Only looks: a card need not be connected to while nobody talks to it, and SCardConnect waits without bound
// for another program's transaction. begin() connects, and finds by the counter whether it is still the same
// card. A mute card is not refused here: begin() powers it up once more.
Result<Card> Context::connect(const std::string& reader) {
  constexpr std::string_view doing = "connecting to the card";
  auto state = TRY(look_at(impl_->context, reader));
  if (!state.available) return winscard_error(SCARD_E_READER_UNAVAILABLE, doing);
  if (!state.present) return winscard_error(SCARD_E_NO_SMARTCARD, doing);
  return Card(std::make_shared<Card::Impl>(Card::Impl{impl_, reader, std::move(state)}));
}

}  // namespace cardgate::pcsc
