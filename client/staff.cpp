// SPDX-License-Identifier: Apache-2.0
// cardgate staff import
#include <fmt/format.h>

#include <memory>

#include "base/file.hpp"
#include "client/output.hpp"
#include "client/service.hpp"
#include "client/work/act.hpp"

namespace cardgate::client {
namespace {

constexpr std::size_t max_staff_file_bytes = 256UL << 20;  // as the service takes it

int import(const Cli& cli, const std::string& file) {
  const auto text = read_file(file, max_staff_file_bytes);
  if (!text) return say_error(cli, text.error());
  const auto reply = call(
      Http(cli.admin_socket),
      {.method = "POST", .target = "/v1/staff/import", .body = *text, .content_type = "application/yaml"},
      std::chrono::minutes(10));
  if (!reply) {
    if (reply.error().code == Errc::permission_denied) {
      return say_error(cli,
                       {Errc::permission_denied,
                        fmt::format("{}: only root takes over a staff file. Use sudo", cli.admin_socket)});
    }
    return say_error(cli, reply.error());
  }
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
  } else {
    say(fmt::format("{} in the file: {} added, {} changed, {} unchanged.",
                    counted(number_of(reply->body, "people"), "person", "people"),
                    number_of(reply->body, "added"), number_of(reply->body, "changed"),
                    number_of(reply->body, "unchanged")));
  }
  return exit_ok;
}

}  // namespace

void add_staff(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "staff", "Staff: see, change, import (root)", "cardgate staff show 10017", "");
  group->require_subcommand(1);
  add_staff_acts(*group, cli);
  auto* command = add_command(
      *group, "import", "Take a staff file over, all of it or nothing; each bad line is named",
      "sudo cardgate staff import staff.yaml",
      "0 taken over; 1 refused, nothing was changed; 2 wrong usage; 3 the service is not reachable; 4 error");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "The staff file (YAML)")->required();
  command->callback([&cli, file] { cli.action = [&cli, file] { return import(cli, *file); }; });
}

}  // namespace cardgate::client
