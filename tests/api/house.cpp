// SPDX-License-Identifier: Apache-2.0
#include "tests/api/house.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <stdexcept>

#include "audit/reader.hpp"
#include "base/password.hpp"
#include "daemon/prepare.hpp"
#include "register/import/file.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::testing {
namespace {

constexpr gid_t staff_group = 5000;

void must(const auto& result, std::string_view what) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", what, result.error().message()));
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  must(write_file_atomic(path, as_bytes(text), 0644), path.string());
}

std::string uuid_of(uid_t uid) {
  return fmt::format("00000000-0000-4000-8000-00000000{:04}", uid);
}

/// What the register says of somebody who holds this role.
std::string holding(const char* role) {
  return fmt::format(R"(
    forms: [{{kind: ESR06, role: {}, verified_by: "8000", verified_on: 2026-01-02, approved_by: "8001",
              approved_on: 2026-01-03, valid_from: 2026-01-03}}]
    declarations: [{{name: core-confidentiality, version: "2026-1", signed_on: 2026-01-02}}])",
                     role);
}

std::string staff() {
  const auto person = [](uid_t id, const char* name, const std::string& more) {
    return fmt::format(
        "  - id: \"{0}\"\n    name: {1}\n    employed_from: 2020-01-01\n    cards: [{{uuid: {2}}}]{3}\n", id,
        name, uuid_of(id), more);
  };
  const std::string in_team = "\n    teams: [esr-workforce-systems]" + holding("esr-workforce-systems");
  std::string text = "people:\n";
  text += person(1000, "Ada Example",
                 "\n    unix_accounts: [ada, shared]\n    line_manager: \"2000\"" + holding("core"));
  text +=
      person(2000, "Max Invented", "\n    unix_accounts: [max, shared]" + holding("manager-self-service"));
  text += person(3000, "Tia Invented", in_team);
  text += person(3100, "Uma Invented", in_team);
  text +=
      "  - {id: \"4000\", name: Eve Invented-Young, username: eve, unix_accounts: [eve], employed_from: "
      "2020-01-01}\n";
  text += fmt::format(
      "  - {{id: \"8000\", name: Vera Invented, employed_from: 2020-01-01, date_of_birth: {}, "
      "national_insurance: {}}}\n",
      House::born, House::ni_start);
  text += "  - {id: \"8001\", name: Abe Invented, employed_from: 2020-01-01}\n";
  return text;
}

/// Passes through the io_context as other work does, and says that it is done.
struct Passed {
  bool done = false;
};

}  // namespace

json::object Reply::json() const {
  const auto value = parse_json(body);
  return value && value->is_object() ? value->as_object() : json::object{};
}

std::string Reply::text(std::string_view member) const {
  const auto object = json();
  const auto* found = find_string(object, member);
  return found == nullptr ? std::string() : std::string(*found);
}

std::string Reply::error() const {
  return text("error");
}

House::House(std::size_t signing_threads)
    : clock(test::noon()), ca_(test::Ca::root()), signing_threads_(signing_threads) {
  init_crypto();
  make_cards();
  for (const char* name : {"state", "audit", "trust"}) {
    std::filesystem::create_directory(dir / name);
    std::filesystem::permissions(dir / name, std::filesystem::perms::owner_all);
  }
  write_trust();
  std::filesystem::copy_file(source_file("config/policy.yaml"), dir / "policy.yaml");
  write_config(usual_clients());
  write_register();
  auto parts = prepared();
  const auto hash = hash_password(Secret(std::string_view(password)), parts.rules.config.passwords.cost);
  must(hash, "hash");
  must(parts.credentials->set_password({"4000", *hash, false, {}}, {}, clock.wall()), "password");
  start(std::move(parts));
}

daemon::Service::Parts House::prepared() {
  auto parts = daemon::prepare(dir / "cardgated.yaml", clock, held_folder_);
  must(parts, "prepare");
  parts->signing_threads = signing_threads_;
  return std::move(*parts);
}

void House::start(daemon::Service::Parts parts) {
  service_ = std::make_unique<daemon::Service>(loop_->io, clock, std::move(parts));
  service_->start({driver}, false);
  using Kind = pcsc::ReaderEvent::Kind;
  hear(Kind::service_up);
  for (const auto& [uid, card] : cards_) hear(Kind::reader_added, reader_of(peer(uid)));
  run_ready();
}

