// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/session_api.hpp"

#include "daemon/api/session_json.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {

Answer SessionApi::events(Request& request) {
  const Peer& peer = *request.peer;
  if (events_.listeners_of(peer.counted_as) >=
      static_cast<std::size_t>(admission_.limits().listeners_per_uid)) {
    co_return problem(
        429, "too_many_listeners",
        "Too many programs of this user of the machine are already listening. Close one of them.");
  }
  Response answer;
  answer.listener =
      events_.listen(peer.uid, peer.counted_as, static_cast<std::size_t>(admission_.limits().listener_queue));
  co_return answer;
}

Answer SessionApi::list(Request& request) {
  json::array list;
  const Peer& peer = *request.peer;
  for (const Session* session : peer.admin_socket ? sessions_.all() : sessions_.of_uid(peer.uid)) {
    list.push_back(session_json(*session, clock_.now()));
  }
  co_return json_response(200, json::object{{"sessions", std::move(list)}});
}

Answer SessionApi::show(Request& request, const std::string& id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  }
  co_return json_response(200, session_json(*session, clock_.now()));
}

Answer SessionApi::end(Request& request, const std::string& id) {
  const std::string* left = request.parameter("at_logout_of");
  const std::string* named = request.parameter("account");
  if (named != nullptr && (left == nullptr || named->empty() || named->size() > proto::max_name_bytes))
    co_return problem(400, "bad_request",
                      "`account` goes with `at_logout_of`, and is the name of an account.");
  const Peer& peer = *request.peer;
  std::optional<UnixAccount> account;
  if (named != nullptr) {
    auto looking = accounts_.account_for(peer, *named, AccountDesk::Turn::after_proof);
    auto looked = co_await std::move(looking);
    // A session that is named ends all the same: its own user is known.
    if (!looked && sessions_.find(id) == nullptr) co_return AccountDesk::accounts_unavailable();
    if (looked) account = std::move(*looked);
  }
  const Session* session = sessions_.find(id);
  // The session of a login may have ended meanwhile, and a screen lock opened another one in its place.
  const bool known = session != nullptr ? session->uid == peer.uid || peer.uid == 0 : account.has_value();
  if (!known || (session != nullptr && account && session->uid != account->uid))
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  const uid_t uid = session != nullptr ? session->uid : account->uid;
  // Who names no session of this service says it of a login: a program that is none ends nothing.
  if (session == nullptr && !left->empty() && !accounts_.surroundings.login_of(uid, *left))
    co_return problem(404, "not_found", "There is no such session, and no such login at this machine.");
  // Logged out of one of several: the person is still at the machine.
  if (left != nullptr && accounts_.surroundings.elsewhere(uid, *left))
    co_return session == nullptr ? no_content() : json_response(200, session_json(*session, clock_.now()));
  std::vector<std::string> ending{id};
  if (account) {
    for (const Session* other : sessions_.of_uid(uid)) {
      if (other->sign_in == policy::SignIn::card && other->id != id) ending.push_back(other->id);
    }
  }
  for (const auto& each : ending) {
    if (sessions_.find(each) != nullptr) sessions_.end(each, EndReason::signed_out);
  }
  co_await recorder_.noted();
  co_return no_content();
}

Answer SessionApi::screen(Request& request, const std::string& id) {
  const auto locked = proto::parse_screen(request.body);
  if (!locked) co_return problem(400, "bad_request", locked.error().context + ".");
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  }
  sessions_.screen(id, *locked);
  co_await recorder_.noted();
  co_return no_content();
}

}  // namespace cardgate::daemon
