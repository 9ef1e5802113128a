// SPDX-License-Identifier: Apache-2.0
// cardgated: reads its command line.
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "daemon/check_config.hpp"
#include "daemon/run.hpp"

int main(int argc, char** argv) {
  CLI::App app{"cardgated, the cardgate service", "cardgated"};
  app.footer(
      "Example: cardgated --config /etc/cardgate/cardgated.yaml\n"
      "         cardgated --check-config --config /etc/cardgate/cardgated.yaml\n"
      "Signals: HUP reloads, TERM stops in order.\n"
      "Exit codes: 0 stopped in order, or the files are good; 1 could not start, but may if it tries again, "
      "or the files are "
      "refused;\n78 cannot start until somebody puts something right. The reason is on stderr or in the "
      "journal.");
  std::filesystem::path config = "/etc/cardgate/cardgated.yaml";
  app.add_option("--config", config, "The configuration file")->capture_default_str();
  bool check_only = false;
  app.add_flag("--check-config", check_only,
               "Read the configuration, the policy and all that they name, say whether they are good, and do "
               "nothing else");
  bool rotate_only = false;
  app.add_flag("--rotate-audit-key", rotate_only,
               "Give the audit log a new signing key, for which the one before vouches, and do nothing else. "
               "Stop the service first, and run this as its user");
  bool as_json = false;
  app.add_flag("--json", as_json, "With --check-config: what the files name, in JSON, for programs");
  app.set_version_flag("--version", CARDGATE_VERSION);
  CLI11_PARSE(app, argc, argv);
  // The second start below is from /proc/self/exe, and the kernel would call this process "exe".
  ::prctl(PR_SET_NAME, "cardgated");
  try {
    if (check_only) return cardgate::daemon::check_config(config, as_json);
    cardgate::daemon::bind_library_calls(argv);
    if (rotate_only) return cardgate::daemon::rotate_key(config);
    return cardgate::daemon::run(config);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "cardgated: %s\n", failure.what());
    return 1;
  }
}
