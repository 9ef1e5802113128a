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
constexpr auto change_refused = audit::Event::sign_in_refused;

}  // namespace

/// After the old password was right.
std::optional<Response> PasswordApi::refuse_change(const Peer& peer, const reg::Credential& old,
                                                   const Secret& typed, const Secret& wanted) {
  if (old.must_change && old.expires && *old.expires <= clock_.now()) {
    return passwords_.refuse(
        peer, change_refused,
        problem(403, "password_expired",
                "This temporary password is too old to be used. Ask the smartcard help desk for another."),
        "password_expired", old.person);
  }
  const auto holder = roll_.person(old.person);
  if (!holder) return register_unavailable(holder.error());
  const auto standing =
      policy::decide_sign_in(*rules_.policy(), (*holder)->facts, policy::SignIn::password, clock_.now());
  if (auto no = passwords_.refuse_standing(peer, change_refused, standing, old.person)) return no;
  if (equal_constant_time(typed.bytes(), wanted.bytes())) {
    return problem(400, "password_refused",
                   "The new password is the same as the old one. Choose another. Nothing was changed.");
  }
  return passwords_.refuse_new(wanted, (*holder)->record);
}

Answer PasswordApi::change(Request& request) {
  const Peer& peer = *request.peer;
  auto ask = proto::parse_password_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (auto no = passwords_.refuse_typing(peer, change_refused)) co_return std::move(*no);
  const auto typed = std::make_shared<const Secret>(std::move(ask->password));
  const auto wanted = std::make_shared<const Secret>(std::move(ask->new_password));
  auto checking =
      passwords_.check(peer, {reg::CredentialKind::password, change_refused, ask->username, typed});
  auto checked = co_await std::move(checking);
  if (checked.refusal) co_return std::move(*checked.refusal);
  const reg::Credential credential = checked.credential;
  if (auto no = refuse_change(peer, credential, *typed, *wanted)) co_return std::move(*no);
  auto hashing = passwords_.hash(wanted);
  const auto hash = co_await std::move(hashing);
  if (!hash) co_return passwords_.refuse_busy();
  if (auto no = passwords_.refuse_holder(peer, change_refused, credential.person)) co_return std::move(*no);
  PasswordDeed deed;
  deed.record.event = name_of(audit::Event::password_changed);
  deed.record.person = credential.person;
  deed.record.client = describe(peer);
  deed.record.reason = credential.must_change ? "temporary" : "own";
  deed.how = [credential, hash = *hash](reg::Credentials& file, WallTime at) {
    return file.set_password({credential.person, hash, false, {}}, credential.hash, at);
  };
  deed.overtaken =
      problem(409, "password_changed",
              "Somebody else changed this password at the same time, so yours was not saved. Sign "
              "in with the other new password, or ask the smartcard help desk.");
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  log(audit::Event::password_changed, "a password was changed", {{"CARDGATE_PERSON", credential.person}});
  co_return no_content();
}

Answer PasswordApi::reset(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  HandOut out{request};
  auto admitting = help_desk_.admit(out, given);
  if (auto no = co_await std::move(admitting)) co_return std::move(*no);
  std::function<Result<bool>(reg::Credentials&)> look =
      [who = out.person](reg::Credentials& file) -> Result<bool> {
    return TRY(file.password_state(who))
    .exists;
  };
  auto looking = register_.on_file<bool>(std::move(look));
  const auto has_one = co_await std::move(looking);
  if (!has_one) co_return register_unavailable(has_one.error());
  if (!*has_one) {
    co_return problem(409, "no_password",
                      "This person has no password yet. They ask for an account with: cardgate enrol. Then "
                      "give them a code: cardgate enrol code");
  }

  auto making = help_desk_.make(out, password_groups);
  if (auto no = co_await std::move(making)) co_return std::move(*no);
  const WallTime expires = clock_.now() + rules_.config().passwords.reset_life;
  auto deed = help_desk_.deed_of(out, audit::Event::password_reset);
  deed.record.reason = reason;
  deed.how = [who = out.person, hash = out.hash, expires](reg::Credentials& file, WallTime at) {
    return file.set_password({who, hash, true, expires}, {}, at);
  };
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  log(audit::Event::password_reset, "A password was replaced by a temporary one.",
      {{"CARDGATE_PERSON", out.person}});
  co_return shown_once("temporary_password", *out.secret, out.username, expires);
}

}  // namespace cardgate::daemon
