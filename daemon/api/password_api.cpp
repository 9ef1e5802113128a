// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/password_api.hpp"

#include "base/crypto.hpp"
#include "daemon/api/secret_answers.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t password_groups = 4;  // 80 bits

}  // namespace

Answer PasswordApi::change(Request& request) {
  const Peer& peer = *request.peer;
  constexpr std::string_view event = "sign_in_refused";
  auto ask = proto::parse_password_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = passwords_.refuse_typing(peer, event)) co_return std::move(*no);
  const auto typed = std::make_shared<const Secret>(std::move(ask->password));
  const auto wanted = std::make_shared<const Secret>(std::move(ask->new_password));
  auto checking = passwords_.check(peer, {reg::CredentialKind::password, event, ask->username, typed});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential credential = checked.credential;
  if (credential.must_change && credential.expires && *credential.expires <= clock_.now()) {
    co_return passwords_.refuse(
        peer, event,
        problem(403, "password_expired",
                "This temporary password is too old to be used. Ask the smartcard help desk for another."),
        "password_expired", credential.person);
  }
  const auto holder = roll_.person(credential.person);
  if (!holder) co_return register_unavailable(holder.error());
  const auto standing =
      policy::decide_sign_in(*rules_.policy(), (*holder)->facts, policy::SignIn::password, clock_.now());
  if (auto no = passwords_.refuse_standing(peer, event, standing, credential.person))
    co_return std::move(*no);
  if (equal_constant_time(typed->bytes(), wanted->bytes())) {
    co_return problem(400, "password_refused",
                      "The new password is the same as the old one. Choose another. Nothing was changed.");
  }
  if (auto no = passwords_.refuse_new(*wanted, (*holder)->record)) co_return std::move(*no);
  auto hashing = passwords_.hash(wanted);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return passwords_.refuse_busy();
  if (auto no = passwords_.refuse_holder(peer, event, credential.person)) co_return std::move(*no);
  audit::Record record;
  record.event = "password_changed";
  record.person = credential.person;
  record.client = describe(peer);
  record.reason = credential.must_change ? "temporary" : "own";
  if (!co_await deeds_.recorded(record)) co_return recorder_.unavailable();
  std::function<Result<void>(reg::Credentials&)> save = [credential, hash = *hash,
                                                         at = clock_.now()](reg::Credentials& file) {
    return file.set_password({credential.person, hash, false, {}}, credential.hash, at);
  };
  auto saving = register_.on_file<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    deeds_.note_not_done(std::move(record), saved.error());
    if (saved.error().code == Errc::cancelled)
      co_return problem(409, "password_changed",
                        "Somebody else changed this password at the same time, so yours was not saved. Sign "
                        "in with the other new password, or ask the smartcard help desk.");
    co_return register_unavailable(saved.error());
  }
  passwords_.changed(credential.person);
  deeds_.ended(record);
  log(Level::info, "a password was changed",
      {{"CARDGATE_EVENT", "password_changed"}, {"CARDGATE_PERSON", credential.person}});
  co_return no_content();
}

Answer PasswordApi::reset(Request& request) {
  const Peer& peer = *request.peer;
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, given, policy::Act::give_codes);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string who = std::move(meant.id);
  auto helper = actors_.may_give_codes(request, who);
  if (helper.refusal) co_return std::move(*helper.refusal);
  const auto act = waiting_acts_.begin(helper.session, actors_.right_of(helper));
  if (!recorder_.works()) co_return recorder_.unavailable();
  if (passwords_.busy()) co_return passwords_.refuse_busy();
  const auto holder = roll_.person(who);
  if (!holder) co_return no_person(holder.error(), who);
  const std::string username = username_of((*holder)->record);
  std::function<Result<bool>(reg::Credentials&)> look = [who](reg::Credentials& file) {
    return file.has_password(who);
  };
  auto looking = register_.on_file<bool>(std::move(look));
  const auto has_one = co_await std::move(looking);
  if (!has_one) co_return register_unavailable(has_one.error());
  if (!*has_one) {
    co_return problem(409, "no_password",
                      "This person has no password yet. They ask for an account with: cardgate enrol. Then "
                      "give them a code: cardgate enrol code");
  }

  const auto temporary = std::make_shared<const Secret>(random_code(password_groups));
  auto hashing = passwords_.hash(temporary);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return passwords_.refuse_busy();
  const WallTime expires = clock_.now() + rules_.config().passwords.reset_life;
  audit::Record record;
  record.event = "password_reset";
  record.person = who;
  record.client = describe(peer);
  record.session = helper.session;
  record.role = helper.role;
  record.reason = reason;
  record.details["by"] = helper.person;
  if (!co_await deeds_.recorded(record)) co_return recorder_.unavailable();
  if (auto over = actors_.refuse_if_over(helper)) {
    deeds_.note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    co_return std::move(*over);
  }
  std::function<Result<void>(reg::Register&, reg::Credentials&)> save =
      [who, hash = *hash, expires, at = clock_.now(), still = actors_.still_allowed(helper, act)](
          reg::Register& staff, reg::Credentials& file) -> Result<void> {
    TRY(still(staff));
    return file.set_password({who, hash, true, expires}, {}, at);
  };
  auto saving = register_.on_both<void>(std::move(save));
  const auto saved = co_await std::move(saving);
  if (!saved) {
    deeds_.note_not_done(std::move(record), saved.error());
    co_return not_saved(saved.error(), actors_.refuse_if_over(helper));
  }
  passwords_.changed(who);
  deeds_.ended(record);
  log(Level::info, "A password was replaced by a temporary one.",
      {{"CARDGATE_EVENT", "password_reset"}, {"CARDGATE_PERSON", who}});
  co_return shown_once("temporary_password", *temporary, username, expires);
}

}  // namespace cardgate::daemon
