// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/secret.hpp"

int main(int argc, char** argv) {
  cardgate::init_crypto();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
