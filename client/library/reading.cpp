// SPDX-License-Identifier: Apache-2.0
// Boost.JSON is compiled into this file alone (src.hpp): a program that uses the library needs no Boost.
#include "client/library/reading.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/src.hpp>
#include <charconv>
#include <ctime>

namespace cardgate::inside {
namespace {

namespace json = boost::json;

struct Meaning {
  std::string_view reason;
  Errc code;
};
constexpr Meaning meanings[] = {
    {"no_session", Errc::not_signed_in},
    {"session_locked", Errc::locked},
    {"step_up_required", Errc::proof_needed},
    {"access_denied", Errc::denied},
    {"audience_not_allowed", Errc::program_not_allowed},
    {"role_not_allowed", Errc::program_not_allowed},
    {"client_not_allowed", Errc::program_not_allowed},
    {"session_ambiguous", Errc::several_sessions},
    {"token_missing", Errc::token_not_active},
    {"token_inactive", Errc::token_not_active},
    {"token_not_for_this", Errc::token_not_for_this},
    {"not_started", Errc::not_reachable},
};

struct Happening {
  std::string_view name, kind;
  Event::What what;
};
constexpr Happening happenings[] = {
    {"session", "opened", Event::What::opened},       {"session", "resumed", Event::What::resumed},
    {"session", "card_back", Event::What::resumed},   {"session", "locked", Event::What::locked},
    {"session", "grace", Event::What::grace},         {"session", "ended", Event::What::ended},
    {"token", "revoked", Event::What::token_revoked}, {"card", "inserted", Event::What::card_in},
    {"card", "removed", Event::What::card_out},       {"card", "reader_gone", Event::What::card_out},
    {"service", "stopping", Event::What::stopping},
};

Error not_understood() {
  Error error;
  error.code = Errc::bad_answer;
  error.text = "cardgate's answer is not what this program expects. They may be of different versions.";
  return error;
}

json::object object_of(std::string_view text) {
  boost::system::error_code failed;
  json::parse_options options;
  options.max_depth = 16;
  auto value = json::parse(text, failed, {}, options);
  return !failed && value.is_object() ? std::move(value.as_object()) : json::object();
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_array()) return out;
  for (const auto& entry : value->get_array())
    if (entry.is_string()) out.emplace_back(entry.get_string());
  return out;
}

Result<Session> session_from(const json::object& object) {
  Session session;
  session.id = text_of(object, "id");
  const auto* person = object.if_contains("person");
  const auto signed_in = read_time(text_of(object, "signed_in_at"));
  const auto expires = read_time(text_of(object, "expires_at"));
  if (session.id.empty() || person == nullptr || !person->is_object() || !signed_in || !expires)
    return not_understood();
  session.person = text_of(person->get_object(), "id");
  session.name = text_of(person->get_object(), "name");
  session.by_card = text_of(object, "acr") == "card";
  const auto state = text_of(object, "state");
  // A state that is not known is none in which to work on.
  session.state = state == "active"  ? Session::State::active
                  : state == "grace" ? Session::State::grace
                                     : Session::State::locked;
  session.card_out = flag_of(object, "card_out");
  session.reader = text_of(object, "reader");
  session.signed_in_at = *signed_in;
  session.expires_at = *expires;
  session.warnings = texts_of(object, "warnings");
  return session;
}

int number_at(std::string_view text, std::size_t from, std::size_t count) {
  int number = -1;
  const char* const begin = text.data() + from;
  const auto [end, failed] = std::from_chars(begin, begin + count, number);
  return failed == std::errc() && end == begin + count ? number : -1;
}

}  // namespace

