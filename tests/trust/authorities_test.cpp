// SPDX-License-Identifier: Apache-2.0
// Files and folders of certificates and CRLs, good and bad.
#include "trust/authorities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/file.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

namespace fs = std::filesystem;
using test::Ca;
using testing::HasSubstr;

struct Folder : testing::Test {
  fs::path root_dir = fs::temp_directory_path() / ("cardgate-trust-" + random_id());
  Ca root = Ca::root();
  Ca issuing = root.issuing();
  Bytes leaf = issuing.issue({});

  Folder() {
    for (const char* name : {"anchors", "intermediates", "crls"}) fs::create_directories(root_dir / name);
  }
  ~Folder() override {
    std::error_code code;
    fs::remove_all(root_dir, code);
  }
  void write(const fs::path& name, std::string_view text) const { write(name, as_bytes(text)); }
  void write(const fs::path& name, BytesView bytes) const {
    ASSERT_TRUE(write_file_atomic(root_dir / name, bytes, 0600));
  }
  void write_usual() const {
    write("anchors/root.pem", "Our root:\n" + test::to_pem(root.der(), "CERTIFICATE"));
    write("intermediates/issuing.cer", issuing.der());
    write("crls/all.pem", test::to_pem(root.crl(), "X509 CRL") + test::to_pem(issuing.crl(), "X509 CRL"));
  }
  Result<Authorities> load() const {
    return Authorities::load({.anchors = {root_dir / "anchors"},
                              .intermediates = {root_dir / "intermediates"},
                              .crls = {root_dir / "crls"}});
  }
};

TEST_F(Folder, PemAndDerAreRead) {
  write_usual();
  write("anchors/.hidden", "not looked at");
  fs::create_directory(root_dir / "anchors" / "old");
  const auto all = load().value();
  EXPECT_EQ(all.anchor_count(), 1U);
  EXPECT_EQ(all.intermediate_count(), 1U);
  EXPECT_EQ(all.crl_count(), 2U);
  EXPECT_TRUE(validate(all, leaf, {}, test::noon()).valid);
}

TEST_F(Folder, RepeatsCountOnceAndAnAnchorStaysAnchor) {
  write_usual();
  write("anchors/again.cer", root.der());
  write("intermediates/root.cer", root.der());
  write("crls/again.crl", issuing.crl());
  const auto all = load().value();
  EXPECT_EQ(all.anchor_count(), 1U);
  EXPECT_EQ(all.intermediate_count(), 1U);
}

TEST_F(Folder, EveryBadFileIsNamed) {
  write_usual();
  write("anchors/notes.txt", "hello");
  write("intermediates/cut.cer", BytesView{issuing.der()}.first(100));
  write("crls/cut.pem", test::to_pem(root.crl(), "X509 CRL").substr(0, 120));
  write("crls/empty.pem", "");
  const auto failed = load();
  ASSERT_FALSE(failed);
  for (const char* name : {"notes.txt", "cut.cer", "cut.pem", "empty.pem"}) {
    EXPECT_THAT(failed.error().context, HasSubstr(name));
  }
}

TEST_F(Folder, WrongKindOfBlockIsNamed) {
  write_usual();
  write("crls/cert.pem", test::to_pem(root.der(), "CERTIFICATE"));
  const auto failed = load();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::crl_malformed);
  EXPECT_THAT(failed.error().context, testing::AllOf(HasSubstr("cert.pem"), HasSubstr("CERTIFICATE")));
}

TEST_F(Folder, SecondBlockOfAFileIsChecked) {
  write_usual();
  write("intermediates/two.pem",
        test::to_pem(issuing.der(), "CERTIFICATE") + test::to_pem(Bytes{1, 2}, "CERTIFICATE"));
  const auto failed = load();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().context, HasSubstr("two.pem (block 2)"));
}

TEST_F(Folder, NoAnchorIsAnError) {
  write("intermediates/issuing.cer", issuing.der());
  const auto failed = load();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::invalid_argument);
  EXPECT_THAT(failed.error().context, HasSubstr((root_dir / "anchors").string() + " holds no certificate"));
}

TEST(ListTimes, AreThoseOfTheListsThatNothingReplaces) {
  using test::Ca;
  using test::noon;
  const auto a_day = std::chrono::hours{24};
  const Ca root = Ca::root();
  const Ca issuing = root.issuing();
  const auto times = [&](std::vector<Bytes> lists) {
    return test::authorities({root.der()}, {issuing.der()}, std::move(lists)).list_times();
  };
  EXPECT_EQ(times({}).count, 0U);
  const Bytes old_list = issuing.crl({.next = noon() - a_day, .from = noon() - 9 * a_day, .number = 1});
  const Bytes new_list = issuing.crl({.next = noon() + 3 * a_day, .from = noon() - 2 * a_day, .number = 2});
  const Bytes of_root = root.crl({.next = noon() + 40 * a_day, .from = noon() - 5 * a_day});
  for (const auto& lists :
       {std::vector{old_list, new_list, of_root}, std::vector{of_root, new_list, old_list}}) {
    const auto told = times(lists);
    EXPECT_EQ(told.count, 2U) << "an overdue list that a newer one replaces alarms nobody";
    EXPECT_EQ(told.oldest, noon() - 5 * a_day);
    EXPECT_EQ(told.first_due, noon() + 3 * a_day);
    EXPECT_THAT(told.first_due_file, HasSubstr("CRL "));
  }
  EXPECT_EQ(times({old_list, of_root}).first_due, noon() - a_day);
  // A list that is passed over says nothing, however old it is.
  const Bytes foreign = Ca::root("/O=Elsewhere/CN=Other Root").crl({.next = noon() - a_day});
  EXPECT_EQ(times({of_root, foreign}).count, 1U);
}

TEST_F(Folder, AnchorThatIsNoAuthorityIsRefused) {
  write_usual();
  write("anchors/person.cer", leaf);
  const auto failed = load();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().context, HasSubstr("person.cer"));
}

TEST_F(Folder, MissingPathIsNamed) {
  const auto failed = Authorities::load({.anchors = {root_dir / "nowhere"}, .intermediates = {}, .crls = {}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::not_found);
  EXPECT_THAT(failed.error().context, HasSubstr("nowhere"));
}

TEST_F(Folder, OneCertificateOfAFile) {
  write("leaf.pem", test::to_pem(leaf, "CERTIFICATE"));
  write("two.pem", test::to_pem(leaf, "CERTIFICATE") + test::to_pem(leaf, "CERTIFICATE"));
  write("leaf.cer", leaf);
  EXPECT_EQ(load_certificate(root_dir / "leaf.pem").value(), leaf);
  EXPECT_EQ(load_certificate(root_dir / "leaf.cer").value(), leaf);
  EXPECT_EQ(load_certificate(root_dir / "two.pem").error().code, Errc::certificate_malformed);
  EXPECT_EQ(load_certificate(root_dir / "none").error().code, Errc::not_found);
}

TEST_F(Folder, TruncatedCrlIsRefusedAtEveryLength) {
  const Bytes crl = root.crl({.serials = {"0a", "0b"}});
  for (std::size_t size = 0; size < crl.size(); ++size) {
    const auto part = Bytes(crl.begin(), crl.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(Authorities::parse({{root.der()}, {}, {part}})) << size;
  }
}

TEST_F(Folder, ManyThreadsShareOne) {
  const auto all = test::authorities({root.der()}, {issuing.der()}, {root.crl(), issuing.crl()});
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) good += validate(all, leaf, {}, test::noon()).valid ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace cardgate::trust
