// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/journal.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {
namespace asio = boost::asio;

std::string explain_card_error(const Error& error) {
  switch (error.code) {
    case Errc::card_not_piv:
      return "This card is not a smartcard of the kind used for signing in. Put in your staff smartcard.";
    case Errc::pcsc_card_mute:
      return "The card does not answer. Check that it is the right way round and clean, then put it in "
             "again. If it still does not answer, ask the smartcard help desk for a new one.";
    case Errc::card_data_missing:
      return "The card has no sign-in certificate. Ask the smartcard help desk to renew it.";
    case Errc::permission_denied:
      return "The card takes no passcode in this reader: it is read without its contacts. Use a reader "
             "with a slot, and put the card into it.";
    case Errc::key_unsupported:
      return "The card cannot be used here: " + error.context +
             ". Ask the smartcard help desk for a card with another key.";
    case Errc::certificate_malformed:
      return "The certificate on the card cannot be read (" + error.context +
             "). Ask the smartcard help desk to renew it.";
    case Errc::too_large:
      return "The card holds more than cardgate reads (" + error.context +
             "). Ask the smartcard help desk for a card with a smaller certificate.";
    case Errc::signature_invalid:
      return "The card cannot show that it is genuine (" + error.context +
             "). Do not use it. Take it to the smartcard help desk.";
    case Errc::pcsc_sharing_violation:
      return "Another program is using the card. Close it, then take the card out and put it in again.";
    case Errc::pcsc_access_denied:
      return "cardgated is not allowed to use the readers. The people who run this machine must install "
             "cardgate's polkit "
             "rule or open pcscd's socket to the service user.";
    case Errc::timeout:
    case Errc::unavailable:
      return "The card, or the part of cardgate that reads this kind of card, did not answer in time. Take "
             "the "
             "card out and put it in again; if that does not help, the people who run this machine must look "
             "at pcscd, and at cardgate-vendor-cards where it is used.";
    case Errc::pcsc_card_removed:
    case Errc::pcsc_no_card:
      return "The card was taken out. Put it in again.";
    default:
      return fmt::format(
          "The card could not be read ({}). Take it out and put it in again. If that does not help, ask the "
          "smartcard help desk.",
          name(error.code));
  }
}

Readers::Readers(asio::io_context& io, Callbacks callbacks) : io_(io), callbacks_(std::move(callbacks)) {}

Readers::~Readers() {
  watcher_.reset();
  stop();
  workers_.join();
}

void Readers::start(CardDrivers drivers, std::shared_ptr<const CertificateJudge> judge,
                    std::function<WallTime()> now) {
  drivers_ = std::move(drivers);
  judge_ = std::move(judge);
  now_ = std::move(now);
}

void Readers::watch() {
  watcher_ = std::make_unique<pcsc::Watcher>([this](pcsc::ReaderEvent event) {
    asio::post(io_, [this, event = std::move(event)] { hear(event); });
  });
}

void Readers::stop() {
  stopping_ = true;
  stop_conversations();
}

void Readers::stop_conversations() {
  for (auto& conversation : under_way_) conversation.request_stop();
}

Reader* Readers::find(const std::string& name) {
  const auto found = readers_.find(name);
  return found == readers_.end() ? nullptr : &found->second;
}

/// For whoever sits at the reader; what exactly happened is in the journal.
static std::string service_words(const Error& why) {
  switch (why.code) {
    case Errc::pcsc_no_service:
      return "The reader service (pcscd) stopped or does not answer, so no card can be read. Tell the people "
             "who run this machine";
    case Errc::pcsc_access_denied:
      return "The reader service (pcscd) does not let cardgate in, so no card can be read. Tell the people "
             "who run this machine";
    default:
      return why.context;
  }
}

void Readers::hear(const pcsc::ReaderEvent& event) {
  using Kind = pcsc::ReaderEvent::Kind;
  switch (event.kind) {
    case Kind::service_up:
    case Kind::service_down:
      service_up_ = event.kind == Kind::service_up;
      service_problem_ = service_up_ ? std::string() : service_words(event.why);
      if (!service_up_) {
        log(audit::Event::pcscd_unreachable, fmt::format("{}. ({})", service_problem_, event.why.context),
            {{"CARDGATE_REASON", event.why.context}});
        stop_conversations();
      }
      callbacks_.service_changed(service_up_, service_problem_);
      return;
    case Kind::reader_added:
      // Those that are gone count while a driver still holds their threads.
      if (readers_.size() >= max_readers ||
          (workers_.count() >= max_readers && !workers_.contains(event.reader))) {
        log(Level::warning,
            fmt::format("Reader '{}' is left alone, because cardgate serves at most {} readers at one time. "
                        "Unplug one that is not needed, then plug this one in again.",
                        event.reader, max_readers));
        return;
      }
      readers_.try_emplace(event.reader);
      callbacks_.reader_changed(event.reader, true);
      return;
    case Kind::reader_removed:
      workers_.reader_gone(event.reader);
      if (readers_.erase(event.reader) > 0) callbacks_.reader_changed(event.reader, false);
      return;
    case Kind::card_inserted: {
      Reader* reader = find(event.reader);
      if (reader == nullptr) return;
      *reader = Reader{};
      reader->insertion = event.insertion;
      reader->state = Reader::State::reading;
      callbacks_.inserted(event.reader);
      read(event.reader, event.insertion);
      return;
    }
    case Kind::card_removed: {
      Reader* reader = find(event.reader);
      if (reader != nullptr && reader->insertion == event.insertion) *reader = Reader{};
      callbacks_.removed(event.reader, event.insertion);
      read_again_without(event.reader);
      return;
    }
  }
}