House::~House() {
  stop();
}

void House::stop() {
  driver->release();
  service_->shut_down();
  // What a call holds must not outlive the service.
  const auto until = std::chrono::steady_clock::now() + seconds(10);
  while (open_calls_ > 0 && std::chrono::steady_clock::now() < until) step();
  EXPECT_EQ(open_calls_, 0) << "a call has no end";
}

void House::restart() {
  stop();
  // In the order of owners.hpp: what still waits goes with the loop.
  service_.reset();
  held_folder_.reset();
  loop_ = std::make_unique<Loop>();
  start(prepared());
}

void House::make_cards() {
  for (const uid_t uid : {1000U, 2000U, 3000U, 3100U}) {
    cards_[uid] = make_card(uuid_of(uid), fmt::format("Card of {}", uid));
  }
}

ScriptedCard House::make_card(const std::string& id, const std::string& name) const {
  ScriptedCard card{id, test::new_p256(), {}};
  card.certificate = ca_.issue({.subject = "/O=Example Trust/CN=" + name,
                                .key = card.key,
                                .alternative_names = {"URI:urn:uuid:" + card.id}});
  return card;
}

ScriptedCard House::make_genuine_card(const std::string& id, const std::string& name) const {
  auto card = make_card(id, name);
  card.presence_certificate = ca_.issue({.subject = "/O=Example Trust/CN=" + name,
                                         .key = card.key,
                                         .extended_key_usage = "2.16.840.1.101.3.6.8",
                                         .alternative_names = {"URI:urn:uuid:" + card.id}});
  return card;
}

void House::write_trust() const {
  write_text(dir / "trust/root.pem", test::to_pem(ca_.der(), "CERTIFICATE"));
  write_text(dir / "trust/root.crl", test::to_pem(ca_.crl(), "X509 CRL"));
}

void House::write_register() const {
  const auto opened = reg::open_sqlite(dir / "state/register.db");
  must(opened, "register");
  const auto file = reg::parse_import(staff(), "staff.yaml");
  must(file, "staff");
  if (!file->problems.empty()) throw std::runtime_error("staff: " + file->problems.front().text);
  const auto report = (*opened)->import(file->file);
  must(report, "import");
  if (!report->problems.empty()) throw std::runtime_error("import: " + report->problems.front().text);
}

std::string House::usual_clients() {
  return fmt::format(R"(
  - name: desktop
    match: {{group: {0}}}
    sign_in: true
    tokens:
      - audience: esr
        roles: [employee-self-service, core, manager-self-service, esr-workforce-systems]
  - name: gateway
    match: {{group: {0}}}
    verifies: [esr]
)",
                     staff_group);
}

void House::write_config(const std::string& clients) const {
  write_text(dir / "cardgated.yaml", fmt::format(R"(issuer: https://cardgate.test.example
socket: {0}/cardgate.sock
admin_socket: {0}/admin.sock
state_directory: {0}/state
policy: {0}/policy.yaml
audit: {{directory: {0}/audit, segment_bytes: 1048576}}
trust:
  anchors: [{0}/trust/root.pem]
  crls: [{0}/trust/root.crl]
mapping: [card_uuid]
readers:
  - users: [1000, 2000, 3000, 3100]
passwords: {{opslimit: 1, memory: 8MiB}}
limits: {{sign_ins_per_minute: 1000}}
clients: {1}
)",
                                                 dir.path().string(), clients));
}

daemon::Peer House::peer(uid_t uid) {
  daemon::Peer peer;
  peer.uid = peer.counted_as = uid;
  peer.gid = staff_group;
  peer.pid = 77;
  peer.program = "test";
  return peer;
}

const daemon::Peer& House::ada() {
  static const daemon::Peer peer = House::peer(1000);
  return peer;
}
const daemon::Peer& House::max() {
  static const daemon::Peer peer = House::peer(2000);
  return peer;
}
const daemon::Peer& House::tia() {
  static const daemon::Peer peer = House::peer(3000);
  return peer;
}
const daemon::Peer& House::uma() {
  static const daemon::Peer peer = House::peer(3100);
  return peer;
}
const daemon::Peer& House::eve() {
  static const daemon::Peer peer = House::peer(4000);
  return peer;
}

