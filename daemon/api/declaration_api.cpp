// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/declaration_api.hpp"

#include <fmt/format.h>

#include "daemon/people/answers.hpp"
#include "policy/standing.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {

Answer DeclarationApi::list(Request& request) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto me = roll_.person(who.person);
  if (!me) co_return no_person(me.error(), who.person);
  const auto& [record, facts] = **me;
  json::array texts;
  for (const auto& [wanted, text, hash, roles] : work::declaration_texts(*rules_.policy())) {
    const auto standing = policy::standing_of(wanted, facts, {}, std::chrono::sys_days(clock_.today()));
    texts.push_back(
        json::object{{"name", wanted.subject},
                     {"version", wanted.version},
                     {"title", wanted.title},
                     {"text", text},
                     {"text_hash", hash},
                     {"roles", json::array(roles.begin(), roles.end())},
                     {"guidance", to_json(rules_.policy()->guidance(wanted.subject))},
                     {"signed", standing.met()},
                     {"valid_until", standing.met() ? day_json(standing.date) : json::value(nullptr)}});
  }
  co_return json_response(
      200, json::object{{"declarations", std::move(texts)}, {"signatures", list_json(record.declarations)}});
}

Answer DeclarationApi::sign(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto name = body.text("name");
  const auto version = body.optional_text("version").value_or(std::string());
  const auto hash = body.text("text_hash");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actors_.in_person(request, "sign-declaration");
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = name_of(audit::Event::declaration_signed);
  deed.record.details = {{"name", name}, {"version", version}, {"text", hash}};
  deed.people = {who.person};
  deed.how = [=, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::sign_declaration(people.front(), *policy, name, version, hash, when);
  };
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  co_return json_response(201, to_json(done.people.front().declarations.back()));
}

}  // namespace cardgate::daemon
