// SPDX-License-Identifier: Apache-2.0
// cardgate-simcard: makes virtual PIV cards, and puts them into vpcd's readers. Exit status: 0 done, 1 not, 2
// usage.
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/control.hpp"
#include "tests/simcard/openssl.hpp"
#include "tests/simcard/vpcd_link.hpp"

namespace cardgate::simcard {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path directory;
  fs::path ca;
  fs::path control;
  std::string person, upn, email, uuid, alternative_names;
  std::string key = "p256";
  std::string pin = "123456";
  std::string puk = "12345678";
  std::size_t certificate_size = 770;
  int days = 1095;
  bool expired = false, gzip = false, signed_chuid = false, force = false, json = false;
  std::uint16_t port = first_reader;
  int wait_seconds = 10;
};

/// Printed at once, for whoever reads us through a pipe.
void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

fs::path control_path(const Options& options) {
  return options.control.empty() ? options.directory / "control" : options.control;
}

struct Shown {
  std::string serial, subject, not_after;
};

Result<Shown> describe(const CardData& card) {
  if (card.authentication.certificate.empty()) return Shown{"none", "none", "none"};
  const Certificate certificate = TRY(read_certificate(card.authentication.certificate));
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate.get()), nullptr));
  Bytes serial(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), serial.data());
  const Bio subject = memory_bio();
  X509_NAME_print_ex(subject.get(), X509_get_subject_name(certificate.get()), 0, XN_FLAG_RFC2253);
  const Bio not_after = memory_bio();
  ASN1_TIME_print(not_after.get(), X509_get0_notAfter(certificate.get()));
  return Shown{to_hex(serial), content(subject), content(not_after)};
}

Result<void> init(const Options& options) {
  if (fs::exists(options.directory / "card.json") && !options.force)
    return Error(Errc::already_exists,
                 options.directory.string() + " holds a card already; --force makes a new one");
  Personalisation what;
  what.person = options.person;
  what.upn = options.upn;
  what.email = options.email;
  if (!options.uuid.empty()) what.uuid = TRY(parse_uuid(options.uuid));
  what.alternative_names = TRY(from_hex(options.alternative_names));
  what.key = TRY(parse_key_kind(options.key));
  what.pin = options.pin;
  what.puk = options.puk;
  what.certificate_size = options.certificate_size;
  what.gzip_certificates = options.gzip;
  what.signed_chuid = options.signed_chuid;
  const auto now = system_clock().wall();
  what.not_after = options.expired ? now - std::chrono::days(1) : now + std::chrono::days(options.days);
  if (options.expired) what.not_before = now - std::chrono::days(options.days + 1);

  const fs::path home = options.ca.empty() ? options.directory / "ca" : options.ca;
  Ca ca = TRY(Ca::open_or_create(home));
  const CardData card = TRY(personalise(ca, what));
  TRY(save_card(options.directory, card));
  const Shown shown = TRY(describe(card));
  say(fmt::format("Made a PIV card ({}) for {}.", options.key, card.person));
  say(fmt::format("  card UUID      {}", to_text(card.uuid)));
  say(fmt::format("  9A certificate {}, serial {}, until {}", shown.subject, shown.serial, shown.not_after));
  say(fmt::format("  card folder    {}", options.directory.string()));
  say(fmt::format("  anchors        {}", ca.anchors().string()));
  say(fmt::format("  intermediates  {}", ca.intermediates().string()));
  say(fmt::format("  CRLs           {}", ca.crls().string()));
  return {};
}

