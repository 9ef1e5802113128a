// SPDX-License-Identifier: Apache-2.0
// Whom a card stands for, and telling root why (POST /v1/certificates/explain).
#include "daemon/api/certificate_api.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "daemon/journal.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/holder.hpp"
#include "daemon/people/names.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

json::array rules_json(const Holder& holder, Names& names) {
  json::array rules;
  for (const auto& [report, found, decides] : holder.rules) {
    json::array identities;
    for (const auto& led : found) {
      json::array people;
      for (const auto& id : led.people) people.push_back(names.person(id));
      identities.push_back(json::object{
          {"kind", led.identity.kind}, {"value", led.identity.value}, {"people", std::move(people)}});
    }
    rules.push_back(json::object{{"name", report.name},
                                 {"priority", report.priority},
                                 {"matched", report.matched},
                                 {"decides", decides},
                                 {"reason", report.reason},
                                 {"identities", std::move(identities)}});
  }
  return rules;
}

std::string rule_text(const RuleOutcome& rule) {
  const auto& report = rule.report;
  const auto place = report.priority == trust::lowest_priority ? std::string("last")
                                                               : fmt::format("priority {}", report.priority);
  std::string text = fmt::format("Rule {} ({}): ", report.name, place);
  if (!report.matched) return text + "does not match: " + report.reason + ".\n";
  if (report.identities.empty()) return text + "matches, but gives no name: " + report.reason + ".\n";
  text += "matches.\n";
  for (const auto& led : rule.found) {
    text +=
        fmt::format("  {} {} matches {}{}.\n", led.identity.kind, led.identity.value,
                    led.people.empty() ? "nobody" : listed(led.people),
                    led.people.empty() || rule.decides ? "" : ", but an earlier rule has already decided");
  }
  return text;
}

std::string explain_text(const trust::Verdict& verdict, const Holder& holder, const std::string& name) {
  std::string text = verdict.valid ? "The certificate is good.\n" : "The certificate is not good:\n";
  for (const auto& finding : verdict.findings) {
    text += fmt::format("  - {} ({})\n", trust::explain(finding), trust::name(finding.status));
  }
  for (const auto& rule : holder.rules) text += rule_text(rule);
  if (holder.people.empty())
    return text +
           "No person in the register matches this certificate. Put one of these names into the person's "
           "`cards` or `identities` in the staff file, or change the mapping rules.";
  if (holder.people.size() > 1)
    return text +
           fmt::format(
               "It matches several people ({}), so nobody can sign in with it. Put the register right.",
               listed(holder.people));
  return text + fmt::format("It belongs to {} ({}).", name, holder.people.front());
}

json::array findings_json(const trust::Verdict& verdict) {
  json::array out;
  for (const auto& finding : verdict.findings) {
    out.push_back(json::object{{"status", trust::name(finding.status)},
                               {"text", trust::explain(finding)},
                               {"depth", finding.depth},
                               {"subject", finding.subject},
                               {"detail", finding.detail}});
  }
  return out;
}

/// Errors: as the JSON; certificate_malformed; invalid_argument.
Result<Bytes> certificate_in(std::string_view body) {
  auto message = proto::Body::message(body, max_body_bytes);
  const auto text = message.raw("certificate", max_body_bytes);
  if (const auto good = message.finish(); !good) {
    if (good.error().code != Errc::invalid_argument) return good.error();
    return Error{Errc::invalid_argument,
                 "expected {\"certificate\": PEM, or base64 of DER} and nothing else"};
  }
  return trust::certificate_from_text(text);
}

}  // namespace

Answer CertificateApi::explain(Request& request) {
  if (!recorder_.works()) co_return recorder_.unavailable();
  const auto der = certificate_in(request.body);
  if (!der)
    co_return problem(400, "bad_request", "This is not one certificate: " + der.error().context + ".");
  const auto info = trust::describe(*der);
  if (!info)
    co_return problem(400, "bad_request", "The certificate cannot be read: " + info.error().context + ".");
  const auto verdict = rules_.judge()->look(*der, clock_.now());
  const auto holder = find_holder(roll_.staff(), rules_.config().mapping, *info, nullptr, true);
  std::string name;
  std::string who;
  bool known = static_cast<bool>(holder);
  if (known && holder->people.size() == 1) {
    who = holder->people.front();
    const auto found = roll_.person(who);
    known = static_cast<bool>(found);
    if (found) name = (*found)->record.name;
  }
  if (!known) co_return problem(503, "register_unavailable", "The staff register cannot be read now.");

  Names names(roll_.staff());
  json::object body{{"valid", verdict.valid},
                    {"findings", findings_json(verdict)},
                    {"rules", rules_json(*holder, names)},
                    {"person", nullptr},
                    {"text", explain_text(verdict, *holder, name)}};
  if (!who.empty()) body["person"] = person_json(who, name);

  audit::Record record;
  record.event = name_of(audit::Event::certificate_explained);
  record.person = who;
  record.client = describe(*request.peer);
  record.reason = holder->people.empty() ? "person_unknown" : who.empty() ? "person_ambiguous" : "";
  record.details = {{"certificate", to_hex(info->fingerprint)}, {"serial", info->serial}};
  // It tells of people: whoever asked is on record before the answer leaves.
  const auto recorded = co_await recorder_.write(std::move(record));
  if (!recorded) co_return recorder_.unavailable();
  co_return json_response(200, body);
}

}  // namespace cardgate::daemon
