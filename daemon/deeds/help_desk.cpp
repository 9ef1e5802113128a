// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/help_desk.hpp"

#include "base/password.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {

boost::asio::awaitable<std::optional<Response>> HelpDesk::admit(HandOut& out, std::string given) {
  auto meaning = people_.meant(out.request, std::move(given), policy::Act::give_codes);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(meant.refusal);
  out.person = std::move(meant.id);
  out.helper = actors_.may_give_codes(out.request, out.person);
  if (out.helper.refusal) co_return std::move(out.helper.refusal);
  out.act = waiting_acts_.begin(out.helper.session, actors_.right_of(out.helper));
  if (!recorder_.works()) co_return recorder_.unavailable();
  if (passwords_.busy()) co_return passwords_.refuse_busy();
  const auto holder = roll_.person(out.person);
  if (!holder) co_return no_person(holder.error(), out.person);
  out.username = username_of((*holder)->record);
  co_return std::nullopt;
}

boost::asio::awaitable<std::optional<Response>> HelpDesk::make(HandOut& out, std::size_t groups) {
  out.secret = std::make_shared<const Secret>(random_code(groups));
  auto hashing = passwords_.hash(out.secret);
  auto hash = co_await std::move(hashing);
  if (!hash) co_return passwords_.refuse_busy();
  out.hash = std::move(*hash);
  co_return std::nullopt;
}

PasswordDeed HelpDesk::deed_of(const HandOut& out, audit::Event event, json::object details) {
  PasswordDeed deed;
  deed.record.event = name_of(event);
  deed.record.person = out.person;
  deed.record.client = describe(*out.request.peer);
  deed.record.session = out.helper.session;
  deed.record.role = out.helper.role;
  deed.record.details = std::move(details);
  deed.record.details["by"] = out.helper.person;
  deed.helper = &out.helper;
  deed.act = out.act;
  return deed;
}

}  // namespace cardgate::daemon
