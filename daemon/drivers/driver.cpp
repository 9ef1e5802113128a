// SPDX-License-Identifier: Apache-2.0
#include "daemon/drivers/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/drivers/piv_driver.hpp"
#include "daemon/drivers/pkcs11_driver.hpp"

namespace cardgate::daemon {
namespace {

/// Every kind of card there is: the name in the config, and what makes its driver.
struct Kind {
  std::string_view name;
  Result<std::shared_ptr<const CardDriver>> (*make)(const CardSettings& settings);
};
constexpr std::array kinds{
    Kind{"piv", make_piv_driver},
    Kind{"pkcs11", make_pkcs11_driver},
};

}  // namespace

Result<void> check_tries(int tries, const PasscodeUse& use) {
  if (tries == 0) return Error{Errc::pin_blocked, "the card is blocked"};
  if (tries != use.tries_shown) return Error{Errc::card_changed, "the tries left are not those shown", tries};
  if (tries == 1 && !use.spend_last_try) return Error{Errc::pin_last_try, "one try is left", 1};
  return {};
}

Result<CardDrivers> make_drivers(const CardSettings& settings) {
  CardDrivers drivers;
  std::string names;
  for (const auto& kind : kinds) names += fmt::format("{}{}", names.empty() ? "" : ", ", kind.name);
  for (const auto& name : settings.drivers) {
    const auto* found = std::ranges::find(kinds, std::string_view(name), &Kind::name);
    if (found == kinds.end())
      return Error{Errc::config_invalid,
                   fmt::format("there is no card driver '{}'; there are: {}", name, names)};
    drivers.push_back(TRY(found->make(settings)));
  }
  return drivers;
}

}  // namespace cardgate::daemon
