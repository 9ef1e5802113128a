// SPDX-License-Identifier: Apache-2.0
#include "client/command/wrap.hpp"

#include <gtest/gtest.h>

namespace cardgate::client {
namespace {

TEST(Wrap, CutsAtBlanksAndSetsTheRestIn) {
  EXPECT_EQ(wrapped("  - Ask your line manager to verify that", 20),
            "  - Ask your line\n    manager to\n    verify that");
  EXPECT_EQ(wrapped("short\nlines stay", 20), "short\nlines stay");
  EXPECT_EQ(wrapped("", 20), "");
}

TEST(Wrap, CountsCharactersAndLeavesLongWordsWhole) {
  EXPECT_EQ(wrapped("Zoë Zoë Zoë", 11), "Zoë Zoë Zoë");
  EXPECT_EQ(wrapped("card 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01 is lost", 12),
            "card\n  8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01\n  is lost");
}

}  // namespace
}  // namespace cardgate::client
