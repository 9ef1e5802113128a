// SPDX-License-Identifier: Apache-2.0
#include "client/agent/notifier.hpp"

#include <gtest/gtest.h>

namespace cardgate::agent {
namespace {

TEST(Notifier, ShowsMarkupAsItIsWritten) {
  EXPECT_EQ(without_markup("<b>A & B</b>"), "&lt;b&gt;A &amp; B&lt;/b&gt;");
  EXPECT_EQ(without_markup("3 tries left."), "3 tries left.");
}

}  // namespace
}  // namespace cardgate::agent
