// SPDX-License-Identifier: Apache-2.0
// cardgate cert explain: whom the running service would take the holder of a certificate for, and why.
#include <fmt/format.h>

#include <memory>

#include "base/bytes.hpp"
#include "client/command/output.hpp"
#include "client/socket/service.hpp"
#include "trust/certificate.hpp"

namespace cardgate::client {
namespace {

int explain(const Cli& cli, const std::string& file) {
  const auto der = trust::load_certificate(file);
  if (!der) return say_error(cli, der.error());
  const std::string body = json::serialize(json::object{{"certificate", to_base64(*der)}});
  const auto reply = post(Http(cli.admin_socket), "/v1/certificates/explain", body);
  const int said = say_admin_reply(cli, reply, "ask who a certificate belongs to",
                                   [](const json::object& answer) { say(text_of(answer, "text")); });
  if (said != exit_ok) return said;
  const bool somebody = find_object(reply->body, "person") != nullptr;
  return is_true(reply->body, "valid") && somebody ? exit_ok : exit_refused;
}

}  // namespace

void add_certificate_explain(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "explain",
      "Show which person this certificate belongs to, by which mapping rule, and why not by another (root)",
      "sudo cardgate cert explain card.pem\n  sudo cardgate cert explain --json card.der",
      "0 good, and it belongs to one person; 1 not good, or it belongs to no person or to several; 2 wrong "
      "usage; 3 the service is not reachable; 4 error, or the file cannot be read");
  auto file = std::make_shared<std::string>();
  command->add_option("CERT", *file, "The certificate, PEM or DER")->required();
  command->callback([&cli, file] { cli.action = [&cli, file] { return explain(cli, *file); }; });
}

}  // namespace cardgate::client
