// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/certificate_judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"
#include "daemon/fetch/message.hpp"
#include "daemon/helper/stream.hpp"
#include "daemon/journal.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

namespace {

using Kind = trust::Question::Kind;

/// Is anything wrong with it but that nothing says whether it was revoked?
bool fetching_may_help(const trust::Verdict& verdict) {
  return !verdict.findings.empty() && std::ranges::all_of(verdict.findings, [](const trust::Finding& f) {
    using trust::Status;
    return f.status == Status::crl_missing || f.status == Status::crl_stale ||
           f.status == Status::crl_invalid || f.status == Status::ocsp_invalid ||
           f.status == Status::ocsp_unknown;
  });
}

constexpr std::size_t max_named_in_status = 3;

}  // namespace

void log_passed_over(const trust::Authorities& authorities, WallTime at) {
  for (const auto& text : authorities.useless(at)) {
    log(audit::Event::authority_useless, text);
  }
  for (const auto& text : authorities.passed_over()) {
    log(audit::Event::crl_passed_over, text);
  }
}

std::vector<std::string> told_of_passed_over(const trust::Authorities& authorities, WallTime at) {
  std::vector<std::string> told;
  auto all = authorities.useless(at);
  all.insert(all.end(), authorities.passed_over().begin(), authorities.passed_over().end());
  for (const auto& text : all) {
    if (told.size() == max_named_in_status) {
      told.push_back(fmt::format(
          "{} more files of trust anchors, authorities or revocation lists are of no use; the journal "
          "names each (CARDGATE_EVENT=authority_useless and crl_passed_over).",
          all.size() - told.size()));
      break;
    }
    told.push_back(text);
  }
  return told;
}

std::optional<std::string> told_of_overdue(const trust::ListTimes& lists, WallTime now) {
  constexpr std::chrono::hours soon{24};
  if (lists.count == 0 || now + soon < lists.first_due) return std::nullopt;
  const auto due = to_rfc3339(lists.first_due);
  if (now > lists.first_due) {
    return fmt::format(
        "The revocation list {} was due to be replaced by {}. Cards of its issuer may be refused until a "
        "newer one "
        "is in that folder.",
        lists.first_due_file, due);
  }
  return fmt::format(
      "The revocation list {} ends at {}. Put a newer one into that folder before then, or cards of its "
      "issuer will "
      "be refused.",
      lists.first_due_file, due);
}

trust::Verdict CertificateJudge::ask(BytesView certificate, WallTime at) const {
  auto verdict = look(certificate, at);
  if (verdict.valid || !fetches() || !fetching_may_help(verdict)) return verdict;
  return consult(certificate, at, false, false);
}

trust::Verdict CertificateJudge::refresh(BytesView certificate, WallTime at, bool anew) const {
  if (!fetches()) return look(certificate, at);
  return consult(certificate, at, true, anew);
}

trust::Verdict CertificateJudge::consult(BytesView certificate, WallTime at, bool due, bool anew) const {
  const auto start = std::chrono::steady_clock::now();
  const auto all = trust::questions(authorities_, *answers_, certificate, rules_, fetch_.rules, at, anew);
  std::vector<trust::Question> quick;
  std::vector<trust::Question> slow;
  for (const auto& question : all) (question.kind == Kind::ocsp ? quick : slow).push_back(question);
  // A responder that hangs must leave the CRL its time.
  const auto whole = start + fetch_.deadline;
  const auto half = start + fetch_.deadline / 2;
  if (!quick.empty()) bring(quick, at, slow.empty() ? whole : half);
  auto verdict = look(certificate, at);
  const bool enough = verdict.valid && (!due || at < verdict.refresh_at);
  if (!slow.empty() && !enough) {
    bring(slow, at, whole);
    verdict = look(certificate, at);
  }
  if (all.empty()) return verdict;
  const bool unanswered = !verdict.valid && fetching_may_help(verdict);
  keep_trouble(answers_trouble_, unanswered ? fmt::format("It could not be found out whether a card's "
                                                          "certificate was withdrawn, so that card is "
                                                          "refused. {}",
                                                          trust::explain(verdict.findings.front()))
                                            : std::string());
  return verdict;
}

void CertificateJudge::keep_trouble(FetchTrouble& of, std::string text) const {
  const std::lock_guard lock(mutex_);
  of = {std::move(text), BootClock::now()};
}

std::string CertificateJudge::told(const FetchTrouble& trouble) const {
  const std::lock_guard lock(mutex_);
  return trouble.at + fetch_trouble_lasts > BootClock::now() ? trouble.text : std::string();
}

void CertificateJudge::bring(const std::vector<trust::Question>& questions, WallTime at,
                             std::chrono::steady_clock::time_point deadline) const {
  fetch::Request request;
  request.deadline = std::max(
      milliseconds(1), std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now()));
  request.hosts = fetch_.rules.hosts;
  for (const auto& question : questions) {
    const std::size_t limit = question.kind == Kind::ocsp ? max_ocsp_answer_bytes : fetch::max_content_bytes;
    request.exchanges.push_back({question.url, question.body, limit});
  }
  // The helper says itself what did not come in time; it gets a moment to say so.
  const auto patience = deadline + milliseconds(250);
  const auto converse = [&]() -> Result<void> {
    const auto socket = TRY(connect_to(fetch_.socket));
    TRY(send(socket.get(), as_bytes(fetch::encode(request)), deadline));
    for (std::size_t i = 0; i < questions.size(); ++i) {
      std::array<std::uint8_t, fetch::head_bytes> bytes{};
      TRY(read_exactly(socket.get(), bytes, patience));
      const auto head = TRY(fetch::parse_head(bytes));
      if (head.index >= questions.size())
        return Error{Errc::malformed, "an outcome of nothing that was asked"};
      Bytes content(head.length);
      TRY(read_exactly(socket.get(), content, patience));
      const auto& question = questions[head.index];
      if (!head.good) {
        complain(question, shown_text(as_text(content)));
        continue;
      }
      const auto taken = answers_->take(question, std::move(content), authorities_, rules_, fetch_.rules, at);
      if (!taken) complain(question, question.url + ": " + taken.error().context);
    }
    return {};
  };
  const auto outcome = converse();
  if (!outcome) complain(questions.front(), "cardgate-fetch: " + outcome.error().message());
  keep_trouble(helper_trouble_,
               outcome ? std::string()
                       : "cardgate-fetch, which asks whether certificates were withdrawn, does not answer: " +
                             outcome.error().message());
}

/// Once in ten minutes for each place: a responder that is down must not fill the journal.
void CertificateJudge::complain(const trust::Question& question, const std::string& why) const {
  constexpr auto quiet = std::chrono::minutes(10);
  const BootTime now = BootClock::now();
  {
    const std::lock_guard lock(mutex_);
    if (complained_.size() > 1000) complained_.clear();
    auto& last = complained_[question.url];
    if (last != BootTime{} && now < last + quiet) return;
    last = now;
  }
  log(audit::Event::revocation_answer, "An answer about revocation was not taken: " + why,
      {{"CARDGATE_URL", question.url}});
}

}  // namespace cardgate::daemon
