// SPDX-License-Identifier: Apache-2.0
// What a validation costs beside the bare signature verifications that it cannot do without, and what a CRL
// of a million entries costs: loading, memory, look-up.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>
#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "base/crypto.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/answers.hpp"
#include "trust/certificate.hpp"

namespace {

using namespace cardgate;
using std::chrono::steady_clock;
using test::Ca;
using test::noon;

struct House {
  explicit House(const test::Key& (*make)(), bool ocsp) : House(Ca::root("/CN=Root", make()), make, ocsp) {}
  House(Ca made, const test::Key& (*make)(), bool with_ocsp)
      : root(std::move(made)),
        issuing(root.sub({.subject = "/CN=Issuing",
                          .key = make(),
                          .from = noon() - 9 * test::day,
                          .until = noon() + 9 * test::day})),
        leaf(issuing.issue({.key = make()})),
        authorities(test::authorities({root.der()}, {issuing.der()}, crls(with_ocsp))) {
    if (with_ocsp) (void)answers.add_ocsp(issuing.ocsp(leaf));
  }
  std::vector<Bytes> crls(bool with_ocsp) const {
    std::vector<Bytes> out{root.crl()};
    if (!with_ocsp) out.push_back(issuing.crl());
    return out;
  }
  Ca root, issuing;
  Bytes leaf;
  trust::Authorities authorities;
  trust::Answers answers;
};

const test::Key& rsa() {
  static const test::Key key = test::new_rsa();
  return key;
}
const test::Key& p256() {
  static const test::Key key = test::new_p256();
  return key;
}

void validation(benchmark::State& state, const test::Key& (*make)(), bool ocsp) {
  const House house(make, ocsp);
  for (auto _ : state) {
    const auto verdict = trust::validate(house.authorities, house.answers, house.leaf, {}, noon());
    if (!verdict.valid) state.SkipWithError("not valid");
  }
}

/// The leaf's signature and its issuer's: what OpenSSL needs for these two alone.
void bare_signatures(benchmark::State& state, const test::Key& (*make)(), bool) {
  const House house(make, false);
  const auto parse = [](const Bytes& der) {
    const unsigned char* at = der.data();
    return d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  };
  X509* leaf = parse(house.leaf);
  X509* issuing = parse(house.issuing.der());
  for (auto _ : state) {
    const bool good = X509_verify(leaf, house.issuing.key().get()) == 1 &&
                      X509_verify(issuing, house.root.key().get()) == 1;
    if (!good) state.SkipWithError("not signed");
  }
  X509_free(leaf);
  X509_free(issuing);
}

/// The leaf taken apart, as it comes from the card: its key alone is most of it.
void bare_parsing(benchmark::State& state, const test::Key& (*make)(), bool) {
  const House house(make, false);
  for (auto _ : state) {
    const unsigned char* at = house.leaf.data();
    X509_free(d2i_X509(nullptr, &at, static_cast<long>(house.leaf.size())));
  }
}

/// What this process holds of the heap, in MiB.
double held() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / (1 << 20);
}

/// A CRL of the issuing authority with so many entries, each with a serial number of 20 octets and a reason.
Bytes large_crl(const Ca& issuing, std::size_t count) {
  const Bytes empty = issuing.crl();
  const unsigned char* at = empty.data();
  X509_CRL* crl = d2i_X509_CRL(nullptr, &at, static_cast<long>(empty.size()));
  for (std::size_t i = 0; i < count; ++i) {
    X509_REVOKED* entry = X509_REVOKED_new();
    std::array<unsigned char, 20> serial{0x11};
    for (std::size_t k = 0; k < 8; ++k)
      serial[19 - k] = static_cast<unsigned char>((i * 2654435761U) >> (8 * k));
    ASN1_INTEGER* number = ASN1_INTEGER_new();
    ASN1_STRING_set(number, serial.data(), serial.size());
    X509_REVOKED_set_serialNumber(entry, number);
    ASN1_INTEGER_free(number);
    ASN1_TIME* time = ASN1_TIME_set(nullptr, 1'700'000'000);
    X509_REVOKED_set_revocationDate(entry, time);
    ASN1_TIME_free(time);
    ASN1_ENUMERATED* reason = ASN1_ENUMERATED_new();
    ASN1_ENUMERATED_set(reason, 1);
    X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
    ASN1_ENUMERATED_free(reason);
    X509_CRL_add0_revoked(crl, entry);
  }
  X509_CRL_sign(crl, issuing.key().get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(crl, &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  X509_CRL_free(crl);
  return out;
}

/// One line each; loading happens once, so it is no benchmark of many rounds.
void large_lists(bool quick) {
  const Ca root = Ca::root();
  const Ca issuing = root.issuing();
  const Bytes leaf = issuing.issue({});
  fmt::print("\n{:>10} {:>9} {:>12} {:>14} {:>16}\n", "entries", "CRL, MB", "load, ms", "memory, MiB",
             "validation, us");
  for (const std::size_t count :
       {std::size_t{10}, std::size_t{1000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
    if (quick && count > 100'000) break;
    std::vector<Bytes> crls{root.crl(), large_crl(issuing, count)};
    const auto size = static_cast<double>(crls[1].size()) / 1e6;
    const double before = held() - static_cast<double>(crls[0].size() + crls[1].size()) / (1 << 20);
    auto start = steady_clock::now();
    const auto authorities = trust::Authorities::parse({{root.der()}, {issuing.der()}, std::move(crls)});
    const std::chrono::duration<double, std::milli> load = steady_clock::now() - start;
    const double after = held();
    constexpr int rounds = 300;
    start = steady_clock::now();
    for (int i = 0; i < rounds; ++i) {
      if (!trust::validate(*authorities, leaf, {}, noon()).valid) fmt::print("not valid\n");
    }
    const std::chrono::duration<double, std::micro> all = steady_clock::now() - start;
    fmt::print("{:>10} {:>9.1f} {:>12.1f} {:>14.1f} {:>16.1f}\n", count, size, load.count(), after - before,
               all.count() / rounds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  bool quick = false;
  const auto end = std::remove_if(argv, argv + argc, [&](const char* argument) {
    const bool ours = std::string_view(argument) == "--quick";
    quick = quick || ours;
    return ours;
  });
  argc = static_cast<int>(end - argv);
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("validate/rsa2048/crl", validation, rsa, false);
  benchmark::RegisterBenchmark("validate/rsa2048/ocsp", validation, rsa, true);
  benchmark::RegisterBenchmark("bare_signatures/rsa2048", bare_signatures, rsa, false);
  benchmark::RegisterBenchmark("bare_parsing/rsa2048", bare_parsing, rsa, false);
  benchmark::RegisterBenchmark("validate/p256/crl", validation, p256, false);
  benchmark::RegisterBenchmark("validate/p256/ocsp", validation, p256, true);
  benchmark::RegisterBenchmark("bare_signatures/p256", bare_signatures, p256, false);
  benchmark::RegisterBenchmark("bare_parsing/p256", bare_parsing, p256, false);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  large_lists(quick);
  return 0;
}