Result<void> insert(const Options& options) {
  // Blocked before the link's thread begins, so that only the signalfd sees them.
  sigset_t ending;
  sigemptyset(&ending);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ending, number);
  sigprocmask(SIG_BLOCK, &ending, nullptr);
  const FileDescriptor signals(::signalfd(-1, &ending, SFD_CLOEXEC));

  const auto card = TRY(Card::open(options.directory));
  const fs::path path = control_path(options);
  const FileDescriptor listener = TRY(listen_at(path));
  VpcdLink link(*card, options.port);
  const auto inserted = link.insert(std::chrono::seconds(options.wait_seconds));
  if (!inserted) {
    ::unlink(path.c_str());
    return inserted.error();
  }
  say(fmt::format("The card of {} ({}) is in the reader on port {}.", card->data().person,
                  to_text(card->data().uuid), options.port));
  for (bool in = true; in;) {
    std::array<pollfd, 2> watched{pollfd{signals.get(), POLLIN, 0}, pollfd{listener.get(), POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return errno_error("poll", errno);
    if (watched[0].revents != 0) break;
    if (watched[1].revents == 0) continue;
    const auto answered = answer_one(listener.get(), [&](const std::string& line) -> std::string {
      if (line == "status") return "inserted";
      if (line != "pull") return "unknown command";
      link.pull();
      in = false;
      return "pulled";
    });
    if (!answered) fmt::print(stderr, "cardgate-simcard: control socket: {}\n", answered.error().message());
  }
  link.pull();
  ::unlink(path.c_str());
  say("The card is out.");
  return {};
}

Result<void> pull(const Options& options) {
  const std::string answer = TRY(ask(control_path(options), "pull"));
  if (answer != "pulled") return Error(Errc::internal, "the card answered `" + answer + "`");
  say("The card is out.");
  return {};
}

Result<void> revoke(const Options& options) {
  const CardData card = TRY(load_card(options.directory));
  Ca ca = TRY(Ca::open(options.ca.empty() ? card.ca : options.ca));
  for (const auto* slot : {&card.authentication, &card.card_authentication})
    if (!slot->certificate.empty()) TRY(ca.revoke(slot->certificate));
  say(fmt::format("Revoked the certificates of {} ({}); new CRLs in {}.", card.person, to_text(card.uuid),
                  ca.crls().string()));
  return {};
}

Result<void> show(const Options& options) {
  const CardData card = TRY(load_card(options.directory));
  const Shown shown = TRY(describe(card));
  const bool inserted = ask(control_path(options), "status").has_value();
  if (options.json) {
    say(json::serialize(json::object{{"person", card.person},
                                     {"uuid", to_text(card.uuid)},
                                     {"serial", shown.serial},
                                     {"subject", shown.subject},
                                     {"key", name(card.authentication.kind)},
                                     {"pin_tries", card.pin_tries},
                                     {"puk_tries", card.puk_tries},
                                     {"ca", card.ca.string()},
                                     {"inserted", inserted}}));
    return {};
  }
  say(fmt::format("Person         {}", card.person));
  say(fmt::format("Card UUID      {}", to_text(card.uuid)));
  say(fmt::format("9A certificate {}, serial {}, until {}", shown.subject, shown.serial, shown.not_after));
  say(fmt::format("Keys           {}", name(card.authentication.kind)));
  say(fmt::format("Tries left     PIN {}, PUK {}", card.pin_tries, card.puk_tries));
  say(fmt::format("In a reader    {}", inserted ? "yes" : "no"));
  return {};
}

void add_init(CLI::App& app, Options& options) {
  auto* command = app.add_subcommand("init", "Make a card, and a CA when there is none");
  command->footer(
      "Example: cardgate-simcard init --dir ada --person 'Ada Example' --upn ada@example.org --key rsa2048");
  command->add_option("--dir", options.directory, "Folder of the card")->required();
  command->add_option("--person", options.person, "Name in the certificate")->required();
  command->add_option("--upn", options.upn, "User principal name in the certificate");
  command->add_option("--email", options.email, "E-mail address in the certificate");
  command->add_option("--uuid", options.uuid, "Card UUID (default: random)");
  command->add_option("--alternative-names", options.alternative_names,
                      "DER of the certificate's SubjectAltName as hex, in the place of the usual");
  command->add_option("--key", options.key, "Kind of keys")
      ->check(CLI::IsMember({"p256", "p384", "rsa2048", "rsa3072"}))
      ->capture_default_str();
  command->add_option("--pin", options.pin, "6 to 8 digits")->capture_default_str();
  command->add_option("--puk", options.puk, "6 to 8 digits")->capture_default_str();
  command->add_option("--ca", options.ca, "Folder of the CA, to share among cards (default: DIR/ca)");
  command->add_option("--days", options.days, "Validity of the certificates")
      ->check(CLI::Range(1, 3000))
      ->capture_default_str();
  command->add_option("--certificate-size", options.certificate_size, "Bytes, about")
      ->check(CLI::Range(0, 1856))
      ->capture_default_str();
  command->add_flag("--expired", options.expired, "Certificates that ended yesterday");
  command->add_flag("--gzip", options.gzip, "Certificates stored compressed");
  command->add_flag("--signed-chuid", options.signed_chuid, "A CHUID with its signature, as real cards have");
  command->add_flag("--force", options.force, "Replace the card in DIR");
}

void add_others(CLI::App& app, Options& options) {
  const auto common = [&](CLI::App* command, bool control) {
    command->add_option("--dir", options.directory, "Folder of the card")->required();
    if (control) command->add_option("--control", options.control, "Control socket (default: DIR/control)");
    return command;
  };
  auto* in = common(app.add_subcommand("insert", "Be the card in the reader, until pulled or SIGTERM"), true);
  in->footer("Example: cardgate-simcard insert --dir ada &");
  in->add_option("--port", options.port, "Reader: 35963 or 35964")->capture_default_str();
  in->add_option("--wait", options.wait_seconds, "Seconds to wait for pcscd")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  common(app.add_subcommand("pull", "Take the inserted card out"), true)
      ->footer("Example: cardgate-simcard pull --dir ada");
  auto* gone =
      common(app.add_subcommand("revoke", "Revoke the card's certificates and write new CRLs"), false);
  gone->footer("Example: cardgate-simcard revoke --dir ada");
  gone->add_option("--ca", options.ca, "Folder of the CA (default: the one that made the card)");
  auto* look = common(app.add_subcommand("show", "Say what the card is and how many tries are left"), true);
  look->footer("Example: cardgate-simcard show --dir ada --json");
  look->add_flag("--json", options.json, "For programs");
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app(
      "A virtual PIV card for vsmartcard's vpcd reader.\nFor tests: its PIN and keys lie open in its folder.",
      "cardgate-simcard");
  app.require_subcommand(1);
  add_init(app, options);
  add_others(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  using Verb = Result<void> (*)(const Options&);
  constexpr std::array<std::pair<const char*, Verb>, 5> verbs{
      {{"init", init}, {"insert", insert}, {"pull", pull}, {"revoke", revoke}, {"show", show}}};
  for (const auto& [name, verb] : verbs) {
    if (!app.got_subcommand(name)) continue;
    const auto done = verb(options);
    if (done) return 0;
    fmt::print(stderr, "cardgate-simcard {}: {}\n", name, done.error().message());
  }
  return 1;
}

}  // namespace
}  // namespace cardgate::simcard

int main(int argc, char** argv) {
  try {
    cardgate::init_crypto();
    return cardgate::simcard::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cardgate-simcard: %s\n", error.what());
    return 1;
  }
}
