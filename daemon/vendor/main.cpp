// SPDX-License-Identifier: Apache-2.0
// cardgate-vendor-cards: loads a vendor's PKCS#11 module, answers one request, ends. systemd starts one for
// each connection; with --listen it starts them itself.
//
// What the vendor's code may do to a conversation it may do in this process only: it hangs until the
// deadline, it crashes, it scribbles, and cardgated sees a connection that ends.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>

#include "base/file.hpp"
#include "base/secret.hpp"
#include "daemon/helper/serve.hpp"
#include "daemon/helper/stream.hpp"
#include "daemon/vendor/module.hpp"

namespace cardgate::daemon::vendor {
namespace {

struct Options {
  std::filesystem::path module, listen;
  std::string client = "cardgate";
  unsigned deadline_seconds = 15;
};

/// Whoever can write the module's file can read passcodes.
Result<void> check_module(const std::filesystem::path& module) {
  struct stat status{};
  if (!module.is_absolute()) return Error{Errc::invalid_argument, "--module: expected an absolute path"};
  if (::stat(module.c_str(), &status) != 0) return errno_error(module.string(), errno);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!S_ISREG(status.st_mode) || !ours || (status.st_mode & 022U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: must be a file of root's that nobody else can write", module.string())};
  }
  return {};
}

Answer act(const Options& options, const Request& request) {
  const auto refused = [](const Error& error) {
    Answer out;
    out.code = Errc::unavailable;
    out.text = error.context;
    return out;
  };
  if (const auto good = check_module(options.module); !good) return refused(good.error());
  auto module = Module::load(options.module);
  if (!module) return refused(module.error());
  // The module is closed before its answer leaves: cardgated resets the card next.
  return module->answer(request);
}

int converse(int connection, const Options& options) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.deadline_seconds);
  // A module that is chatty must not tell the journal what it was told.
  const FileDescriptor nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nowhere || ::dup2(nowhere.get(), 1) < 0 || ::dup2(nowhere.get(), 2) < 0) return 1;
  auto message = receive(connection, max_request_bytes, deadline);
  if (!message) return 1;
  Answer answer;
  if (auto request = parse_request(message->bytes())) {
    message->clear();
    answer = act(options, *request);
  } else {
    answer.code = Errc::malformed;
    answer.text = request.error().context;
  }
  return send(connection, encode(answer), deadline) ? 0 : 1;
}

int run(const Options& options) {
  init_crypto();
  // The kernel ends a conversation when the module does not; systemd does where the module took the alarm
  // away.
  return serve({"cardgate-vendor-cards", options.listen, options.client, options.deadline_seconds,
                [&](int connection) { return converse(connection, options); }});
}

}  // namespace
}  // namespace cardgate::daemon::vendor

int main(int argc, char** argv) {
  using namespace cardgate::daemon::vendor;
  CLI::App app{"cardgate-vendor-cards: a vendor's PKCS#11 module, in a process of its own",
               "cardgate-vendor-cards"};
  app.footer(
      "Example: cardgate-vendor-cards --module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so --client-uid root\n"
      "           --listen /tmp/cards.sock\n"
      "Exit codes: 0 the request was answered (--listen: never), 1 it was not.");
  Options options;
  app.add_option("--module", options.module, "the vendor's module, a file of root's")->required();
  app.add_option("--client-uid", options.client, "the user, by name or number, who may ask")
      ->capture_default_str();
  app.add_option("--listen", options.listen, "make this socket, and a process for each connection");
  app.add_option("--deadline", options.deadline_seconds, "seconds that one request may take")
      ->check(CLI::Range(1, 300))
      ->capture_default_str();
  app.set_version_flag("--version", CARDGATE_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "cardgate-vendor-cards: {}\n", failure.what());
    return 1;
  }
}
