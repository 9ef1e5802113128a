// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cardgate::daemon {
namespace {

struct Meaning {
  std::string_view name;
  std::string_view help;
  std::string_view labels = "kind";  // what its parts are told apart by: one name or two
};

constexpr Meaning meanings[] = {
    {"activations", "Passwords set by an activation code"},
    {"acts_unwritten", "Acts that take access away, in force and not yet in the staff register"},
    {"audit_durable_seconds", "From a record given to the audit log until it is on disk"},
    {"audit_late", "Records that wait until the audit log can be written"},
    {"audit_ok", "1 while the audit log can be written"},
    {"audit_queue", "Records given to the audit log that its writer has not taken up yet"},
    {"audit_records", "Records made durable since the start"},
    {"audit_syncs", "Group commits of the audit log since the start"},
    {"build", "Which cardgate this is", "version"},
    {"card_certificate_left_seconds", "Until the first certificate of a card in a reader ends"},
    {"cards", "Cards in the readers"},
    {"cards_blocked", "Cards in the readers with a blocked passcode"},
    {"cards_on_last_try", "Cards in the readers that have one try left"},
    {"cards_twice", "How often the same card answered in two readers"},
    {"cards_unusable", "Cards in the readers that cannot be used"},
    {"configuration_in_use", "1 while the configuration on disk is the one in use"},
    {"connections", "Open connections"},
    {"downtime_closed", "1 while nobody can sign in because of downtime"},
    {"downtime_notices", "Notices of downtime", "act"},
    {"downtime_open", "Downtime that is announced or lasts"},
    {"enrolments", "Requests for an account"},
    {"fault_notices", "Notices of faults", "act"},
    {"faults_open", "Faults that are not put right"},
    {"introspections", "Tokens looked up by applications", "result"},
    {"listeners", "Programs that listen to events"},
    {"password_hashes", "Passwords hashed"},
    {"pcscd_changes", "How often the reader service came up or went down", "to"},
    {"pcscd_up", "1 while the reader service answers"},
    {"people", "People who are registered"},
    {"rate_limited", "Requests refused because a user's programs asked too often"},
    {"readers", "Readers that are plugged in"},
    {"refusals", "Refusals, by the audit event that tells of them and by reason", "event reason"},
    {"refusals_folded", "Refusals that were counted in the log, as they came again and again"},
    {"reloads", "Reloads of the configuration", "result"},
    {"requests", "Requests by the call that they ask for", "call"},
    {"revocation_answer_age_seconds", "Since the oldest OCSP answer at hand was made"},
    {"revocation_answers", "OCSP answers at hand"},
    {"revocation_list_age_seconds", "Since the oldest revocation list at hand was made"},
    {"revocation_list_left_seconds",
     "Until the first revocation list at hand ends; negative when it is overdue"},
    {"revocation_lists", "Revocation lists at hand that nothing newer replaces"},
    {"sessions", "Open sessions"},
    {"sessions_ended", "Sessions that ended", "reason"},
    {"sign_in_seconds", "How long a sign-in by card took, in its parts: the person types before it begins",
     "part"},
    {"sign_ins", "Sign-ins"},
    {"token_seconds", "From a request for a token to its answer, the record on disk"},
    {"tokens_again", "Tokens handed out once more, in place of a new one"},
    {"tokens_issued", "Tokens issued"},
    {"tokens_live", "Tokens that are good now"},
    {"tokens_revoked", "Tokens revoked before their time", "reason"},
    {"verifications", "Tokens verified for reverse proxies"},
};

Meaning meaning_of(std::string_view name) {
  const auto found = std::ranges::find(meanings, name, &Meaning::name);
  return found == std::end(meanings) ? Meaning{name, "Not described"} : *found;
}

std::string head_of(const Meaning& meaning, std::string_view type) {
  return fmt::format("# TYPE cardgate_{0} {1}\n# HELP cardgate_{0} {2}\n", meaning.name, type, meaning.help);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

/// `event="token_refused",reason="no_session"`: the table's names with these values, parted by '\n'; empty for no value.
std::string pairs(std::string_view names, std::string_view values) {
  std::string out;
  while (!values.empty()) {
    const auto name_ends = std::min(names.find(' '), names.size());
    const auto value_ends = std::min(values.find('\n'), values.size());
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", names.substr(0, name_ends),
                       escaped(values.substr(0, value_ends)));
    names.remove_prefix(std::min(name_ends + 1, names.size()));
    values.remove_prefix(std::min(value_ends + 1, values.size()));
  }
  return out;
}

/// OpenMetrics wants a point in every bound: 1.0, 0.25.
std::string canonical(double bound) {
  auto out = fmt::format("{}", bound);
  return out.find('.') == std::string::npos ? out + ".0" : out;
}

std::string in_braces(const std::string& labels) {
  return labels.empty() ? labels : "{" + labels + "}";
}

/// The value of that part, made when it is not there; of one too many, of "other".
template <class Families>
auto& part_of(Families& families, std::string_view name, std::string_view labels) {
  auto family = families.find(name);
  if (family == families.end()) family = families.try_emplace(std::string(name)).first;
  auto member = family->second.find(labels);
  if (member == family->second.end()) {
    const bool room = family->second.size() < Metrics::max_parts;
    member = family->second.try_emplace(std::string(room ? labels : "other")).first;
  }
  return member->second;
}

}  // namespace

