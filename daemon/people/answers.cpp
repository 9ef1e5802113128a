// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/answers.hpp"

#include <fmt/format.h>

#include "daemon/journal.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

std::optional<Response> disk_trouble(const Error& error, std::string_view undone) {
  if (reg::in_doubt(error)) {
    return problem(
        503, "outcome_unknown",
        "The disk of the staff register failed while this was written, so cardgate does not know whether it "
        "was done. Look first, then do it again if needed. The people who run this machine have been told.");
  }
  if (error.code != Errc::no_space) return std::nullopt;
  return problem(
      507, "disk_full",
      fmt::format("The disk that holds the service's data ({}) is full. {} Make room there and try again.",
                  error.context, undone));
}

Response not_possible(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
      return problem(404, "not_found", error.context + ".");
    case Errc::permission_denied:
      return problem(403, "not_yours_to_do", error.context + ".");
    case Errc::invalid_argument:
      return problem(422, "not_possible", error.context + ".");
    default:
      log(Level::error, "The staff register cannot be changed: " + error.message());
      if (reg::in_doubt(error)) return disk_trouble(error, {}).value();
      if (error.code == Errc::no_space) {
        return problem(503, "register_unavailable",
                       "The disk of the staff register is full, so nothing was done. The people who run this "
                       "machine have been told. Try again later.");
      }
      return problem(503, "register_unavailable",
                     "The staff register cannot be changed now. Nothing was done. Try again later.");
  }
}

Response draining() {
  return problem(503, "draining", "The service is stopping. Try again in a moment.");
}

Response too_many_requests() {
  return problem(429, "rate_limited",
                 "Programs of this user of the machine have sent too many requests in a short time. Wait a "
                 "moment, then try again.");
}

Response register_unavailable(const Error& error) {
  if (error.code == Errc::cancelled) return draining();
  log(Level::error, "The staff register cannot be used: " + error.message());
  if (reg::in_doubt(error)) return disk_trouble(error, {}).value();
  if (error.code == Errc::no_space) {
    return problem(503, "register_unavailable",
                   "The disk of the staff register is full. The people who run this machine have been told. "
                   "Try again later.");
  }
  return problem(503, "register_unavailable", "The staff register cannot be used now. Try again later.");
}

Response no_person(const Error& error, const std::string& id) {
  if (error.code == Errc::not_found) {
    return problem(
        404, "person_unknown",
        fmt::format("The register has no person with the personnel number '{}'.", id.substr(0, 64)));
  }
  return register_unavailable(error);
}

Response bad_body(const Error& error) {
  return problem(400, "bad_request", error.context + ".");
}

Response access_just_ended(const policy::Contacts& contacts) {
  return problem(403, "access_denied",
                 fmt::format("Your access has just ended. Sign in again to read why, or ask the {}.",
                             contacts.access_team),
                 {{"unmet", json::array{}}});
}

json::value next_json(const std::string& next) {
  return next.empty() ? json::value(nullptr) : json::value(json::string(next));
}

json::value moment_json(const std::optional<WallTime>& moment) {
  return moment ? json::value(json::string(to_rfc3339(*moment))) : json::value(nullptr);
}

json::value day_json(const std::optional<Date>& day) {
  return day ? json::value(json::string(to_text(*day))) : json::value(nullptr);
}

json::array to_json(const std::vector<policy::Guidance>& documents) {
  json::array out;
  for (const auto& each : documents) {
    json::object document{{"title", each.title}};
    if (!each.link.empty()) document["link"] = each.link;
    if (!each.file.empty()) document["file"] = each.file;
    out.push_back(std::move(document));
  }
  return out;
}

json::object to_json(const policy::Lapse& lapse) {
  return {{"last_day", to_text(lapse.date)},
          {"prerequisite", lapse.prerequisite},
          {"title", lapse.title},
          {"text", lapse.text},
          {"who", lapse.who},
          {"next_step", lapse.next_step},
          {"days_left", lapse.days_left},
          {"within", lapse.days_left <= 1   ? 1
                     : lapse.days_left <= 7 ? 7
                                            : 30},
          {"ends_role", lapse.ends_role}};
}

json::object to_json(const reg::Delegation& d, const reg::Person& person, Names& names) {
  return {
      {"id", d.id},          {"person", person_json(person)},        {"given_by", names.person(d.from)},
      {"role", d.role},      {"valid_from", day_json(d.valid_from)}, {"valid_until", day_json(d.valid_until)},
      {"revoked", d.revoked}};
}

json::object to_json(const reg::Acting& a, const reg::Person& person, Names& names) {
  return {{"id", a.id},
          {"person", person_json(person)},
          {"manager", names.person(a.manager)},
          {"valid_from", day_json(a.valid_from)},
          {"valid_until", day_json(a.valid_until)},
          {"appointed_by", names.person(a.appointed_by)},
          {"revoked", a.revoked}};
}

json::object to_json(const reg::Removal& r, const reg::Person& person, Names& names) {
  return {{"id", r.id},
          {"person", person_json(person)},
          {"state", name(r.state)},
          {"reason", r.reason},
          {"requested_by", names.person(r.requested_by)},
          {"requested_on", day_json(r.requested_on)},
          {"done_by", names.person(r.done_by)},
          {"done_on", day_json(r.done_on)},
          {"restore_by", names.person(r.restore_by)},
          {"restore_reason", r.restore_reason},
          {"closed_by", names.person(r.closed_by)},
          {"closed_on", day_json(r.closed_on)},
          {"closed_reason", r.closed_reason}};
}

json::object to_json_without_reasons(reg::Removal removal, const reg::Person& person, Names& names) {
  removal.reason.clear();
  removal.restore_reason.clear();
  removal.closed_reason.clear();
  return to_json(removal, person, names);
}

json::object to_json(const reg::Training& t, Names& names) {
  return {{"course", t.course},
          {"completed_on", to_text(t.completed_on)},
          {"valid_until", day_json(t.valid_until)},
          {"recorded_by", names.person(t.recorded_by)}};
}

json::object to_json(const reg::Declaration& d) {
  return {{"name", d.name},
          {"version", d.version},
          {"signed_on", to_text(d.signed_on)},
          {"valid_until", day_json(d.valid_until)},
          {"text_hash", d.text_hash}};
}

json::object to_json(const reg::Card& c, Names& names) {
  return {{"uuid", c.uuid},
          {"status", c.status},
          {"valid_until", day_json(c.valid_until)},
          {"registered_by", names.person(c.registered_by)},
          {"registered_on", day_json(c.registered_on)},
          {"confirmed_by", names.person(c.confirmed_by)},
          {"certificate_name", c.certificate_name},
          {"loan_ends_at", moment_json(c.lent_until)}};
}

}  // namespace cardgate::daemon
