// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/card.hpp"

#include "base/crypto.hpp"
#include "tests/simcard/applet.hpp"

namespace cardgate::simcard {

Card::Card(CardData data, const std::filesystem::path& directory)
    : applet_(std::make_unique<Applet>(std::move(data), directory)) {}

Card::~Card() = default;

Result<std::unique_ptr<Card>> Card::open(const std::filesystem::path& directory) {
  return std::make_unique<Card>(TRY(load_card(directory)), directory);
}

Bytes Card::process(BytesView apdu) {
  const std::lock_guard lock(mutex_);
  exchanges_.fetch_add(1);
  if (faults_.mute) return {};
  if (faults_.nonsense) return random_bytes(1 + random_bytes(1)[0]);
  if (faults_.intercept)
    if (auto answer = faults_.intercept(apdu)) return *answer;
  Bytes answer = applet_->process(apdu, faults_);
  if (faults_.alter) return faults_.alter(apdu, std::move(answer));
  return answer;
}

Bytes Card::power_on() {
  const std::lock_guard lock(mutex_);
  resets_.fetch_add(1);
  applet_->forget();
  return faults_.no_atr ? Bytes{} : atr();
}

void Card::power_off() {
  const std::lock_guard lock(mutex_);
  applet_->forget();
}

Bytes Card::reset() {
  return power_on();
}

Bytes Card::atr() const {
  // T=1, historical bytes of a PIV card: the AID in a compact TLV. Programs know it as plain PIV.
  Bytes atr{0x3B, 0x8B, 0x80, 0x01, 0x80, 0xF9, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00};
  if (applet_->data().extended_length) {
    // ... or its card capabilities instead (ISO/IEC 7816-4 8.1.1.2.7): selection by name, extended Lc and Le.
    atr = {0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0x80, 0x01, 0x40};
  }
  // Without TD1 there is T=0 alone, and no check byte (ISO/IEC 7816-3 8.2.3 and 8.2.5).
  if (applet_->data().t0) return {0x3B, 0x05, 0x80, 0x73, 0x80, 0x01, 0x40};
  std::uint8_t check = 0;
  for (std::size_t i = 1; i < atr.size(); ++i) check = static_cast<std::uint8_t>(check ^ atr[i]);
  atr.push_back(check);
  return atr;
}

Faults Card::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

void Card::set_faults(Faults faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

CardData Card::data() const {
  const std::lock_guard lock(mutex_);
  return applet_->data();
}

bool Card::pin_verified() const {
  const std::lock_guard lock(mutex_);
  return applet_->verified();
}

Result<void> Card::change(const std::function<void(CardData&)>& edit) {
  const std::lock_guard lock(mutex_);
  edit(applet_->data());
  return applet_->save_all();
}

}  // namespace cardgate::simcard
