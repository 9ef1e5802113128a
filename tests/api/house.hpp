// SPDX-License-Identifier: Apache-2.0
// The whole service in the test's own process: real register, real audit log, scripted cards, a clock moved by hand; no
// socket and no pcscd, so that a call takes milliseconds. Nothing happens in the service but while the test runs it:
//
//   ask()                   runs it until the answer is there
//   begin() ... finish()    the call stops where the test wants it to (run_until()), and the world changes meanwhile
//
// Where a call waits for another thread, that thread can be held: a card's by driver->hold(), the log's by hold_log(), the
// register's by hold_register(). One thread, the test's.
//
// It is 1 June 2026, noon. The staff, each at the reader of their own:
//   ada   1000  may ask for `core`; Max is her line manager
//   max   2000  line manager
//   tia   3000  ESR & Workforce Systems team, as uma (3100)
//   eve   4000  no card; her password is House::password
//   vera  8000  no card, no password; she may enrol: House::born, House::ni_start
// And abe (8001), who never appears. root() asks on the admin socket.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "daemon/access/peer.hpp"
#include "daemon/http/listener.hpp"
#include "daemon/owners.hpp"
#include "daemon/service.hpp"
#include "tests/api/hand_clock.hpp"
#include "tests/api/scripted_card.hpp"
#include "tests/support/process.hpp"

namespace cardgate::testing {

struct Reply {
  int status = 0;
  std::string body;
  std::shared_ptr<daemon::Listener> listener;  // of a stream of events
  json::object json() const;
  /// The `error` of a problem document; empty: none.
  std::string error() const;
  /// A text member; empty: none.
  std::string text(std::string_view member) const;
};

/// A thread that is kept from going on, from hold to release. Released at its end, too.
class Held {
 public:
  explicit Held(std::shared_ptr<std::promise<void>> gate) : gate_(std::move(gate)) {}
  ~Held() { release(); }
  Held(Held&&) = default;
  Held& operator=(Held&&) = delete;
  void release() {
    if (auto gate = std::exchange(gate_, nullptr)) gate->set_value();
  }

 private:
  std::shared_ptr<std::promise<void>> gate_;
};

class House {
 public:
  static constexpr const char* passcode = "123456";
  static constexpr const char* password = "four plain words here";
  static constexpr const char* born = "1980-05-04";
  static constexpr const char* ni_start = "QQ12";

  /// `signing_threads`: beside the service's own.
  explicit House(std::size_t signing_threads = 0);
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  /// Whoever's programs run as this uid; all may ask for everything that the configuration lets the desktop ask for.
  static daemon::Peer peer(uid_t uid);
  static const daemon::Peer& ada();
  static const daemon::Peer& max();
  static const daemon::Peer& tia();
  static const daemon::Peer& uma();
  static const daemon::Peer& eve();
  static const daemon::Peer& vera();
  /// At the administration socket.
  static const daemon::Peer& root();
  /// "reader of 1000".
  static std::string reader_of(const daemon::Peer& who);

  /// Runs the service until the answer is there. `body` is sent as JSON with every POST and PUT.
  Reply ask(const std::string& method, const std::string& target, const json::object& body,
            const daemon::Peer& who);
  Reply ask(const std::string& method, const std::string& target, const daemon::Peer& who);

  /// A GET by a program that shows a token.
  Reply ask_by_token(const std::string& target, const std::string& token, const daemon::Peer& who);
  /// A POST of an HTML form's body.
  Reply ask_form(const std::string& target, const std::string& form, const daemon::Peer& who);

  /// A call that was begun.
  class Call {
   public:
    bool answered() const { return answered_; }
    /// The peer closes its connection.
    void leave() { left_.request_stop(); }

