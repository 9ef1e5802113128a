// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/unblock_desk.hpp"

#include "base/seal.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/rules/keys.hpp"
#include "register/unblocking.hpp"

namespace cardgate::daemon {

Result<std::string> UnblockDesk::sealed(const std::string& card, const Secret& unblocking_key,
                                        bool others_kept) {
  if (others_kept) {
    const auto there = load_seal_key(key_place(state_directory_, card_key_name));
    if (!there && there.error().code == Errc::not_found)
      log(audit::Event::state_lost, there.error().context + ". A new one is made now.");
  }
  const auto key = TRY(load_or_create_seal_key(key_place(state_directory_, card_key_name)));
  return seal(key, unblocking_key, card);
}

boost::asio::awaitable<UnblockDesk::Compared> UnblockDesk::compare(std::string person, std::string card,
                                                                   Passwords::Typed code) {
  Compared out;
  if (passwords_.busy()) {
    out.refusal = passwords_.refuse_busy();
    co_return out;
  }
  std::function<Result<reg::UnblockTry>(reg::Register&)> begin = [file = register_.file(), person,
                                                                  card](reg::Register&) {
    return reg::begin_unblock(file, person, card);
  };
  auto beginning = register_.write<reg::UnblockTry>(std::move(begin));
  const auto attempt = co_await std::move(beginning);
  if (!attempt) {
    out.refusal = register_unavailable(attempt.error());
    co_return out;
  }
  auto comparing = passwords_.fits(attempt->hash, std::move(code));
  const auto fits = co_await std::move(comparing);
  if (!fits) {
    std::function<Result<void>(reg::Register&)> undo = [file = register_.file(), person](reg::Register&) {
      return reg::undo_unblock(file, person);
    };
    auto undoing = register_.write<void>(std::move(undo));
    const auto undone = co_await std::move(undoing);
    out.refusal = undone ? passwords_.refuse_busy() : register_unavailable(undone.error());
    co_return out;
  }
  const bool over = !attempt->expires || *attempt->expires <= clock_.now();
  if (*fits && !over) out.hash = attempt->hash;
  co_return out;
}

boost::asio::awaitable<Result<Secret>> UnblockDesk::spend(std::string person, std::string card,
                                                          std::string hash) {
  // First: without it the code, and the key that it opens, are not to be lost.
  const auto key = load_seal_key(key_place(state_directory_, card_key_name));
  if (!key) {
    log(audit::Event::state_lost, key.error().context);
    co_return Error{Errc::not_found, key.error().context};
  }
  std::function<Result<std::string>(reg::Register&)> spend = [file = register_.file(), person, card,
                                                              hash](reg::Register&) {
    return reg::spend_unblock_code(file, person, card, hash);
  };
  auto spending = register_.write<std::string>(std::move(spend));
  const auto sealed = co_await std::move(spending);
  if (!sealed) co_return sealed.error();
  co_return unseal(*key, *sealed, card);
}

}  // namespace cardgate::daemon
