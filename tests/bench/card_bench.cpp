// SPDX-License-Identifier: Apache-2.0
// Card round trips per sign-in, counted at the virtual card behind the real pcscd: cardgate, cold, from the
// insertion to the session, beside OpenSC's and Yubico's tools on the same card. Counts, not times: they do
// not depend on the machine. Runs inside in-reader-namespace.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "base/secret.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/simcard/exchange_log.hpp"

namespace {

using namespace cardgate;
using simcard::KeyKind;
using testing::Stage;

constexpr const char* missing = "not installed";

std::string pkcs11_module() {
  for (const char* path :
       {"/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so", "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so"})
    if (std::filesystem::exists(path)) return path;
  return "opensc-pkcs11.so";
}

void must_run(std::vector<std::string> argv) {
  const std::string name = argv.front();
  const auto finished = testing::run(std::move(argv));
  if (!finished || finished->status != 0)
    throw std::runtime_error(name + ": " + (finished ? finished->all : finished.error().message()));
}

struct Counts {
  int cold = 0, known = 0, with_passcode = 0, checks = 0;
  std::size_t certificate = 0;
  std::string opensc, yubico;
};

Counts count(KeyKind kind, bool extended) {
  Counts counts;
  Stage stage;
  stage.up(kind);
  auto& card = *stage.card;
  if (!card.change([&](simcard::CardData& data) { data.extended_length = extended; }))
    throw std::runtime_error("the card cannot be changed");
  counts.certificate = card.data().authentication.certificate.size();

  simcard::ExchangeLog log(card);
  stage.insert_and_wait();
  counts.cold = log.counted();
  counts.checks = log.checks();
  if (const auto answer = stage.sign_in(); answer.status / 100 != 2)
    throw std::runtime_error("sign-in: " + answer.body);
  counts.with_passcode = log.counted() - counts.cold;
  stage.pull();
  log.clear();
  stage.insert_and_wait();
  counts.known = log.counted();

  // Nobody else looks at the card while the others use it.
  if (stage.stop_daemon() != 0) throw std::runtime_error("cardgated did not end in order");
  const auto file = [&](std::string_view name) { return (stage.dir / name).string(); };
  const bool rsa = simcard::facts_of(kind).rsa;
  if (!write_file_atomic(file("challenge"), Bytes(32, 0x5A), 0600))
    throw std::runtime_error("cannot write a file");
  counts.opensc = counts.yubico = missing;
  if (testing::has_program("pkcs11-tool")) {
    card.clear_exchanges();
    must_run({"pkcs11-tool", "--module", pkcs11_module(), "--login", "--pin", Stage::pin, "--sign", "--id",
              "01", "-m", rsa ? "SHA256-RSA-PKCS" : "ECDSA", "--input-file", file("challenge"),
              "--output-file", file("signature")});
    counts.opensc = std::to_string(card.exchanges());
  }
  if (kind == KeyKind::rsa3072) {
    counts.yubico = "not supported";
  } else if (testing::has_program("yubico-piv-tool")) {
    card.clear_exchanges();
    must_run({"yubico-piv-tool", "--reader", "Virtual PCD", "-a", "read-certificate", "-s", "9a", "-o",
              file("read.pem")});
    must_run({"yubico-piv-tool", "--reader", "Virtual PCD", "-a", "verify-pin", "-P", Stage::pin, "-a",
              "test-signature", "-s", "9a", "-i", file("read.pem")});
    counts.yubico = std::to_string(card.exchanges());
  }
  return counts;
}

}  // namespace

int main() {
  init_crypto();
  try {
    fmt::print(
        "Card round trips per sign-in, the two looks at the tries among them. Checks: card authentication "
        "and the "
        "Discovery Object, before anybody types and not in the sums\n\n"
        "| key | APDUs | certificate | card in, new / known | passcode typed | sum, new / known | checks | "
        "pkcs11-tool "
        "--login --sign | yubico-piv-tool |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (const bool extended : {false, true}) {
      for (const auto kind : {KeyKind::rsa2048, KeyKind::p256, KeyKind::rsa3072, KeyKind::p384}) {
        const auto counts = count(kind, extended);
        fmt::print("| {} | {} | {} bytes | {} / {} | {} | {} / {} | {} | {} | {} |\n", simcard::name(kind),
                   extended ? "extended" : "short", counts.certificate, counts.cold, counts.known,
                   counts.with_passcode, counts.cold + counts.with_passcode,
                   counts.known + counts.with_passcode, counts.checks, counts.opensc, counts.yubico);
        std::fflush(stdout);
      }
    }
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_cards: %s\n", failure.what());
    return 1;
  }
}
