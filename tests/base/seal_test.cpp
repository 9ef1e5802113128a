// SPDX-License-Identifier: Apache-2.0
#include "base/seal.hpp"

#include <gtest/gtest.h>

namespace cardgate {
namespace {

TEST(Seal, OpensForItsKeyAndPlaceAlone) {
  init_crypto();
  const Secret key = new_seal_key();
  const auto sealed = seal(key, Secret(std::string_view("12345678")), "card-1");
  EXPECT_EQ(sealed.find("12345678"), std::string::npos);
  EXPECT_NE(sealed, seal(key, Secret(std::string_view("12345678")), "card-1")) << "a nonce of its own";
  const auto opened = unseal(key, sealed, "card-1");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->text(), "12345678");
  EXPECT_EQ(unseal(key, sealed, "card-2").error().code, Errc::corrupt);
  EXPECT_EQ(unseal(new_seal_key(), sealed, "card-1").error().code, Errc::corrupt);
}

TEST(Seal, WhatWasCutOrChangedDoesNotOpen) {
  init_crypto();
  const Secret key = new_seal_key();
  const auto sealed = seal(key, Secret(std::string_view("12345678")), "card-1");
  for (std::size_t length = 0; length < sealed.size(); ++length)
    EXPECT_FALSE(unseal(key, std::string_view(sealed).substr(0, length), "card-1")) << length;
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    auto changed = sealed;
    changed[at] = changed[at] == '0' ? '1' : '0';
    EXPECT_FALSE(unseal(key, changed, "card-1")) << at;
  }
  EXPECT_FALSE(unseal(key, "no hex", "card-1"));
}

}  // namespace
}  // namespace cardgate
