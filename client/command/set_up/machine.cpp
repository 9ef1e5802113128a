// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/machine.hpp"

#include <algorithm>
#include <filesystem>

#include "base/file.hpp"
#include "client/command/kept_backups.hpp"
#include "client/command/set_up/programs.hpp"
#include "client/shared/members.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t most_pam_bytes = 1UL << 20;

/// The answer, or the reason why there is none.
std::string ask_service(const std::string& socket, const std::string& target, json::object& answer) {
  const auto reply = call(Http(socket), {.target = target});
  if (!reply) return reply.error().message();
  if (reply->refusal) return reply->refusal->detail;
  answer = reply->body;
  return {};
}

Machine::Login login_state(const Places& places) {
  if (!fs::exists(places.pam_profile)) return Machine::Login::not_installed;
  const auto text = read_file(places.pam_auth, most_pam_bytes);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with('#') && line.find("pam_cardgate.so") != std::string_view::npos)
      return Machine::Login::on;
  }
  return Machine::Login::off;
}

std::optional<std::string> newest_backup(const std::string& folder) {
  std::optional<std::string> newest;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    auto file = entry->path().filename().string();
    if (KeptBackups::is_name(file) && (!newest || *newest < file)) newest = std::move(file);
  }
  return newest;
}

}  // namespace

Result<json::object> check_files(const Places& places, const std::string& file) {
  const auto ran = TRY(run_program({places.daemon, "--check-config", "--json", "--config", file}, false));
  const auto said = parse_json(ran.output, most_pam_bytes * 4);
  const auto* files = said ? said->if_object() : nullptr;
  if (files == nullptr) return Error{Errc::malformed, places.daemon + " --check-config said nothing"};
  if (!is_true(*files, "good")) return Error{Errc::config_invalid, text_of(*files, "problem")};
  return *files;
}

Machine look_at_machine(const Cli& cli, const Places& places) {
  Machine out;
  if (auto files = check_files(places, places.config))
    out.files = std::move(*files);
  else
    out.files_problem = files.error().context.empty() ? files.error().message() : files.error().context;
  out.status_problem = ask_service(cli.socket, "/v1/status", out.status);
  out.set_up_problem = ask_service(cli.admin_socket, "/v1/setup", out.set_up);
  out.login = login_state(places);
  out.can_seal = fs::exists(places.systemd_creds);
  const auto enabled = run_program({places.systemctl, "is-enabled", "--quiet", backup_timer}, false);
  out.backups_on = enabled && enabled->good();
  out.newest_backup = newest_backup(places.backups);
  return out;
}

}  // namespace cardgate::client
