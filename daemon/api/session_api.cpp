// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/session_api.hpp"

#include "daemon/api/session_json.hpp"

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
  const Session* session = sessions_.find(id);
  if (session == nullptr || (session->uid != request.peer->uid && request.peer->uid != 0)) {
    co_return problem(404, "not_found", "There is no such session. It may have ended.");
  }
  // Logged out of one of several: the person is still at the machine.
  const std::string* left = request.parameter("at_logout_of");
  if (left != nullptr && surroundings_.elsewhere(session->uid, *left))
    co_return json_response(200, session_json(*session, clock_.now()));
  sessions_.end(id, EndReason::signed_out);
  co_await recorder_.noted();
  co_return no_content();
}

}  // namespace cardgate::daemon
