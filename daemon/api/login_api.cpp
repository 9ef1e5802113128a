// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/login_api.hpp"

#include "daemon/drivers/tries.hpp"
#include "daemon/people/answers.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {
namespace {

json::object login_json(const work::LoginNeed& need, bool remote, const std::optional<std::string>& over) {
  json::object out{{"use", work::name(need.use)},
                   {"text", json::string(need.text)},
                   {"remote", remote},
                   {"allowed", !over}};
  if (over) out["allowed_text"] = json::string(*over);
  if (need.use != work::LoginUse::passcode) return out;
  out["reader"] = need.reader;
  out["card"] = need.card;
  out["tries_left"] = tries_json(need.tries_left);
  out["last_try"] = need.last_try;
  if (!need.resume.empty()) out["resume"] = need.resume;
  return out;
}

}  // namespace

bool LoginApi::counts(const Request& request) {
  return !request.refused && request.peer->uid == 0 && request.method == "GET" && request.path == "/v1/login";
}

std::optional<Response> LoginApi::refuse_rate(const Peer& peer, const std::optional<UnixAccount>& account,
                                              bool with_cards) {
  // The account phase locks leavers out of the machine: no number of logins may make it fall silent.
  if (peer.uid != 0 || !with_cards) return std::nullopt;
  Peer counted = peer;
  if (account) counted.counted_as = account->uid;
  if (admission_.allow_request(counted)) return std::nullopt;
  recorder_.count("rate_limited");
  return too_many_requests();
}

Answer LoginApi::need(Request& request) {
  const Peer& peer = *request.peer;
  const std::string* named = request.parameter("account");
  const std::string* phase = request.parameter("phase");
  if (named == nullptr || named->empty() || named->size() > proto::max_name_bytes)
    co_return problem(400, "bad_request", "Name the account: GET /v1/login?account=NAME.");
  if (phase != nullptr && *phase != "sign_in" && *phase != "account")
    co_return problem(400, "bad_request", "`phase` must be sign_in or account.");
  const bool with_cards = phase == nullptr || *phase == "sign_in";
  const auto turn = with_cards ? AccountDesk::Turn::before_proof : AccountDesk::Turn::after_proof;
  auto looking = accounts_.account_for(peer, *named, turn);
  const auto looked = co_await std::move(looking);
  if (!looked) co_return AccountDesk::accounts_unavailable();
  const auto& account = *looked;
  if (!account && peer.uid != 0)
    co_return problem(403, "not_owner", "You can ask about your own account only.");
  if (auto no = refuse_rate(peer, account, with_cards)) co_return std::move(*no);
  if (!account) co_return json_response(200, login_json({}, accounts_.is_remote(peer), std::nullopt));
  const auto until = std::chrono::steady_clock::now() + login_waits_for_card;
  for (;;) {
    const auto scene = accounts_.scene(peer, account->name, account->uid, with_cards);
    if (!scene) co_return register_unavailable(scene.error());
    const auto now = std::chrono::steady_clock::now();
    // Right after a start the readers are not known yet.
    const bool too_early =
        with_cards && scene->people > 0 && scene->readers == 0 && now < begun_ + login_waits_for_card;
    if (now >= until || (!too_early && !accounts_.waits_for_cards(*scene))) {
      const auto over = accounts_.over(account->name, account->uid);
      if (!over) co_return register_unavailable(over.error());
      co_return json_response(200, login_json(work::what_login_needs(*scene), scene->remote, *over));
    }
    auto waiting = cards_.changed().wait(too_early ? std::min(until, begun_ + login_waits_for_card) : until);
    co_await std::move(waiting);
  }
}

}  // namespace cardgate::daemon