std::optional<std::chrono::system_clock::time_point> read_time(std::string_view text) {
  if (text.size() < 20 || text.back() != 'Z' || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':')
    return std::nullopt;
  std::tm parts{};
  parts.tm_year = number_at(text, 0, 4) - 1900;
  parts.tm_mon = number_at(text, 5, 2) - 1;
  parts.tm_mday = number_at(text, 8, 2);
  parts.tm_hour = number_at(text, 11, 2);
  parts.tm_min = number_at(text, 14, 2);
  parts.tm_sec = number_at(text, 17, 2);
  if (parts.tm_year < 0 || parts.tm_mon < 0 || parts.tm_mday < 1 || parts.tm_hour < 0 || parts.tm_min < 0 ||
      parts.tm_sec < 0)
    return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

Error refusal(const Head& head, std::string_view body) {
  const auto object = object_of(body);
  Error error;
  error.reason = text_of(object, "error");
  error.text = text_of(object, "detail");
  if (error.reason.empty()) return not_understood();
  for (const auto& [reason, code] : meanings)
    if (reason == error.reason) error.code = code;
  if (error.code == Errc::refused && (head.status == 429 || head.status == 503)) error.code = Errc::try_later;
  const auto wait = head.field("retry-after");
  int wait_s = 1;
  std::from_chars(wait.data(), wait.data() + wait.size(), wait_s);
  if (error.code == Errc::try_later) error.retry_after = std::chrono::seconds(std::clamp(wait_s, 1, 3600));
  if (const auto* unmet = object.if_contains("unmet"); unmet != nullptr && unmet->is_array()) {
    for (const auto& entry : unmet->get_array()) {
      if (!entry.is_object()) continue;
      const auto& one = entry.get_object();
      error.missing.push_back({text_of(one, "prerequisite"), text_of(one, "text"), text_of(one, "who"),
                               text_of(one, "next_step")});
    }
  }
  error.sessions = texts_of(object, "sessions");
  if (auto one = text_of(object, "session"); !one.empty()) error.sessions.push_back(std::move(one));
  return error;
}

Result<std::vector<Session>> read_sessions(std::string_view body) {
  const auto object = object_of(body);
  const auto* list = object.if_contains("sessions");
  if (list == nullptr || !list->is_array()) return not_understood();
  std::vector<Session> out;
  for (const auto& entry : list->get_array()) {
    if (!entry.is_object()) return not_understood();
    auto session = session_from(entry.get_object());
    if (!session) return session.error();
    out.push_back(*std::move(session));
  }
  return out;
}

Result<Session> read_session(std::string_view body) {
  return session_from(object_of(body));
}

Result<TokenAnswer> read_token(std::string_view body) {
  // Not by way of a parser, whose memory is not wiped: the service writes this answer in one form.
  constexpr std::string_view before = R"({"access_token":")";
  constexpr std::string_view between = R"(","token_type":"Bearer","expires_in":)";
  const auto middle = body.find(between);
  if (body.substr(0, before.size()) != before || middle == std::string_view::npos) return not_understood();
  const auto token = body.substr(before.size(), middle - before.size());
  const auto life = body.substr(middle + between.size());
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(life.data(), life.data() + life.size(), seconds);
  const bool plain = std::all_of(token.begin(), token.end(),
                                 [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\'; });
  if (token.empty() || !plain || failed != std::errc() || end == life.data() + life.size() || *end != '}' ||
      seconds < 0 || seconds > 1'000'000)
    return not_understood();
  return TokenAnswer{std::string(token), seconds * 1000};
}

Event read_event(std::string_view name, std::string_view data) {
  const auto object = object_of(data);
  Event event;
  event.name = name;
  event.kind = text_of(object, "kind");
  for (const auto& [of, kind, what] : happenings)
    if (of == event.name && kind == event.kind) event.what = what;
  event.session = text_of(object, "session");
  event.reader = text_of(object, "reader");
  event.token = text_of(object, "jti");
  event.reason = text_of(object, "reason");
  return event;
}

std::string token_request(const std::string& role, const std::string& audience, const std::string& session,
                          bool fresh) {
  json::object ask{{"role", role}, {"audience", audience}};
  if (!session.empty()) ask["session"] = session;
  if (fresh) ask["fresh"] = true;
  return json::serialize(ask);
}

}  // namespace cardgate::inside
