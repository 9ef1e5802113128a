// SPDX-License-Identifier: Apache-2.0
// cardgate-fetch: moves CRL and OCSP bytes from the configured hosts to cardgated, which has no network, and
// judges none of them. systemd starts one process for each request; with --listen it starts them itself.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/crypto.hpp"
#include "daemon/fetch/download.hpp"
#include "daemon/helper/serve.hpp"
#include "daemon/helper/stream.hpp"

namespace cardgate::daemon::fetch {
namespace {

constexpr std::chrono::seconds time_to_hand_over{10};

int converse(int connection) {
  const auto start = std::chrono::steady_clock::now();
  const auto message = receive(connection, max_request_bytes, start + std::chrono::seconds(2));
  if (!message) return 1;
  const auto request = parse_request(as_text(message->bytes()));
  if (!request) {
    fmt::print(stderr, "cardgate-fetch: {}\n", request.error().context);
    return 1;
  }
  const auto deadline = start + request->deadline + time_to_hand_over;
  bool gone = false;
  run(*request, [&](std::size_t index, bool good, BytesView content) {
    const auto head = encode(Head{index, good, content.size()});
    if (gone) return;
    gone = !write_all(connection, head, deadline) || !write_all(connection, content, deadline);
  });
  return gone ? 1 : 0;
}

}  // namespace
}  // namespace cardgate::daemon::fetch

int main(int argc, char** argv) {
  using namespace cardgate::daemon;
  CLI::App app{"cardgate-fetch: brings revocation lists and OCSP answers to cardgated", "cardgate-fetch"};
  app.footer(
      "Example: cardgate-fetch --client-uid root --listen /tmp/fetch.sock\n"
      "Exit codes: 0 the request was answered (--listen: never), 1 it was not.");
  std::filesystem::path listen;
  std::string client = "cardgate";
  app.add_option("--client-uid", client, "the user, by name or number, who may ask")->capture_default_str();
  app.add_option("--listen", listen, "make this socket, and a process for each connection");
  app.set_version_flag("--version", CARDGATE_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    cardgate::init_crypto();
    constexpr unsigned alarm_seconds = 45;  // the longest deadline, and handing over what came
    return serve({"cardgate-fetch", listen, client, alarm_seconds, fetch::converse});
  } catch (const std::exception& failure) {
    fmt::print(stderr, "cardgate-fetch: {}\n", failure.what());
    return 1;
  }
}
