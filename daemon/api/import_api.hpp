// SPDX-License-Identifier: Apache-2.0
// Root's import of a staff file: really, or to see what it would do; and how far it is. One thread; the work is done beside it.
#pragma once

#include <atomic>
#include <memory>

#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/register_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "register/import/report.hpp"

namespace cardgate::daemon {

class ImportApi {
 public:
  ImportApi(RuleBook& rules, Recorder& recorder, GuardedClock& clock, RegisterThreads& register_threads,
            Deeds& deeds, Notices& notices, RegisterDesk& register_desk)
      : rules_(rules),
        recorder_(recorder),
        clock_(clock),
        register_(register_threads),
        deeds_(deeds),
        notices_(notices),
        register_desk_(register_desk) {}
  ImportApi(const ImportApi&) = delete;
  ImportApi& operator=(const ImportApi&) = delete;

  Answer import(Request& request);
  Answer progress(Request&);

 private:
  struct Ask {
    reg::ImportOptions options;
    reg::TextEncoding encoding = reg::TextEncoding::by_mark;
    bool csv = false;
    std::string break_glass;  // why
  };
  std::optional<Response> read(const Request& request, Ask& ask);
  boost::asio::awaitable<std::optional<Response>> record_emergency(const Peer& peer, const Ask& ask,
                                                                   audit::Record& broken);
  /// The file as a whole, or the register, failed.
  Response not_imported(const Peer& peer, const Error& why);
  Response refuse_lines(const Peer& peer, const std::vector<reg::ImportProblem>& problems);
  /// The register has it now; in a dry run, would have it.
  boost::asio::awaitable<Response> imported(const Peer& peer, const Ask& ask,
                                            const reg::ImportReport& report);
  struct Progress {
    std::atomic<std::uint64_t> done = 0, of = 0;
  };

  RuleBook& rules_;
  Recorder& recorder_;
  GuardedClock& clock_;
  RegisterThreads& register_;
  Deeds& deeds_;
  Notices& notices_;
  RegisterDesk& register_desk_;
  Flag importing_;
  std::shared_ptr<Progress> progress_ = std::make_shared<Progress>();
};

}  // namespace cardgate::daemon
