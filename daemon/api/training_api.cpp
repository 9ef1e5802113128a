// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/training_api.hpp"

#include <fmt/format.h>

#include "daemon/people/answers.hpp"
#include "policy/standing.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {

Answer TrainingApi::list(Request& request) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  std::string subject = who.person;
  if (const auto* given = request.parameter("person")) {
    auto meaning = people_.meant(request, *given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    subject = std::move(meant.id);
    who = actors_.myself(request);  // the session may have ended while the names were read
    if (who.refusal) co_return std::move(*who.refusal);
  }
  if (subject != who.person) {
    who = actors_.actor(request, policy::Act::see_people, subject);
    if (who.refusal) co_return std::move(*who.refusal);
    if (auto no = people_.note_look(request, who, subject, "training")) co_return std::move(*no);
  }
  const auto record = roll_.staff().person(subject);
  if (!record) co_return no_person(record.error(), subject);
  Names names(roll_.staff());
  co_return json_response(200, json::object{{"training", list_json(record->training, names)}});
}

Answer TrainingApi::record(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  reg::Training training;
  training.course = body.text("course");
  training.completed_on = body.date("completed_on");
  training.valid_until = body.optional_date("valid_until");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, given, policy::Act::record_training);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string subject = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::record_training, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = name_of(audit::Event::training_recorded);
  deed.record.details = {{"course", training.course}, {"completed_on", to_text(training.completed_on)}};
  deed.people = {subject};
  deed.how = [training, when = actors_.doer(who),
              policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::record_training(people.front(), *policy, training, when);
  };
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  Names names(roll_.staff());
  co_return json_response(201, to_json(done.people.front().training.back(), names));
}

}  // namespace cardgate::daemon