   private:
    friend class House;
    daemon::Peer peer_;
    daemon::Request request_;
    std::stop_source left_;
    bool answered_ = false;
    Reply reply_;
    std::exception_ptr thrown_;
  };
  /// Asks, and runs nothing yet.
  std::shared_ptr<Call> begin(const std::string& method, const std::string& target, const json::object& body,
                              const daemon::Peer& who);
  /// ... with a body of any type.
  std::shared_ptr<Call> begin_with(const std::string& method, const std::string& target, const char* type,
                                   std::string body, const daemon::Peer& who, const std::string& token = {});
  Reply finish(const std::shared_ptr<Call>& call);

  /// Runs the service, one step after the other, until `there` is true before a step. Fails the test and throws after ten
  /// seconds.
  void run_until(const std::function<bool()>& there);
  /// Runs what is ready.
  void run_ready();

  /// From here on nothing becomes durable in the audit log, and nothing else comes of what it is given.
  Held hold_log();
  /// How much the held log was given.
  std::size_t waiting_in_log();
  /// From here on nothing is looked up or changed on the thread of changes to the register. What was begun before is done, but
  /// may come back only after the release.
  Held hold_register();
  /// Whatever was begun on the thread of changes before now is done, and has come back.
  void pass_register();
  /// From here on no file grows, the audit log's neither; until mend_disks().
  static void break_disks();
  static void mend_disks();

  // Cards.
  /// Another card, which the register does not know; a certificate by the trust's own CA names `name`.
  /// With card authentication, which shows that a card is genuine before anybody types.
  ScriptedCard make_genuine_card(const std::string& id, const std::string& name) const;
  ScriptedCard make_card(const std::string& id, const std::string& name) const;
  /// Puts the person's card into their reader and runs the service until it is read.
  void insert_card(const daemon::Peer& who);
  void insert_card(const std::string& reader, const ScriptedCard& card);
  void remove_card(const std::string& reader);
  /// Anything else that happens at the readers.
  void hear(pcsc::ReaderEvent::Kind kind, const std::string& reader = {}, std::uint64_t insertion = 0,
            Error why = {});
  const ScriptedCard& card_of(const daemon::Peer& who) const { return cards_.at(who.uid); }
  /// The body of a sign-in with the card in the person's reader.
  json::object with_card(const daemon::Peer& who, const std::string& code = passcode);
  /// The same with another card in that reader.
  json::object with_card(const daemon::Peer& who, const ScriptedCard& card);
  /// Signed in by card; the session's id. Throws when it is refused.
  std::string sign_in(const daemon::Peer& who);

  /// The configuration, as the next reload reads it: `clients` is the list of that name.
  void write_config(const std::string& clients) const;
  /// What write_config() has at the start.
  static std::string usual_clients();
  /// One text of the policy in the place of another, as the next reload reads it.
  void change_policy(std::string_view old, std::string_view fresh) const;
  void reload();
  /// The service stops and starts again: another process as far as it can tell. The readers are empty then.
  void restart();
  /// Time goes by, and the service sees it.
  void forward(milliseconds by);

  /// The records of one event, oldest first; all that were given to the log before are there.
  std::vector<json::object> records(std::string_view event);
  /// The reasons of these, one a record.
  std::vector<std::string> reasons(std::string_view event);

  daemon::Service& service() { return *service_; }
  daemon::Service::Owners& owners() { return service_->owners(); }

  HandClock clock;
  TempDir dir;
  std::shared_ptr<ScriptedDriver> driver = std::make_shared<ScriptedDriver>();

 private:
  void make_cards();
  void write_trust() const;
  void write_register() const;
  void step();
  daemon::Service::Parts prepared();
  void start(daemon::Service::Parts parts);
  void stop();

  test::Ca ca_;
  std::map<uid_t, ScriptedCard> cards_;
  std::map<std::string, std::uint64_t> inserted_;
  std::uint64_t insertions_ = 0;
  int open_calls_ = 0;
  struct Loop {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> always{io.get_executor()};
  };
  std::unique_ptr<Loop> loop_ = std::make_unique<Loop>();
  FileDescriptor held_folder_;
  std::unique_ptr<daemon::Service> service_;
  std::size_t signing_threads_;
};

}  // namespace cardgate::testing
