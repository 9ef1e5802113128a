// SPDX-License-Identifier: Apache-2.0
// The readers and what is in them, as the watcher tells it, on the io_context's thread; card work runs on a
// thread per reader, so that a slow card holds up nobody else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/cards/card_work.hpp"
#include "pcsc/watcher.hpp"

namespace cardgate::daemon {

struct Reader {
  enum class State { empty, reading, ready, unusable };
  State state = State::empty;
  std::uint64_t insertion = 0;
  std::shared_ptr<const CardFacts> card;  // ready only
  int tries_left = 0;                     // the last known truth
  std::string problem;                    // unusable: what it is and what to do
  std::string same_card_in;               // unusable because the card is in this reader, too
  std::size_t reads = 0;                  // how often reading the card was begun in this insertion
  int failures = 0;                       // wrong passcodes in this insertion
  bool busy = false;                      // an attempt is in flight
};

class Readers {
 public:
  struct Callbacks {
    std::function<void(const std::string& reader)> inserted;
    std::function<void(const std::string& reader)> read;  // ready or unusable
    /// `card`, in `reader` just now, is ready in `other` already.
    std::function<void(const std::string& reader, const std::string& other, const std::string& card)> twice;
    std::function<void(const std::string& reader, std::uint64_t insertion)> removed;
    std::function<void(const std::string& reader, bool present)> reader_changed;
    std::function<void(bool up, const std::string& problem)> service_changed;
  };
  Readers(boost::asio::io_context& io, Callbacks callbacks);
  ~Readers();

  /// Starts watching. `judge` may be replaced at any time.
  void start(CardDrivers drivers, std::shared_ptr<const Judge> judge, std::function<WallTime()> now);
  void set_judge(std::shared_ptr<const Judge> judge) { judge_ = std::move(judge); }

  const std::map<std::string, Reader>& all() const { return readers_; }
  Reader* find(const std::string& name);
  bool service_up() const { return service_up_; }
  const std::string& service_problem() const { return service_problem_; }

  /// Judges the card's certificate again, on the reader's thread.
  boost::asio::awaitable<Result<trust::Verdict>> judge_again(std::string reader,
                                                             std::shared_ptr<const CardFacts> card,
                                                             WallTime now);
  /// Proves the card on the reader's thread.
  boost::asio::awaitable<Result<trust::Verdict>> prove(Attempt attempt, WallTime now);
  /// Changes the passcode, or sets a new one by the unblocking key, on the reader's thread. Errors: as
  /// CardDriver.
  boost::asio::awaitable<Result<void>> change_passcode(std::shared_ptr<const CardFacts> card, PasscodeUse use,
                                                       Secret fresh);
  boost::asio::awaitable<Result<void>> unblock(std::shared_ptr<const CardFacts> card, std::string reader,
                                               Secret puk, Secret fresh);
  /// Reads the tries left again: a right passcode sets them to a number that only the card knows.
  boost::asio::awaitable<void> recount(std::string name);

 private:
  void on_event(const pcsc::ReaderEvent& event);
  void read(const std::string& name, std::uint64_t insertion);
  /// Another look at a card that could not be read, for a cause that may pass.
  void read_later(const std::string& name);
  void take_over(const std::string& name, Result<CardFacts> facts);
  /// Cards that were refused because they were in `name`, too, are looked at again.
  void read_again_without(const std::string& name);
  boost::asio::thread_pool& worker(const std::string& name);
  /// Runs `work` on the reader's thread.
  template <class T>
  boost::asio::awaitable<Result<T>> on_worker(std::string name, std::function<Result<T>()> work);

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  CardDrivers drivers_;
  std::shared_ptr<const Judge> judge_;
  std::function<WallTime()> now_;
  std::map<std::string, Reader> readers_;
  std::map<std::string, std::unique_ptr<boost::asio::thread_pool>>
      workers_;  // kept when a reader goes: it may come back
  bool service_up_ = false;
  std::string service_problem_ = "pcscd has not been reached yet";
  std::unique_ptr<pcsc::Watcher> watcher_;
};

/// What a person should know about a card that cannot be used.
std::string explain_card_error(const Error& error);

}  // namespace cardgate::daemon