const daemon::Peer& House::vera() {
  static const daemon::Peer peer = House::peer(8000);
  return peer;
}
const daemon::Peer& House::root() {
  static const daemon::Peer peer = [] {
    auto root = House::peer(0);
    root.gid = 0;
    root.admin_socket = true;
    return root;
  }();
  return peer;
}

std::string House::reader_of(const daemon::Peer& who) {
  return fmt::format("reader of {}", who.uid);
}

// ---------------------------------------------------------------- calls

std::shared_ptr<House::Call> House::begin(const std::string& method, const std::string& target,
                                          const json::object& body, const daemon::Peer& who) {
  const bool post = method == "POST" || method == "PUT";
  return begin_with(method, target, post ? "application/json" : "", post ? json::serialize(body) : "", who);
}

std::shared_ptr<House::Call> House::begin_with(const std::string& method, const std::string& target,
                                               const char* type, std::string body, const daemon::Peer& who,
                                               const std::string& token) {
  auto call = std::make_shared<Call>();
  call->peer_ = who;
  auto& request = call->request_;
  must(daemon::parse_target(target, request), target);
  request.method = method;
  request.peer = &call->peer_;
  request.watch_peer = [call = call.get()] { return call->left_.get_token(); };
  request.content_type = type;
  if (!token.empty()) request.authorization = "Bearer " + token;
  request.body = std::move(body);
  ++open_calls_;
  boost::asio::co_spawn(loop_->io, service_->answer(request),
                        [this, call](const std::exception_ptr& thrown, daemon::Response made) {
                          --open_calls_;
                          call->answered_ = true;
                          call->thrown_ = thrown;
                          call->reply_ = {made.status, std::move(made.body), std::move(made.listener)};
                        });
  return call;
}

Reply House::finish(const std::shared_ptr<Call>& call) {
  run_until([&] { return call->answered(); });
  if (call->thrown_) std::rethrow_exception(call->thrown_);
  return call->reply_;
}

Reply House::ask(const std::string& method, const std::string& target, const json::object& body,
                 const daemon::Peer& who) {
  return finish(begin(method, target, body, who));
}

Reply House::ask(const std::string& method, const std::string& target, const daemon::Peer& who) {
  return ask(method, target, {}, who);
}

Reply House::ask_form(const std::string& target, const std::string& form, const daemon::Peer& who) {
  return finish(begin_with("POST", target, "application/x-www-form-urlencoded", form, who));
}

Reply House::ask_by_token(const std::string& target, const std::string& token, const daemon::Peer& who) {
  return finish(begin_with("GET", target, "", "", who, token));
}

void House::step() {
  if (loop_->io.poll_one() == 0) loop_->io.run_one_for(milliseconds(1));
}

void House::run_until(const std::function<bool()>& there) {
  const auto until = std::chrono::steady_clock::now() + seconds(10);
  while (!there()) {
    if (std::chrono::steady_clock::now() > until) {
      ADD_FAILURE() << "the service did not come to where the test waits for it";
      throw std::runtime_error("a test waited in vain");
    }
    step();
  }
}

void House::run_ready() {
  loop_->io.poll();
}

// ---------------------------------------------------------------- threads that are held

Held House::hold_log() {
  auto gate = std::make_shared<std::promise<void>>();
  auto held = std::make_shared<std::promise<void>>();
  audit::Record mark;
  mark.event = name_of(audit::Event::incident);
  mark.reason = "the test holds the log";
  owners().recorder.note_for_certain(std::move(mark),
                                     [held, open = gate->get_future().share()](const Result<void>&) {
                                       held->set_value();
                                       open.wait();
                                     });
  held->get_future().wait();
  return Held(std::move(gate));
}

std::size_t House::waiting_in_log() {
  return owners().recorder.health().waiting;
}

Held House::hold_register() {
  auto gate = std::make_shared<std::promise<void>>();
  std::function<Result<void>(reg::Register&)> work =
      [open = gate->get_future().share()](reg::Register&) -> Result<void> {
    open.wait();
    return {};
  };
  boost::asio::co_spawn(loop_->io, owners().register_threads.write<void>(std::move(work)),
                        boost::asio::detached);
  run_ready();
  return Held(std::move(gate));
}

void House::pass_register() {
  auto passed = std::make_shared<Passed>();
  std::function<Result<void>(reg::Register&)> work = [](reg::Register&) { return Result<void>(); };
  boost::asio::co_spawn(loop_->io, owners().register_threads.write<void>(std::move(work)),
                        [passed](const std::exception_ptr&, const Result<void>&) { passed->done = true; });
  run_until([&] { return passed->done; });
}