namespace {

/// A bad contact, another program's turn, a reader that wakes up: the same card may be readable in a moment.
bool may_pass(Errc code) {
  switch (code) {
    case Errc::pcsc_card_mute:
    case Errc::pcsc_card_reset:
    case Errc::pcsc_sharing_violation:
    case Errc::pcsc_transport:
    case Errc::pcsc_card_removed:  // so it looked; the watcher says whether it is true
    case Errc::pcsc_no_service:    // the same
    case Errc::unavailable:
    case Errc::timeout:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Readers::read_later(const std::string& name) {
  Reader& reader = readers_.at(name);
  if (reader.reads > read_again_after.size()) return;
  auto timer = std::make_shared<asio::steady_timer>(io_, read_again_after[reader.reads - 1]);
  timer->async_wait([this, name, insertion = reader.insertion, timer](boost::system::error_code stopped) {
    const Reader* again = find(name);
    if (stopped || again == nullptr || again->insertion != insertion || again->card) return;
    read(name, insertion);
  });
}

void Readers::read(const std::string& name, std::uint64_t insertion) {
  if (stopping_) return;
  ++readers_.at(name).reads;
  const auto conversation = under_way_.emplace(under_way_.end());
  asio::post(workers_.begin(name), [this, name, insertion, conversation, stop = conversation->get_token(),
                                    judge = judge_, now = now_()] {
    auto facts = read_card(drivers_, name, *judge, now, stop);
    asio::post(io_, [this, name, insertion, conversation, facts = std::move(facts)]() mutable {
      under_way_.erase(conversation);
      workers_.end(name);
      Reader* reader = find(name);
      // A card that has gone in the meantime is no longer our business.
      if (reader == nullptr || reader->insertion != insertion) return;
      take_over(name, std::move(facts));
      callbacks_.read(name);
    });
  });
}

void Readers::take_over(const std::string& name, Result<CardFacts> facts) {
  Reader& reader = readers_.at(name);
  if (!facts) {
    reader.state = Reader::State::unusable;
    reader.problem = explain_card_error(facts.error());
    // Said once an insertion, however often it is tried.
    if (reader.reads == 1)
      log(Level::notice, "a card cannot be used: " + facts.error().message(), {{"CARDGATE_READER", name}});
    if (may_pass(facts.error().code)) read_later(name);
    return;
  }
  reader.state = Reader::State::ready;
  reader.tries_left = facts->tries_left;
  reader.unblocking_tries_left = facts->unblocking_tries_left;
  if (reader.reads == 1 && !facts->presence_problem.empty()) {
    log(Level::notice, "A card did not show that it is genuine: " + facts->presence_problem,
        {{"CARDGATE_READER", name}});
  }
  reader.proved = facts->present;
  reader.card = std::make_shared<const CardFacts>(*std::move(facts));
  const std::string id = reader.card->id;
  for (const auto& other : in_other_readers(name)) {
    // What a card only says must not keep another out: the one that has proved itself stays. While neither
    // has, both may be tried, and the first signature decides.
    const Reader& twin = readers_.at(other);
    if (twin.proved) {
      refuse_twin(name, other);
    } else if (reader.proved && !twin.busy) {
      refuse_twin(other, name);
      callbacks_.read(other);
    }
    callbacks_.twice(name, other, id);
    if (!reader.card) return;
  }
}

void Readers::judged(const std::string& name, trust::Verdict verdict) {
  Reader& reader = readers_.at(name);
  auto facts = *reader.card;
  facts.verdict = std::move(verdict);
  reader.card = std::make_shared<const CardFacts>(std::move(facts));
}

void Readers::proved(const std::string& name) {
  Reader* reader = find(name);
  if (reader == nullptr || !reader->card) return;
  reader->proved = true;
  for (const auto& other : in_other_readers(name)) {
    refuse_twin(other, name);
    callbacks_.read(other);
  }
}

std::vector<std::string> Readers::in_other_readers(const std::string& name) const {
  std::vector<std::string> others;
  const Reader& reader = readers_.at(name);
  for (const auto& [other, twin] : readers_) {
    if (other != name && twin.card && twin.card->id == reader.card->id) others.push_back(other);
  }
  return others;
}

void Readers::refuse_twin(const std::string& name, const std::string& other) {
  Reader& reader = readers_.at(name);
  reader.state = Reader::State::unusable;
  reader.card.reset();
  reader.proved = false;
  reader.same_card_in = other;
  reader.problem =
      "The same card is in another reader, too: one of the two is a copy. Take both to the smartcard help "
      "desk.";
}

// A card moved quickly from one reader to another is seen in both for a moment.
void Readers::read_again_without(const std::string& name) {
  for (auto& [other, reader] : readers_) {
    if (reader.same_card_in != name) continue;
    reader.same_card_in.clear();
    reader.state = Reader::State::reading;
    read(other, reader.insertion);
  }
}

template <class T>
asio::awaitable<Result<T>> Readers::on_worker(std::string name, Patience patience, Work<T> work) {
  if (stopping_) co_return Error{Errc::cancelled, "the service is stopping"};
  const auto conversation = under_way_.emplace(under_way_.end());
  const std::stop_source& stop = *conversation;
  asio::steady_timer deadline(io_, patience.until);
  deadline.async_wait([stop](boost::system::error_code passed_over) mutable {
    if (!passed_over) stop.request_stop();
  });
  const std::stop_callback left(patience.left, [stop]() mutable { stop.request_stop(); });
  auto& thread = workers_.begin(name);
  auto task = [work = std::move(work), token = stop.get_token()]() -> asio::awaitable<Result<T>> {
    co_return work(token);
  };
  // Not a guard object: at a stop this frame may outlive these members.
  auto [thrown, outcome] =
      co_await asio::co_spawn(thread, std::move(task), asio::as_tuple(asio::use_awaitable));
  under_way_.erase(conversation);
  workers_.end(name);
  if (thrown) std::rethrow_exception(thrown);
  if (outcome || outcome.error().code != Errc::cancelled || patience.left.stop_requested())
    co_return std::move(outcome);
  if (!service_up_) co_return Error{Errc::pcsc_no_service, service_problem_};
  if (stopping_) co_return std::move(outcome);
  co_return Error{Errc::timeout, "the card took too long"};
}

asio::awaitable<void> Readers::recount(std::string name) {
  const Reader* reader = find(name);
  if (reader == nullptr || !reader->card) co_return;
  const std::uint64_t insertion = reader->insertion;
  Work<int> work = [name, card = reader->card](std::stop_token stop) {
    return card->driver->count_tries(name, card->passcode_key, std::move(stop));
  };
  const Patience patience{std::chrono::steady_clock::now() + longest_card_work, {}};
  const auto tries = co_await on_worker<int>(name, patience, std::move(work));
  Reader* found = find(name);
  if (found == nullptr || found->insertion != insertion) co_return;
  if (tries) {
    found->tries_left = *tries;
    callbacks_.read(name);
  } else {
    log(Level::notice, "the tries left could not be read again: " + tries.error().message(),
        {{"CARDGATE_READER", name}});
  }
}

asio::awaitable<Result<trust::Verdict>> Readers::judge_again(std::string reader,
                                                             std::shared_ptr<const CardFacts> card,
                                                             WallTime now, Patience patience) {
  Work<trust::Verdict> work = [card = std::move(card), judge = judge_, now](const std::stop_token&) {
    return Result<trust::Verdict>(judge->ask(card->certificate, now));
  };
  auto outcome = co_await on_worker<trust::Verdict>(std::move(reader), std::move(patience), std::move(work));
  co_return outcome;
}

asio::awaitable<Result<Proof>> Readers::prove(Attempt attempt, WallTime now, Patience patience) {
  const std::string reader = attempt.use.reader;
  // std::function wants what can be copied; a passcode cannot.
  auto shared = std::make_shared<Attempt>(std::move(attempt));
  Work<Proof> work = [shared, judge = judge_, now](std::stop_token stop) {
    return prove_card(std::move(*shared), *judge, now, std::move(stop));
  };
  auto outcome = co_await on_worker<Proof>(reader, std::move(patience), std::move(work));
  co_return outcome;
}

asio::awaitable<Result<void>> Readers::change_passcode(std::shared_ptr<const CardFacts> card, PasscodeUse use,
                                                       Secret fresh, Patience patience) {
  const std::string reader = use.reader;
  use.passcode_key = card->passcode_key;
  auto secrets = std::make_shared<std::pair<PasscodeUse, Secret>>(std::move(use), std::move(fresh));
  Work<void> work = [card = std::move(card), secrets](std::stop_token stop) {
    return card->driver->change_passcode(std::move(secrets->first), std::move(secrets->second),
                                         std::move(stop));
  };
  auto outcome = co_await on_worker<void>(reader, std::move(patience), std::move(work));
  co_return outcome;
}

asio::awaitable<Result<void>> Readers::unblock(std::shared_ptr<const CardFacts> card, UnblockUse use,
                                               Secret fresh, Patience patience) {
  const std::string reader = use.reader;
  use.certificate = card->certificate;
  auto secrets = std::make_shared<std::pair<UnblockUse, Secret>>(std::move(use), std::move(fresh));
  Work<void> work = [card = std::move(card), secrets](std::stop_token stop) {
    return card->driver->unblock(std::move(secrets->first), std::move(secrets->second), std::move(stop));
  };
  auto outcome = co_await on_worker<void>(reader, std::move(patience), std::move(work));
  co_return outcome;
}

}  // namespace cardgate::daemon
