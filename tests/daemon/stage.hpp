// SPDX-License-Identifier: Apache-2.0
// A whole cardgate for one test: its own pcscd with the virtual reader, a CA, cards, a staff register and the
// real cardgated, all in a temporary folder. Runs inside in-reader-namespace. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/card.hpp"
#include "tests/simcard/vpcd_link.hpp"
#include "tests/support/pcscd.hpp"

namespace cardgate::testing {

struct HttpAnswer {
  int status = 0;                              // 0: no answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  json::object json() const;
  std::string error() const;  // the problem's code
};

/// Sends `bytes` as they are and reads one answer. `linger`: reads until the peer closes.
HttpAnswer raw(const std::filesystem::path& socket, const std::string& bytes,
               std::chrono::milliseconds deadline = std::chrono::seconds(15));
HttpAnswer http(const std::filesystem::path& socket, const std::string& method, const std::string& target,
                const std::string& body = {}, const std::vector<std::string>& headers = {});

class Stage {
 public:
  static constexpr const char* reader = Pcscd::first_name;
  static constexpr const char* pin = "123456";

  /// `readers`: as Pcscd.
  explicit Stage(int readers = 2);
  ~Stage();

  /// pcscd and cardgated run, the example people are imported, Ada's card is made (not inserted).
  void up(simcard::KeyKind kind = simcard::KeyKind::p256);
  /// From the next start on, cardgated runs with this module loaded before its libraries; `variable` is what the module reads.
  void preload(const std::string& module, const std::string& variable, const std::string& value);
  /// From the next start on, nothing of the staff register (`register`) or of the audit log (`audit`) becomes durable
  /// between hold() and release() (tests/support/held_disk.cpp).
  void with_held_disk();
  void hold(const char* what) const;
  void release() const;
  /// From the next start on, the register's disk does what fail_disk() says (tests/support/failing_disk.cpp), until mend_disk().
  void with_failing_disk();
  void fail_disk(std::string_view how) const;
  void mend_disk() const;
  /// From the next start on, the service's wall clock is set_clock()'s.
  void with_calendar();
  void set_clock(std::chrono::seconds ahead) const;
  /// Starts the service anew with this card_removal of the role `core`.
  void with_core(const std::string& removal);
  void start_daemon();
  /// Starts cardgated and returns it without waiting for anything.
  void launch_daemon();
  int stop_daemon();

  void insert();
  /// Returns when cardgated, if it runs, has seen the card go.
  void pull();
  /// Inserted, read, and ready for a passcode.
  void insert_and_wait();

  HttpAnswer ask(const std::string& method, const std::string& target, const std::string& body = {},
                 const std::vector<std::string>& headers = {}) const;
  HttpAnswer admin(const std::string& method, const std::string& target, const std::string& body = {},
                   const std::vector<std::string>& headers = {}) const;
  HttpAnswer sign_in(const std::string& passcode = pin, int tries = -1, bool spend_last = false) const;
  /// A new one each time.
  HttpAnswer token(const std::string& role = "core", const std::string& audience = "esr") const;
  std::string token_text(const std::string& role = "core") const;
  bool is_active(const std::string& token) const;
  /// What the status says of the service itself; empty when it has no answer.
  json::object service() const;
  /// Empty when there is no card.
  json::object card_status(const std::string& in = reader) const;
  HttpAnswer import(const std::string& yaml) const;
  std::string audit_text() const;
  /// Records that nobody waits for come a moment later.
  bool audit_says(std::string_view text) const;
  /// The people that up() imports; `core_form` stands for Ada's ESR06.
  std::string people(const std::string& core_form = "valid") const;
  /// `extra` is put at the end of the file.
  void write_config(const std::string& extra = {}) const;
  Finished cardgate(std::vector<std::string> arguments, const std::string& input = {}) const;

  TempDir dir;
  Pcscd pcscd;
  std::unique_ptr<simcard::Ca> ca;
  std::unique_ptr<simcard::Card> card;
  std::unique_ptr<simcard::VpcdLink> link;
  std::unique_ptr<Process> daemon;
  std::filesystem::path socket, admin_socket;
  std::string audit_settings = ", segment_bytes: 1048576";  // further keys of the config's `audit`
  std::string trust_settings;                               // further lines of the config's `trust`
  std::string limits;                                       // the config's `limits`, if any
  std::string mapping = "[card_uuid]";                      // the config's `mapping`
  std::string roles = "employee-self-service, core, manager-self-service";  // that the desktop may ask for
  std::string format = "jwt";                                               // of the desktop's tokens
  std::vector<std::pair<std::string, std::string>> environment;  // of cardgated, besides the caller's
  simcard::Personalisation personalisation;                      // of Ada's card, but for its kind of key
};

}  // namespace cardgate::testing
