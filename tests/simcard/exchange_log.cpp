// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/exchange_log.hpp"

#include <algorithm>

namespace cardgate::simcard {
namespace {

bool contains(BytesView apdu, std::initializer_list<std::uint8_t> part) {
  return std::search(apdu.begin(), apdu.end(), part.begin(), part.end()) != apdu.end();
}

bool is_check(BytesView apdu) {
  if (apdu[1] == 0xCB)
    return contains(apdu, {0x5C, 0x01, 0x7E}) || contains(apdu, {0x5C, 0x03, 0x5F, 0xC1, 0x01});
  return apdu[1] == 0x87 && apdu[3] == 0x9E;
}

}  // namespace

ExchangeLog::ExchangeLog(Card& card) {
  Faults faults = card.faults();
  faults.intercept = [state = state_,
                      before = std::move(faults.intercept)](BytesView apdu) -> std::optional<Bytes> {
    if (apdu.size() >= 4) {
      const std::lock_guard lock(state->mutex);
      // GET RESPONSE belongs to what came before it.
      const bool follows = apdu[1] == 0xC0 && !state->entries.empty();
      state->bytes += apdu.size();
      state->entries.push_back(
          {to_hex(apdu.first(4)), follows ? state->entries.back().check : is_check(apdu)});
    }
    auto instead = before ? before(apdu) : std::nullopt;
    if (instead) {
      const std::lock_guard lock(state->mutex);
      state->bytes += instead->size();
    }
    return instead;
  };
  faults.alter = [state = state_, before = std::move(faults.alter)](BytesView apdu, Bytes answer) {
    if (before) answer = before(apdu, std::move(answer));
    const std::lock_guard lock(state->mutex);
    state->bytes += answer.size();
    return answer;
  };
  card.set_faults(std::move(faults));
}

void ExchangeLog::clear() {
  const std::lock_guard lock(state_->mutex);
  state_->entries.clear();
  state_->bytes = 0;
}

std::vector<std::string> ExchangeLog::commands() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::string> headers;
  for (const auto& entry : state_->entries) headers.push_back(entry.header);
  return headers;
}

int ExchangeLog::all() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<int>(state_->entries.size());
}

std::size_t ExchangeLog::bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->bytes;
}

int ExchangeLog::checks() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<int>(std::ranges::count(state_->entries, true, &Entry::check));
}

}  // namespace cardgate::simcard
