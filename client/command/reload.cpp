// SPDX-License-Identifier: Apache-2.0
// cardgate reload: waits for what becomes of it, so that `systemctl reload` fails when the files on disk are refused.
#include "client/command/output.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

/// A little less than systemd waits for an ExecReload (TimeoutStartSec), so that it is this command that says why.
constexpr std::chrono::seconds patience{80};

}  // namespace

void add_reload(CLI::App& app, Cli& cli) {
  auto* command = add_command(
      app, "reload",
      "Take over the configuration, the policy and the trust files as they are on disk now (root)",
      "sudo cardgate reload",
      "0 they are in use; 1 they were refused, and the earlier ones stay in use; 3 the "
      "service is not reachable; 4 error");
  command->callback([&cli] {
    cli.action = [&cli]() -> int {
      const auto reply = call(Http(cli.admin_socket), {.method = "POST", .target = "/v1/reload"}, patience);
      return say_admin_reply(cli, reply, "reload the configuration", [](const json::object&) {
        say("Done. The configuration, the policy and the trust files on disk are in use.");
      });
    };
  });
}

}  // namespace cardgate::client