void Metrics::add(std::string_view name, std::string_view label, std::string_view second) {
  if (second.empty()) {
    ++part_of(counters_, name, label);
  } else {
    ++part_of(counters_, name, fmt::format("{}\n{}", label, second));
  }
}

void Metrics::took(std::string_view name, std::string_view label, std::chrono::nanoseconds time) {
  auto& histogram = part_of(histograms_, name, label);
  const double value = std::chrono::duration<double>(time).count();
  const auto bound = std::ranges::lower_bound(bounds, value);
  ++histogram.counts.at(static_cast<std::size_t>(bound - bounds.begin()));
  histogram.sum += value;
}

std::string Metrics::text(const std::vector<Gauge>& gauges) const {
  std::string out;
  for (const auto& [name, members] : counters_) {
    const auto meaning = meaning_of(name);
    out += head_of(meaning, "counter");
    for (const auto& [values, value] : members)
      out += fmt::format("cardgate_{}_total{} {}\n", name, in_braces(pairs(meaning.labels, values)), value);
  }
  for (const auto& [name, members] : histograms_) {
    const auto meaning = meaning_of(name);
    out += head_of(meaning, "histogram");
    for (const auto& [values, histogram] : members) {
      const auto labels = pairs(meaning.labels, values);
      const std::string first = labels.empty() ? labels : labels + ",";
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < bounds.size(); ++i) {
        sum += histogram.counts.at(i);
        out +=
            fmt::format("cardgate_{}_bucket{{{}le=\"{}\"}} {}\n", name, first, canonical(bounds.at(i)), sum);
      }
      sum += histogram.counts.back();
      out += fmt::format(
          "cardgate_{0}_bucket{{{1}le=\"+Inf\"}} {2}\ncardgate_{0}_count{3} {2}\ncardgate_{0}_sum{3} {4}\n",
          name, first, sum, in_braces(labels), histogram.sum);
    }
  }
  for (auto gauge = gauges.begin(); gauge != gauges.end(); ++gauge) {
    const auto meaning = meaning_of(gauge->name);
    const bool info = meaning.name == "build";
    if (gauge == gauges.begin() || (gauge - 1)->name != gauge->name)
      out += head_of(meaning, info ? "info" : "gauge");
    out += fmt::format("cardgate_{}{}{} {}\n", gauge->name, info ? "_info" : "",
                       in_braces(pairs(meaning.labels, gauge->label)), gauge->value);
  }
  return out + "# EOF\n";
}

}  // namespace cardgate::daemon
