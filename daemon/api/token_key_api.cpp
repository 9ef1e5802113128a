// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/token_key_api.hpp"

#include <fmt/format.h>

#include "daemon/people/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {

Answer TokenKeyApi::list(Request&) {
  json::array out;
  for (const auto& key : tokens_.keys().all()) out.push_back(to_json(key));
  co_return json_response(200, json::object{{"keys", std::move(out)}});
}

Answer TokenKeyApi::done(int status, TokenKeys::Key key, std::string message) {
  if (!tokens_.keys().is_saved())
    message +=
        " It could not be written to the disk yet: a restart before that puts the keys back as they were.";
  co_await recorder_.noted();
  auto shown = to_json(key);
  if (tokens_.keys().find(key.shown.kid) == nullptr) shown.erase("state");
  co_return json_response(status, json::object{{"key", std::move(shown)}, {"message", std::move(message)}});
}

Answer TokenKeyApi::rotate(Request& request) {
  auto body = proto::Body::parse(request.body);
  const bool at_once = body.flag("at_once");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto key = tokens_.rotate(at_once);
  if (!key) co_return not_possible(key.error());
  auto doing = done(201, *key,
                    key->state == TokenKeys::State::signing
                        ? fmt::format("The key {} signs from now on.", key->shown.kid)
                        : fmt::format("The key {} is published. It signs by itself from {} on.",
                                      key->shown.kid, tokens_.moment_text(key->signs_from)));
  auto answer = co_await std::move(doing);
  co_return answer;
}

Answer TokenKeyApi::revoke(Request&, const std::string& id) {
  const auto key = tokens_.revoke_key(id);
  if (!key) {
    if (key.error().code != Errc::not_found) co_return not_possible(key.error());
    co_return problem(404, "not_found", "There is no such token key. See the list: cardgate token-key list");
  }
  auto doing = done(
      200, *key,
      fmt::format("The key {} counts no more, and every token that it signed has ended.", key->shown.kid));
  auto answer = co_await std::move(doing);
  co_return answer;
}

}  // namespace cardgate::daemon
