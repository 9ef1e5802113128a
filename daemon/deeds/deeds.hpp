// SPDX-License-Identifier: Apache-2.0
// Acts on the staff register, carried out so that the audit log has each first, and its end for certain:
//
//   look what holds now, on copies  ->  noted as begun  ->  recorded  ->  the register, asked again there  ->  ended
//
// What only takes access away goes the other way round: it is in force in memory first, then noted on the disk of the state,
// recorded and written. A log or register that cannot be written holds up none of it: the record waits for the log
// (audit/late_records.hpp), and what the register lacks is owed to it, over a restart too (people/open_acts.hpp). One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/people/open_acts.hpp"
#include "daemon/people/register_threads.hpp"

namespace cardgate::daemon {

/// What is done, to whom, and how it is recorded. The first of `people` is for whom it is done.
struct Deed {
  audit::Record record;
  std::vector<std::string> people;
  reg::Register::ChangeSeveral how;
  std::string notice = {};  // for the first of `people`
  /// What the record says beside that, out of the first of `people` before and after.
  std::function<json::object(const reg::Person& before, const reg::Person& after)> more_details = {};
  /// Asked right before the change, on the register's thread: what it stands on besides the actor's right.
  std::function<Result<void>(const RecordOf& record_of)> first = {};
  std::optional<work::Taking> taking =
      {};  // what it is, in the place of `how`, when it only takes access away
};

struct Done {
  std::optional<Response> refusal;
  std::vector<reg::Person> people;
};

class Deeds {
 public:
  Deeds(boost::asio::io_context& io, RuleBook& rules, Roll& roll, OpenActs& open_acts,
        WaitingActs& waiting_acts, RegisterThreads& register_threads, SessionDesk& sessions, Actors& actors,
        Notices& notices, Recorder& recorder, GuardedClock& clock)
      : io_(io),
        rules_(rules),
        roll_(roll),
        open_acts_(open_acts),
        waiting_acts_(waiting_acts),
        register_(register_threads),
        sessions_(sessions),
        actors_(actors),
        notices_(notices),
        recorder_(recorder),
        clock_(clock) {}
  Deeds(const Deeds&) = delete;
  Deeds& operator=(const Deeds&) = delete;

  /// Both must have names of their own, as the work of RegisterThreads.
  boost::asio::awaitable<Done> carry_out(const Request& request, const Actor& who, Deed& deed);
  boost::asio::awaitable<Response> carry_out_silently(const Request& request, const Actor& who, Deed& deed);
  /// What ends at its time, and nobody asks for: the record's person is the first of `people`. REQUIRES a taking. What is under
  /// way already, or cannot be done, is not done again.
  boost::asio::awaitable<void> take_away_by_itself(Deed deed);

  // The same in steps, for what is no change of somebody's record.
  /// Before it is done: noted as begun, then durable in the log. False: it is not, and nothing is to be done. Then comes
  /// ended(), or note_not_done(). `in_register`: the change will keep the record's deed there (note_done()).
  boost::asio::awaitable<bool> recorded(audit::Record& record, bool in_register = false);
  void ended(const audit::Record& record);
  void note_not_done(audit::Record record, std::string_view why);
  /// Nobody can tell: a card that gave no answer may have done it.
  void note_not_known(audit::Record record, std::string_view why);
  /// The register's error; where that leaves in doubt whether it was done, the record says so.
  void note_not_done(audit::Record record, const Error& why);
  /// The id by which the register keeps that the act was done.
  static std::string id_of(const audit::Record& record);

  /// At the start: what an earlier run began and did not end.
  void settle_left();
  /// The register can be written again: says of each act that was in doubt what became of it.
  void settle_doubtful();

 private:
  void note_end(audit::Record record, std::string reason);
  /// What cannot be done is not recorded as done: tried on copies first. `before`: as they are on file now.
  std::optional<Response> refuse_untried(const Request& request, Deed& deed, std::vector<reg::Person>& before,
                                         std::optional<reg::Numbered>& without_number);
  /// Would it be possible by what holds now? Changes nothing. Errors: of `how`; of the register.
  Result<void> try_on_copies(const Deed& deed);
  boost::asio::awaitable<std::optional<Response>> take_number(Deed& deed, reg::Numbered kind);
  boost::asio::awaitable<std::optional<Response>> put_on_record(const Actor& who, Deed& deed);
  boost::asio::awaitable<Result<std::vector<reg::Person>>> write(const Actor& who, const Deed& deed,
                                                                 std::shared_ptr<const WaitingActs::Act> act);
  void tell_sessions(const Deed& deed, const std::vector<reg::Person>& before,
                     const std::vector<reg::Person>& after);
  /// Of an act that the rules refuse: recorded, and told.
  Response refuse_impossible(const Request& request, const audit::Record& record, const Error& why);

  boost::asio::awaitable<Done> take_away(const Request& request, const Actor& who, Deed& deed);
  /// It is possible: in force, then written. An empty notice tells nobody.
  boost::asio::awaitable<Done> take_now(Deed& deed, std::string notice);
  /// Somebody does the same already.
  boost::asio::awaitable<Response> take_away_again(OpenAct again);
  void put_in_force(const OpenAct& act);
  /// The register could not be written: the act is owed to it.
  boost::asio::awaitable<Response> owe(OpenAct act, Error why);
  boost::asio::awaitable<Result<reg::Person>> write_taking(const OpenAct& act);
  /// What is owed to the register, in its order, as far as it can be written.
  boost::asio::awaitable<void> write_owed();
  boost::asio::awaitable<void> write_owed_later();
  void settle_taking(OpenAct act, const Result<bool>& done);
  boost::asio::awaitable<void> tell(std::string person, std::string event, std::string notice);

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Roll& roll_;
  OpenActs& open_acts_;
  WaitingActs& waiting_acts_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  Actors& actors_;
  Notices& notices_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Flag writing_owed_, owed_waits_;
  std::vector<audit::Record> doubtful_;  // acts of which it is not known whether the register has them
};

}  // namespace cardgate::daemon
