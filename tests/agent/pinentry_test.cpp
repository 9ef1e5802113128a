// SPDX-License-Identifier: Apache-2.0
// Programs that speak Assuan badly. The real pinentry is in agent_test.cpp.
#include "client/agent/pinentry.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/support/process.hpp"

namespace cardgate::agent {
namespace {

using cardgate::testing::TempDir;

class BadPinentry : public ::testing::Test {
 protected:
  Answer asks(const std::string& script) {
    const auto program = dir / "pinentry";
    EXPECT_TRUE(write_file_atomic(program, as_bytes("#!/bin/sh\n" + script), 0755));
    boost::asio::io_context io;
    Pinentry::Setting setting;
    setting.program = program;
    Pinentry pinentry(io, setting);
    std::optional<Answer> out;
    pinentry.ask({.kind = Prompt::Kind::passcode, .title = "t", .description = "d", .label = "l"},
                 [&](Answer answer, Secret) {
                   out = answer;
                   io.stop();
                 });
    io.run_for(seconds(20));
    EXPECT_TRUE(out);
    return out.value_or(Answer::closed);
  }
  TempDir dir;
};

TEST_F(BadPinentry, AnErrorBeforeTheGreetingIsNoAnswer) {
  EXPECT_EQ(asks("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo 'ERR 83886179 Operation cancelled'; done\n"),
            Answer::failed);
}

TEST_F(BadPinentry, AGreetingThatComesLateSendsNothingBeyondTheQuestion) {
  for (int errors = 1; errors < 12; ++errors) {
    EXPECT_EQ(asks("i=0; while [ $i -lt " + std::to_string(errors) +
                   " ]; do echo 'ERR 1 no'; i=$((i + 1)); done; echo OK; echo OK\n"),
              Answer::failed);
  }
}

}  // namespace
}  // namespace cardgate::agent
