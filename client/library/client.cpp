// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "client/library/reading.hpp"
#include "client/library/state.hpp"

namespace cardgate::inline v0 {
namespace {

constexpr std::size_t longest_name = 256;    // of a role, an audience, a session
constexpr std::size_t longest_token = 8192;  // none that is longer is looked at

Error bad_argument(std::string text) {
  Error error;
  error.code = Errc::bad_argument;
  error.text = std::move(text);
  return error;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= longest_name;
}

/// The head of a success, or why there is none.
Result<inside::Head> succeed(inside::Connection& connection, const Options& options,
                             const inside::Request& request) {
  auto head = inside::call(connection, options.socket, request, options.deadline);
  if (!head || head->status < 300) return head;
  return inside::refusal(*head, connection.body().view());
}

}  // namespace

Client::Client(Options options) : state_(std::make_shared<const State>(State{std::move(options)})) {}
Client::Client(const Client&) = default;
Client& Client::operator=(const Client&) = default;
Client::~Client() = default;

Result<std::vector<Session>> Client::sessions() const {
  inside::Connection connection;
  inside::Request request;
  request.target = "/v1/sessions";
  auto head = succeed(connection, state_->options, request);
  if (!head) return head.error();
  return inside::read_sessions(connection.body().view());
}

Result<Session> Client::session(const std::string& id) const {
  if (id.empty()) {
    auto all = sessions();
    if (!all) return all.error();
    if (all->size() == 1) return std::move(all->front());
    Error error;
    error.code = all->empty() ? Errc::not_signed_in : Errc::several_sessions;
    error.text = all->empty() ? "You are not signed in. Put your card into the reader and sign in."
                              : "You are signed in more than once. Say which session you mean.";
    for (const auto& each : *all) error.sessions.push_back(each.id);
    return error;
  }
  if (id.size() > longest_name) return bad_argument("A session's id has 256 bytes at the most.");
  inside::Connection connection;
  inside::Request request;
  request.target = "/v1/sessions/" + inside::percent_encoded(id);
  auto head = succeed(connection, state_->options, request);
  if (!head) {
    Error error = head.error();
    if (error.reason == "not_found") error.code = Errc::not_signed_in;
    return error;
  }
  return inside::read_session(connection.body().view());
}

Result<Token> Client::token(const std::string& role, const std::string& audience, const std::string& session,
                            bool fresh) const {
  if (!is_name(role) || !is_name(audience) || session.size() > longest_name)
    return bad_argument("A role and an audience have 1 to 256 bytes.");
  const auto asked = inside::boot_ms();
  const std::string body = inside::token_request(role, audience, session, fresh);
  inside::Connection connection;
  inside::Request request;
  request.method = "POST";
  request.target = "/v1/token";
  request.body = body;
  auto head = succeed(connection, state_->options, request);
  if (!head) return head.error();
  auto answer = inside::read_token(connection.body().view());
  if (!answer) return answer.error();
  // Its life began no earlier than it was asked for, so it is over by then at the earliest.
  return Token(std::move(answer->token), asked, answer->life_ms);
}

Result<Holder> Client::verify(std::string_view token, const std::string& audience,
                              const std::string& role) const {
  if (!is_name(audience) || role.size() > longest_name)
    return bad_argument("An audience has 1 to 256 bytes, and a role at the most.");
  const bool is_text = !token.empty() && token.size() <= longest_token &&
                       std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!is_text) {
    Error error;
    error.code = Errc::token_not_active;
    error.text = "That is not a token.";
    return error;
  }
  inside::Connection connection;
  inside::Request request;
  request.target = "/v1/verify?audience=" + inside::percent_encoded(audience);
  if (!role.empty()) request.target += "&role=" + inside::percent_encoded(role);
  request.bearer = token;
  auto head = succeed(connection, state_->options, request);
  if (!head) return head.error();
  Holder holder{std::string(head->field("x-cardgate-subject")),
                std::string(head->field("x-cardgate-session")), std::string(head->field("x-cardgate-role"))};
  // Whatever else answers "yes" at this path must not let anybody in.
  if (head->status != 204 || holder.person.empty()) {
    Error error;
    error.code = Errc::bad_answer;
    error.text = "cardgate's answer is not what this program expects. They may be of different versions.";
    return error;
  }
  return holder;
}

Result<std::string> Client::keys() const {
  inside::Connection connection;
  inside::Request request;
  request.target = "/.well-known/jwks.json";
  auto head = succeed(connection, state_->options, request);
  if (!head) return head.error();
  return std::string(connection.body().view());
}

}  // namespace cardgate::inline v0
