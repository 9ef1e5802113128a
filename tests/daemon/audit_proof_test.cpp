// SPDX-License-Identifier: Apache-2.0
// The whole way: a service says checkpoints in its journal and in a file, and the command finds an older copy by them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "audit/checkpoints.hpp"
#include "audit/verify.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

namespace fs = std::filesystem;
using testing::Stage;

class AuditProofOfService : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.audit_settings =
        fmt::format(", segment_bytes: 65536, checkpoints: {{every: 1s, file: {}}}", kept().string());
  }
  fs::path kept() const { return stage.dir / "checkpoints"; }
  fs::path log() const { return stage.dir / "audit"; }
  void stop() { ASSERT_EQ(stage.stop_daemon(), 0); }
  testing::Finished verify(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"audit",        "verify",        "--dir",
                                       log().string(), "--checkpoints", kept().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return stage.cardgate(arguments);
  }

  Stage stage;
};

TEST_F(AuditProofOfService, AnOlderCopyThatIsPutBackIsFound) {
  stage.up();
  ASSERT_TRUE(stage.daemon->wait_for_line("Checkpoint of the audit log: ", std::chrono::seconds(20)));
  const auto journal = audit::CheckpointBook::parse(stage.daemon->output());
  stop();
  EXPECT_EQ(verify().status, 0) << verify().all;
  const auto file = audit::CheckpointBook::read(kept());
  ASSERT_TRUE(journal && file);
  EXPECT_EQ(journal->entries().front().raw, file->entries().front().raw);
  EXPECT_GE(file->entries().size(), 2U);

  fs::copy(log(), stage.dir / "older", fs::copy_options::recursive);
  stage.start_daemon();
  stop();
  EXPECT_EQ(verify().status, 0) << verify().all;
  fs::remove_all(log());
  fs::rename(stage.dir / "older", log());
  EXPECT_EQ(stage.cardgate({"audit", "verify", "--dir", log().string()}).status, 0) << "sound in itself";
  const auto found = verify();
  EXPECT_EQ(found.status, 1);
  EXPECT_NE(found.all.find("an older copy of the log was put back"), std::string::npos) << found.all;
}

TEST_F(AuditProofOfService, TheKeyIsChangedWhileItIsStopped) {
  stage.up();
  const auto rotate = [&] {
    return *testing::run(
        {built_file("daemon/cardgated"), "--rotate-audit-key", "--config", stage.dir / "cardgated.yaml"},
        std::chrono::seconds(30));
  };
  EXPECT_EQ(rotate().status, 1) << "the service runs";
  stop();
  fs::copy(log() / "key.pub", stage.dir / "first.pub");
  const auto rotated = rotate();
  ASSERT_EQ(rotated.status, 0) << rotated.all;
  EXPECT_FALSE(fs::exists(stage.dir / "state" / "audit-key.next"));
  stage.start_daemon();
  stop();
  const auto found = verify({"--key", (stage.dir / "first.pub").string()});
  EXPECT_EQ(found.status, 0) << found.all;
  EXPECT_NE(found.all.find("the signing key was changed in order"), std::string::npos) << found.all;
}

}  // namespace
}  // namespace cardgate
