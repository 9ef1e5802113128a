// SPDX-License-Identifier: Apache-2.0
// The readers and what is in them, as the watcher tells it, on the io_context's thread; card work runs on a
// thread per reader, so that a slow card holds up nobody else.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "daemon/cards/card_work.hpp"
#include "daemon/cards/workers.hpp"
#include "pcsc/watcher.hpp"

namespace cardgate::daemon {

struct Reader {
  enum class State { empty, reading, ready, unusable };
  State state = State::empty;
  std::uint64_t insertion = 0;
  std::shared_ptr<const CardFacts> card;      // ready only
  int tries_left = 0;                         // the last known truth
  int unblocking_tries_left = tries_unknown;  // of the unblocking key (PUK), as far as it was told
  std::string problem;                        // unusable: what it is and what to do
  std::string same_card_in;                   // unusable because the card is in this reader, too
  std::size_t reads = 0;                      // how often reading the card was begun in this insertion
  int failures = 0;                           // wrong passcodes in this insertion
  bool busy = false;                          // an attempt is in flight
  bool proved = false;  // in this insertion a signature showed that the card is what it says
};

/// How long somebody waits for what is done with their card, and whether they are still there.
struct Patience {
  std::chrono::steady_clock::time_point until;
  std::stop_token left;
};

class Readers {
 public:
  struct Callbacks {
    std::function<void(const std::string& reader)> inserted;
    std::function<void(const std::string& reader)> read;  // ready or unusable
    /// `card` answers in `reader` and in `other`.
    std::function<void(const std::string& reader, const std::string& other, const std::string& card)> twice;
    std::function<void(const std::string& reader, std::uint64_t insertion)> removed;
    std::function<void(const std::string& reader, bool present)> reader_changed;
    std::function<void(bool up, const std::string& problem)> service_changed;
  };
  Readers(boost::asio::io_context& io, Callbacks callbacks);
  ~Readers();

  /// Before anything else is called. `judge` may be replaced at any time.
  void start(CardDrivers drivers, std::shared_ptr<const CertificateJudge> judge,
             std::function<WallTime()> now);
  /// From here on the watcher says what happens at the readers.
  void watch();
  /// What happened at the readers: the watcher's word, or that of a test without readers.
  void hear(const pcsc::ReaderEvent& event);
  void set_judge(std::shared_ptr<const CertificateJudge> judge) { judge_ = std::move(judge); }

  const std::map<std::string, Reader>& all() const { return readers_; }
  Reader* find(const std::string& name);
  /// Ends every conversation with a card at once, and begins no other.
  void stop();
  bool service_up() const { return service_up_; }
  const std::string& service_problem() const { return service_problem_; }

  // Each of these ends at once when pcscd hangs, the patience is over, whoever asked has left, or the service
  // stops. Errors, besides their own: pcsc_no_service (pcscd hangs), cancelled (left, or the service stops;
  // no passcode was spent), timeout (the patience is over, or a passcode may have been spent).

  /// Judges the card's certificate again, on the reader's thread.
  boost::asio::awaitable<Result<trust::Verdict>> judge_again(std::string reader,
                                                             std::shared_ptr<const CardFacts> card,
                                                             WallTime now, Patience patience);
  /// Proves the card on the reader's thread.
  boost::asio::awaitable<Result<Proof>> prove(Attempt attempt, WallTime now, Patience patience);
  /// Changes the passcode, or sets a new one by the unblocking key, on the reader's thread. Errors: as
  /// CardDriver.
  boost::asio::awaitable<Result<void>> change_passcode(std::shared_ptr<const CardFacts> card, PasscodeUse use,
                                                       Secret fresh, Patience patience);
  boost::asio::awaitable<Result<void>> unblock(std::shared_ptr<const CardFacts> card, UnblockUse use,
                                               Secret fresh, Patience patience);
  /// What is found of the card in this reader by now. REQUIRES one that was read.
  void judged(const std::string& name, trust::Verdict verdict);
  /// The card in this reader has signed: another that only says it is the same gives way.
  void proved(const std::string& name);
  /// Reads the tries left again: a right passcode sets them to a number that only the card knows.
  boost::asio::awaitable<void> recount(std::string name);

 private:
  void read(const std::string& name, std::uint64_t insertion);
  /// Another look at a card that could not be read, for a cause that may pass.
  void read_later(const std::string& name);
  void take_over(const std::string& name, Result<CardFacts> facts);
  /// Readers whose cards say that they are the card in `name`.
  std::vector<std::string> in_other_readers(const std::string& name) const;
  /// The card in `name` is refused while the same one is in `other`.
  void refuse_twin(const std::string& name, const std::string& other);
  /// Cards that were refused because they were in `name`, too, are looked at again.
  void read_again_without(const std::string& name);
  template <class T>
  using Work = std::function<Result<T>(std::stop_token)>;
  /// Runs `work` on the reader's thread.
  template <class T>
  boost::asio::awaitable<Result<T>> on_worker(std::string name, Patience patience, Work<T> work);
  void stop_conversations();

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  CardDrivers drivers_;
  std::shared_ptr<const CertificateJudge> judge_;
  std::function<WallTime()> now_;
  std::map<std::string, Reader> readers_;
  Workers workers_;
  std::list<std::stop_source> under_way_;  // conversations with cards, from the asking to their end
  bool stopping_ = false;
  bool service_up_ = false;
  std::string service_problem_ = "pcscd has not been reached yet";
  std::unique_ptr<pcsc::Watcher> watcher_;  // none: nothing is watched
};

/// What a person should know about a card that cannot be used.
std::string explain_card_error(const Error& error);

}  // namespace cardgate::daemon
