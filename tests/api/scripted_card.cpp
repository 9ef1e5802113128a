// SPDX-License-Identifier: Apache-2.0
#include "tests/api/scripted_card.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace cardgate::testing {
namespace {

/// The block is a hash already, so nothing is hashed here.
Bytes sign_block(const test::Key& key, BytesView block) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context{
      EVP_PKEY_CTX_new(key.get(), nullptr), EVP_PKEY_CTX_free};
  std::size_t size = 0;
  if (!context || EVP_PKEY_sign_init(context.get()) != 1 ||
      EVP_PKEY_sign(context.get(), nullptr, &size, block.data(), block.size()) != 1)
    throw std::runtime_error("a test card cannot sign");
  Bytes signature(size);
  if (EVP_PKEY_sign(context.get(), signature.data(), &size, block.data(), block.size()) != 1)
    throw std::runtime_error("a test card cannot sign");
  signature.resize(size);
  return signature;
}

Error no_card() {
  return {Errc::pcsc_no_card, "no card is in"};
}

}  // namespace

void ScriptedDriver::put(const std::string& reader, ScriptedCard card) {
  const std::lock_guard lock(mutex_);
  cards_[reader] = std::move(card);
}

void ScriptedDriver::take(const std::string& reader) {
  const std::lock_guard lock(mutex_);
  cards_.erase(reader);
}

void ScriptedDriver::hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

void ScriptedDriver::release() {
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
  }
  changed_.notify_all();
}

bool ScriptedDriver::held() const {
  const std::lock_guard lock(mutex_);
  return waiting_ > 0;
}

int ScriptedDriver::passcodes_spent() const {
  const std::lock_guard lock(mutex_);
  return spent_;
}

Result<daemon::CardContents> ScriptedDriver::read(const std::string& reader, BytesView message,
                                                  daemon::ChuidPart, std::stop_token) const {
  const std::lock_guard lock(mutex_);
  const auto found = cards_.find(reader);
  if (found == cards_.end()) return no_card();
  daemon::CardContents contents;
  contents.certificate = found->second.certificate;
  contents.tries_left = found->second.tries_left;
  if (!found->second.presence_certificate.empty()) {
    contents.presence_certificate = found->second.presence_certificate;
    contents.presence_signature = test::sign(found->second.key, message);
  }
  return contents;
}

Result<int> ScriptedDriver::count_tries(const std::string& reader, int, std::stop_token) const {
  const std::lock_guard lock(mutex_);
  const auto found = cards_.find(reader);
  if (found == cards_.end()) return no_card();
  return found->second.tries_left;
}

Result<ScriptedCard*> ScriptedDriver::card_when_let_go(std::unique_lock<std::mutex>& lock,
                                                       const std::string& reader,
                                                       std::stop_token stop) const {
  ++waiting_;
  const bool let_go = changed_.wait(lock, std::move(stop), [this] { return !holding_; });
  --waiting_;
  if (!let_go) return Error{Errc::cancelled, "stopped before the passcode was given"};
  const auto found = cards_.find(reader);
  if (found == cards_.end()) return no_card();
  return &found->second;
}

Result<Bytes> ScriptedDriver::sign(daemon::PasscodeUse use, const trust::CertificateInfo&, BytesView block,
                                   std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  ScriptedCard& card = *TRY(card_when_let_go(lock, use.reader, std::move(stop)));
  if (auto may = daemon::check_tries(card.tries_left, use); !may) return may.error();
  ++spent_;
  if (use.passcode.text() != card.passcode)
    return Error{Errc::pin_incorrect, "the passcode is wrong", --card.tries_left};
  return sign_block(card.key, block);
}

Result<void> ScriptedDriver::change_passcode(daemon::PasscodeUse use, Secret fresh,
                                             std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  ScriptedCard& card = *TRY(card_when_let_go(lock, use.reader, std::move(stop)));
  TRY(daemon::check_tries(card.tries_left, use));
  ++spent_;
  if (use.passcode.text() != card.passcode)
    return Error{Errc::pin_incorrect, "the passcode is wrong", --card.tries_left};
  card.passcode = fresh.text();
  return {};
}

Result<void> ScriptedDriver::unblock(daemon::UnblockUse use, Secret fresh, std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  ScriptedCard& card = *TRY(card_when_let_go(lock, use.reader, std::move(stop)));
  ++spent_;
  if (use.unblocking_key.text() != card.unblocking_key)
    return Error{Errc::puk_incorrect, "the unblocking key is wrong", --card.unblocking_tries_left};
  card.passcode = fresh.text();
  card.tries_left = card.unblocking_tries_left = 3;
  return {};
}

}  // namespace cardgate::testing
