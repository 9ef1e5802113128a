// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/notice_api.hpp"

#include <fmt/format.h>

#include "base/number.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {

Answer NoticeApi::list(Request& request) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto notices = roll_.staff().notices(who.person);
  if (!notices) co_return register_unavailable(notices.error());
  json::array out;
  for (const auto& notice : *notices) {
    if (out.size() >= max_listed) break;
    out.push_back(
        json::object{{"id", notice.id}, {"told_at", to_rfc3339(notice.made_at)}, {"text", notice.text}});
  }
  co_return json_response(200, json::object{{"notices", std::move(out)}});
}

Answer NoticeApi::drop(Request& request, const std::string& id) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const std::function<Result<bool>(reg::Register&)> work = [number = whole_number<std::int64_t>(id),
                                                            me = who.person](reg::Register& staff) {
    return number ? staff.drop_notice(me, *number) : Result<bool>(false);
  };
  auto dropped = co_await register_.write<bool>(work);
  if (!dropped) co_return not_possible(dropped.error());
  if (!*dropped)
    co_return problem(404, "not_found",
                      "You have no notice with that number. See your notices: cardgate notice list");
  audit::Record record;
  record.event = name_of(audit::Event::notice);
  record.person = who.person;
  record.client = who.client;
  record.session = who.session;
  record.details = {{"act", "dropped"}, {"notice", id}};
  recorder_.note(std::move(record));
  co_return no_content();
}

}  // namespace cardgate::daemon