namespace {

struct rlimit usual_file_size() {
  struct rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  return limit;
}

void limit_file_size(rlim_t bytes) {
  auto limit = usual_file_size();
  limit.rlim_cur = bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

void House::break_disks() {
  std::signal(SIGXFSZ, SIG_IGN);
  limit_file_size(0);
}

void House::mend_disks() {
  limit_file_size(usual_file_size().rlim_max);
}

// ---------------------------------------------------------------- cards

void House::insert_card(const daemon::Peer& who) {
  insert_card(reader_of(who), cards_.at(who.uid));
}

void House::insert_card(const std::string& reader, const ScriptedCard& card) {
  driver->put(reader, card);
  inserted_[reader] = ++insertions_;
  hear(pcsc::ReaderEvent::Kind::card_inserted, reader, insertions_);
  auto& readers = owners().cards.readers();
  run_until([&] { return readers.find(reader)->state != daemon::Reader::State::reading; });
}

void House::hear(pcsc::ReaderEvent::Kind kind, const std::string& reader, std::uint64_t insertion,
                 Error why) {
  pcsc::ReaderEvent event;
  event.kind = kind;
  event.reader = reader;
  event.insertion = insertion;
  event.why = std::move(why);
  owners().cards.readers().hear(event);
}

void House::remove_card(const std::string& reader) {
  driver->take(reader);
  hear(pcsc::ReaderEvent::Kind::card_removed, reader, inserted_[reader]);
}

json::object House::with_card(const daemon::Peer& who, const std::string& code) {
  const auto* reader = owners().cards.readers().find(reader_of(who));
  return {{"reader", reader_of(who)},
          {"card", cards_.at(who.uid).id},
          {"tries_left", reader == nullptr ? 0 : reader->tries_left},
          {"passcode", code}};
}

json::object House::with_card(const daemon::Peer& who, const ScriptedCard& card) {
  auto body = with_card(who, card.passcode);
  body["card"] = card.id;
  return body;
}

std::string House::sign_in(const daemon::Peer& who) {
  insert_card(who);
  const auto reply = ask("POST", "/v1/sessions", with_card(who), who);
  if (reply.status != 201) throw std::runtime_error("sign-in: " + reply.body);
  return reply.text("id");
}

// ---------------------------------------------------------------- the world around

void House::change_policy(std::string_view old, std::string_view fresh) const {
  const auto read = read_file(dir / "policy.yaml", 1U << 20U);
  must(read, "policy");
  std::string text = *read;
  std::size_t changes = 0;
  for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + fresh.size()), ++changes)
    text.replace(at, old.size(), fresh);
  if (changes == 0) throw std::runtime_error("the policy has no such text");
  write_text(dir / "policy.yaml", text);
}

void House::reload() {
  auto outcome = std::make_shared<std::optional<Result<void>>>();
  boost::asio::co_spawn(
      loop_->io, service_->loader().reload(),
      [outcome](const std::exception_ptr&, Result<void> done) { *outcome = std::move(done); });
  run_until([&] { return outcome->has_value(); });
  must(**outcome, "reload");
}

void House::forward(milliseconds by) {
  clock.forward(by);
  service_->tick();
}

std::vector<json::object> House::records(std::string_view event) {
  std::promise<void> settled;
  audit::Record mark;
  mark.event = name_of(audit::Event::incident);
  mark.reason = "the test reads the log";
  owners().recorder.note_for_certain(std::move(mark), [&](const Result<void>&) { settled.set_value(); });
  settled.get_future().wait();
  std::vector<json::object> found;
  const auto read = audit::for_each(dir / "audit", [&](const json::object& record, std::string_view) {
    const auto* name = find_string(record, "event");
    const auto* reason = find_string(record, "reason");
    const bool ours = reason != nullptr && reason->starts_with("the test ");
    if (name != nullptr && *name == event && !ours) found.push_back(record);
    return true;
  });
  must(read, "audit");
  return found;
}

std::vector<std::string> House::reasons(std::string_view event) {
  std::vector<std::string> out;
  for (const auto& record : records(event)) {
    const auto* reason = find_string(record, "reason");
    out.push_back(reason == nullptr ? std::string() : std::string(*reason));
  }
  return out;
}

}  // namespace cardgate::testing
