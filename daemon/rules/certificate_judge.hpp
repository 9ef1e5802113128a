// SPDX-License-Identifier: Apache-2.0
// Is this certificate good: trust/ over what is configured and what was fetched, and the fetching, by way of
// cardgate-fetch. Immutable (a reload makes another one), but for the answers held and what was logged;
// thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "trust/answers.hpp"
#include "trust/authorities.hpp"
#include "trust/chuid.hpp"
#include "trust/validate.hpp"

namespace cardgate::daemon {

/// The config's `trust.fetch` section.
struct FetchSettings {
  std::filesystem::path socket;  // of cardgate-fetch; empty: nothing is fetched
  trust::FetchRules rules;
  milliseconds deadline{3000};                     // over everything that one certificate needs
  milliseconds recheck{std::chrono::minutes(15)};  // sessions' certificates are asked about anew so often
};

/// What a card must show beside its certificate.
struct CardRules {
  bool require_presence = false;            // refuse a card that cannot show it is no copy (PIV 9E)
  trust::ContentSigners content_signers{};  // some: a card's CHUID must be signed by one of them
  bool chuid_mapped = false;                // a mapping rule asks for the CHUID
};

/// Names in the journal the CRLs that show nobody to be good, and the authorities below which no card is good, a
/// line each.
void log_passed_over(const trust::Authorities& authorities, WallTime at);
/// The same for the status, the first few.
std::vector<std::string> told_of_passed_over(const trust::Authorities& authorities, WallTime at);

/// When the list that is due first is overdue, or will be within a day: which, since when, and what to do.
std::optional<std::string> told_of_overdue(const trust::ListTimes& lists, WallTime now);

class CertificateJudge {
 public:
  CertificateJudge(trust::Authorities authorities, trust::Rules rules, CardRules cards, FetchSettings fetch,
                   std::shared_ptr<trust::Answers> answers)
      : authorities_(std::move(authorities)),
        rules_(std::move(rules)),
        cards_(std::move(cards)),
        fetch_(std::move(fetch)),
        answers_(std::move(answers)) {}

  /// By what is at hand.
  trust::Verdict look(BytesView certificate, WallTime at) const { return look(certificate, rules_, at); }
  trust::Verdict look(BytesView certificate, const trust::Rules& rules, WallTime at) const {
    return trust::validate(authorities_, *answers_, certificate, rules, at);
  }
  /// Asks the network where what is at hand does not do: blocks up to the deadline.
  trust::Verdict ask(BytesView certificate, WallTime at) const;
  /// Asks whatever is due, or everything when `anew`, although what is at hand still does: blocks.
  trust::Verdict refresh(BytesView certificate, WallTime at, bool anew) const;

  const trust::Authorities& authorities() const { return authorities_; }
  const trust::Rules& rules() const { return rules_; }
  const CardRules& cards() const { return cards_; }
  const FetchSettings& fetch() const { return fetch_; }
  const std::shared_ptr<trust::Answers>& answers() const { return answers_; }
  bool fetches() const { return !fetch_.socket.empty(); }
  /// Why cardgate-fetch did not do what it was last asked for; empty: it did.
  std::string helper_trouble() const { return told(helper_trouble_); }
  /// Why the last certificate that the network was asked about stayed without an answer; empty: it has one. Both are forgotten
  /// after a time in which nothing was asked.
  std::string answers_trouble() const { return told(answers_trouble_); }

 private:
  trust::Verdict consult(BytesView certificate, WallTime at, bool due, bool anew) const;
  /// Brings the answers to the questions, and hands each to trust/ as it comes.
  void bring(const std::vector<trust::Question>& questions, WallTime at,
             std::chrono::steady_clock::time_point deadline) const;
  void complain(const trust::Question& question, const std::string& why) const;
  struct FetchTrouble {
    std::string text;
    BootTime at;
  };
  void keep_trouble(FetchTrouble& of, std::string text) const;
  std::string told(const FetchTrouble& trouble) const;

  trust::Authorities authorities_;
  trust::Rules rules_;
  CardRules cards_;
  FetchSettings fetch_;
  std::shared_ptr<trust::Answers> answers_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, BootTime> complained_;  // by URL
  mutable FetchTrouble helper_trouble_, answers_trouble_;
};

}  // namespace cardgate::daemon
