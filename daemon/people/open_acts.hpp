// SPDX-License-Identifier: Apache-2.0
// Acts on the staff register that have begun and not ended: noted on the disk of the state, in a reserve of its own, before
// they are recorded or written. So the next start can say what became of each after a crash, and does what takes access away.
//
//   begin()  the note is durable  ->  record  ->  register  ->  end()
//
// An act that takes access away is in force from hold() on, whatever becomes of log and register: everything that is read
// about its person passes through apply(). Such an act ends when it is in the register.
//
// One thread, the service's; the disk is used on a thread of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/record.hpp"
#include "base/reserve.hpp"
#include "daemon/work/taking.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

/// One such act. `id` stands in its record (details.deed) and, when it was carried out, in the register.
struct OpenAct {
  std::string id;
  audit::Record record;
  std::string person;                  // of `taking`
  std::optional<work::Taking> taking;  // one that only takes access away
  bool in_register =
      true;  // false: the register does not keep its id, so it cannot be told whether it was carried out
  std::string notice = {};  // for its person, when it is in the register
  bool recorded = false;    // of a taking: its record is in the log, or waits for it
  bool kept = false;        // it is on the disk
  bool owed = false;        // of a taking: the register could not be written, and it is to be tried again
};

json::object to_json(const OpenAct& act);
/// Errors: malformed.
Result<OpenAct> open_act_of(std::string_view text);

/// What takes access away and is in force, by person: a copy that can be used on another thread.
struct Takings {
  std::vector<std::pair<std::string, work::Taking>> all;  // in their order
  /// Makes of a person as the register has them what holds.
  void apply(reg::Person& person) const;
};

class OpenActs {
 public:
  /// `file`: of the reserve. Never fails: without it acts are in memory alone, and problem() says why.
  OpenActs(const std::filesystem::path& file, std::size_t bytes);
  ~OpenActs();
  OpenActs(const OpenActs&) = delete;
  OpenActs& operator=(const OpenActs&) = delete;

  /// What an earlier run left, oldest first; they stay noted until end().
  std::vector<OpenAct> take_left() { return std::exchange(left_, {}); }
  /// Notes the act, or notes it again as it is now; true when that is durable. What does not take access away leaves half of the reserve to what does.
  boost::asio::awaitable<bool> begin(OpenAct act);
  /// It was carried out, or never will be: both is on record.
  void end(const std::string& id);

  /// In force from now on. REQUIRES a taking.
  void hold(const OpenAct& act);
  /// Not any more: it is in the register, or could not be done.
  void release(const std::string& id);
  OpenAct* held(const std::string& id);
  /// One of the person's that comes to the same; nullptr when there is none.
  const OpenAct* same(const std::string& person, const work::Taking& taking) const;
  /// Makes of a person as the register has them what holds.
  void apply(reg::Person& person) const { takings().apply(person); }
  Takings takings() const;
  /// The ids of acts that the register still lacks, in their order.
  std::vector<std::string> owed() const;

  /// Empty, or why the space on the disk is not certain.
  std::string problem() const;

 private:
  struct Disk;
  std::shared_ptr<Disk> disk_;
  std::vector<OpenAct> left_;
  std::set<std::string> open_;  // ids that stand on the disk
  std::vector<OpenAct> held_;   // in their order
  boost::asio::thread_pool thread_{1};
};

/// Inside the change itself: the register keeps the ids of the acts that were carried out last.
Result<void> note_done(reg::Register& staff, const std::string& id);
/// Errors: as Register::setting().
Result<bool> was_done(reg::Register& staff, const std::string& id);

}  // namespace cardgate::daemon
