// SPDX-License-Identifier: Apache-2.0
// Looking at other people: whom a name means, a page of a list, what is made of one person; beside this thread where that takes
// long, one dear call at a time for each who asks. Every look is recorded. One thread.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/deeds/actors.hpp"
#include "daemon/people/dear_calls.hpp"
#include "daemon/people/people_lists.hpp"
#include "daemon/people/people_named.hpp"
#include "daemon/people/register_threads.hpp"

namespace cardgate::daemon {

class PeopleDesk {
 public:
  PeopleDesk(RuleBook& rules, Roll& roll, const OpenActs& open_acts, RegisterThreads& register_threads,
             Actors& actors, Admission& admission, Recorder& recorder, GuardedClock& clock)
      : rules_(rules),
        roll_(roll),
        open_acts_(open_acts),
        register_(register_threads),
        actors_(actors),
        admission_(admission),
        recorder_(recorder),
        clock_(clock) {}

  PeopleView view() { return {rules_.policy(), clock_.now(), open_acts_.takings()}; }

  enum class Whom : std::uint8_t {
    of_reach,  // somebody whom the act may be done with, or of the staff of who asks
    anybody,   // whoever may do the act may name anybody for it
  };
  struct Meant {
    std::string id;
    std::optional<Response> refusal;
  };
  /// Whom a request means by a number or by a name. What is neither comes back as it is, for the call to refuse, when who asks
  /// may name nobody; else it is refused, with the choices that may be shown to them. Must have a name of its own, as the work of
  /// RegisterThreads.
  boost::asio::awaitable<Meant> meant(const Request& request, std::string text, policy::Act act,
                                      Whom whom = Whom::of_reach);

  struct Listed {
    std::optional<Response> refusal;
    Actor who;
    PeoplePage page;
  };
  using ListWork =
      std::function<Result<PeoplePage>(reg::Register&, const ListAsk&, const std::atomic<bool>& stop)>;
  /// A page of people, read beside this thread, if it is the uid's turn. `asks` says who may see it, before and after; with
  /// its reach the page is read. Both must have names of their own, as the work of RegisterThreads.
  boost::asio::awaitable<Listed> list(const Request& request, const std::function<Actor()>& asks,
                                      ListWork work);
  struct Made {
    std::optional<Response> refusal;
    json::object body;
  };
  using PersonWork = std::function<json::object(const PeopleView&, const RecordOf&, Names&)>;
  /// What takes as long as there are entries about a person: made here when they are few, else beside, as a list.
  /// `who` asks, which decides whose turn it is.
  boost::asio::awaitable<Made> make(const Request& request, std::string who, std::size_t entries,
                                    PersonWork work);
  /// `who` may make a dear call of another kind now.
  DearCalls::Begun begin_dear(const Peer& peer, const std::string& who) {
    return dear_calls_.begin(peer.counted_as, who, clock_.boot());
  }

  /// Records the look; with a refusal when the log cannot be written: nothing is shown of others then.
  [[nodiscard]] std::optional<Response> note_look(const Request& request, const Actor& who,
                                                  const std::string& person, std::string_view what);
  /// The same of a page of people; `asked` is what the peer asked for.
  [[nodiscard]] std::optional<Response> note_list(const Request& request, const Actor& who,
                                                  const std::vector<std::string>& people,
                                                  std::string_view what, json::object asked = {});

  struct Seen {
    std::string person;                              // empty: nobody in particular
    std::optional<std::vector<std::string>> people;  // set: several, or besides `person`
    std::string what;
    json::object asked;    // what the peer asked for; in the record
    std::string question;  // the same people by another question are another look
  };
  /// The same before it is shown, waiting until the record is on disk: nothing when it is. After this wait, too, the caller asks
  /// again whether it may be shown. Must have a name of its own, as the work of RegisterThreads.
  [[nodiscard]] boost::asio::awaitable<std::optional<Response>> note_durably(const Request& request,
                                                                             const Actor& who, Seen seen);

 private:
  struct Naming;
  /// How far who asks may name people; nothing: the call itself says that they may not.
  std::optional<Naming> naming(const Request& request, std::string text, policy::Act act, Whom whom);
  bool still_names(const Request& request, const Naming& asking, policy::Act act);
  Response refuse_choices(const Request& request, const Naming& asking, const PeopleNamed& found);
  /// What is to be recorded of a look, if anything; or why it may not be.
  std::optional<Response> records_of(const Request& request, const Actor& who, const Seen& seen,
                                     std::vector<audit::Record>& records);
  Looks::Answer count_look(const Request& request, const Actor& who, audit::Record& record,
                           std::string_view list, std::size_t people);

  RuleBook& rules_;
  Roll& roll_;
  const OpenActs& open_acts_;
  RegisterThreads& register_;
  Actors& actors_;
  Admission& admission_;
  Recorder& recorder_;
  GuardedClock& clock_;
  DearCalls dear_calls_;
};

}  // namespace cardgate::daemon
