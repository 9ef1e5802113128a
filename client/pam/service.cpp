// SPDX-License-Identifier: Apache-2.0
// Boost.JSON is compiled into this file alone (src.hpp): the module needs no library of it where it runs.
#include "client/pam/service.hpp"

#include <boost/json.hpp>
#include <boost/json/src.hpp>

namespace cardgate::pam {
namespace {

namespace json = boost::json;

constexpr int look_deadline_ms = 6'000;      // the service waits 3 s at most for a card that was just put in
constexpr int account_deadline_ms = 2'000;   // cron and systemd wait for this, too
constexpr int sign_in_deadline_ms = 40'000;  // a card works for 30 s at the longest
constexpr int log_out_deadline_ms = 2'000;
constexpr std::size_t longest_text = 511;  // PAM_MAX_MSG_SIZE, without the zero
constexpr std::size_t longest_passcode = 64;

json::object object_of(const Answer& answer) {
  boost::system::error_code failed;
  json::parse_options options;
  options.max_depth = 16;
  auto value = json::parse(answer.body, failed, {}, options);
  return !failed && value.is_object() ? std::move(value.as_object()) : json::object();
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_of(const json::object& object, std::string_view key, bool otherwise) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_bool() ? value->get_bool() : otherwise;
}

/// As long as PAM allows, and without what could steer a terminal.
std::string for_people(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  if (text.size() <= longest_text) return text;
  std::size_t end = longest_text - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

/// Ids go into paths and into the environment.
std::string id_of(std::string text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  for (const char c : text) {
    if (!fits(c)) return {};
  }
  return text.size() <= 128 ? text : std::string();
}

Need need_of(const json::object& object) {
  Need need;
  const auto use = text_of(object, "use");
  need.text = for_people(text_of(object, "text"));
  need.allowed = flag_of(object, "allowed", true);
  need.allowed_text = for_people(text_of(object, "allowed_text"));
  if (use == "insert") need.use = Need::Use::insert;
  if (use == "refused") need.use = Need::Use::refused;
  if (use != "passcode") return need;
  need.use = Need::Use::passcode;
  need.reader = text_of(object, "reader");
  need.card = text_of(object, "card");
  need.resume = id_of(text_of(object, "resume"));
  const auto* tries = object.if_contains("tries_left");
  if (tries != nullptr && tries->is_int64()) need.tries_left = static_cast<int>(tries->get_int64());
  // A service that does not say so must not cost the last try.
  need.last_try = flag_of(object, "last_try", true) || (need.tries_left && *need.tries_left <= 1);
  return need;
}

/// A JSON string (RFC 8259 7), put together in wiped memory. False: it is too long.
bool add_string(Wiped& to, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  bool fits = to.add('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      fits = fits && to.add('\\') && to.add(c);
    } else if (byte < 0x20) {
      fits = fits && to.add("\\u00") && to.add(digits[byte >> 4U]) && to.add(digits[byte & 15U]);
    } else {
      fits = fits && to.add(c);
    }
  }
  return fits && to.add('"');
}

}  // namespace

std::optional<Need> Service::ask(const std::string& target, int deadline_ms) const {
  const auto answer = call(socket_, "GET", target, {}, deadline_ms);
  if (answer.status != 200) return std::nullopt;
  const auto object = object_of(answer);
  if (!object.contains("use")) return std::nullopt;
  return need_of(object);
}

std::optional<Need> Service::need(std::string_view account) const {
  return ask("/v1/login?account=" + percent_encoded(account), look_deadline_ms);
}

std::optional<Need> Service::allowed(std::string_view account) const {
  return ask("/v1/login?phase=account&account=" + percent_encoded(account), account_deadline_ms);
}

Outcome Service::sign_in(std::string_view account, const Need& need, bool spend_last_try,
                         const Wiped& passcode) const {
  if (passcode.text().size() > longest_passcode)
    return {{}, false, "passcode_format", "That is not a passcode. No try was spent."};
  json::object head{{"reader", need.reader}, {"card", need.card}, {"account", account}};
  head["tries_left"] = need.tries_left ? json::value(*need.tries_left) : json::value(nullptr);
  if (spend_last_try) head["spend_last_try"] = true;
  std::string text = json::serialize(head);
  text.pop_back();  // the object goes on
  Wiped body;
  if (!body.add(text) || !body.add(",\"passcode\":") || !add_string(body, passcode.text()) || !body.add('}'))
    return {{}, false, "passcode_format", "That is not a passcode. No try was spent."};
  const std::string target =
      need.resume.empty() ? "/v1/sessions" : "/v1/sessions/" + percent_encoded(need.resume) + "/resume";
  const auto answer = call(socket_, "POST", target, body.text(), sign_in_deadline_ms);
  const auto object = object_of(answer);
  if (answer.status == 200 || answer.status == 201) {
    auto session = id_of(text_of(object, "id"));
    if (!session.empty()) return {std::move(session), answer.status == 201, {}, {}};
  }
  return {{}, false, text_of(object, "error"), for_people(text_of(object, "detail"))};
}

void Service::log_out(const std::string& session, std::string_view account, std::string_view login) const {
  const std::string target = "/v1/sessions/" + percent_encoded(session) +
                             "?at_logout_of=" + percent_encoded(login) +
                             "&account=" + percent_encoded(account);
  static_cast<void>(call(socket_, "DELETE", target, {}, log_out_deadline_ms));
}

}  // namespace cardgate::pam
