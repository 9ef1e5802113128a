// SPDX-License-Identifier: Apache-2.0
// bench_scale [--people N] [--register FILE] [--import N]: how long the command takes to import a table of N people
// (100,000) into an empty register, and again; then cardgated on a register of N people (1,500,000), how long its start
// takes, and what stays in memory: when it serves, and when it has looked the whole register over and is idle. FILE is
// made when it is not there, and kept.
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "base/password.hpp"
#include "base/secret.hpp"
#include "client/socket/http.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"
#include "tests/bench/big_register.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;

std::string memory_of(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  std::string text;
  for (std::string line; std::getline(status, line);) {
    for (const char* wanted : {"VmRSS", "RssAnon", "RssFile", "VmHWM", "Threads"}) {
      if (line.starts_with(wanted)) text += "  " + line + "\n";
    }
  }
  return text;
}

/// Its CA, policy and configuration; no card, no pcscd.
void prepare(testing::Stage& stage) {
  auto ca = simcard::Ca::open_or_create(stage.dir / "ca");
  if (!ca) throw std::runtime_error(ca.error().message());
  std::filesystem::copy_file(source_file("config/policy.yaml"), stage.dir / "policy.yaml");
  stage.write_config();
}

/// Somebody's every cell, as an extract of ESR with cards and accounts would have them.
void import(std::size_t people) {
  testing::Stage stage;
  prepare(stage);
  const auto table = stage.dir / "people.csv";
  {
    std::ofstream out(table);
    out << "Employee Number,Full Name,Email Address,Supervisor Employee Number,Hire "
           "Date,unix_account,card_uuid,"
           "card_valid_until,Date of Birth,NI Number\n";
    for (std::size_t i = 0; i < people; ++i) {
      out << fmt::format(
          "{0},Invented Person "
          "{1},p{1}@hospital.example,{2},01-JAN-2020,u{1},{3},31/12/2029,{4:02}/06/1980,QQ{5:02}3456C\n",
          bench::id_of(i), i, i == 0 ? "" : bench::id_of(i / 10), bench::card_of(i), 1 + i % 28, i % 100);
    }
  }
  stage.start_daemon();
  for (int i = 0; i < 2; ++i) fmt::print("{}", stage.cardgate({"staff", "import", table}).output);
  fmt::print("afterwards:\n{}", memory_of(stage.daemon->pid()));
}

/// Many are signed in, by password, and have a token; one staff file removes them all. How long from the first to the last
/// of them that a listener is told of.
void remove_signed_in(std::size_t people) {
  testing::Stage stage;
  stage.limits =
      "limits: {sessions: 4096, sign_ins_per_minute: 100000, listener_queue: 16384, requests_per_second: "
      "1000000,"
      " tokens_per_second: 100000}\npasswords: {opslimit: 1, memory: 8MiB}\n";
  prepare(stage);
  const auto file = stage.dir / "state" / "register.db";
  std::string list = "people:\n";
  {
    const auto hash = hash_password(Secret("four words as ever"), {1, least_password_memory}).value();
    auto staff = reg::open_sqlite(file).value();
    std::string employed = "people:\n";
    for (std::size_t i = 0; i < people; ++i) {
      employed +=
          fmt::format("  - {{id: \"{}\", name: Invented, employed_from: 2020-01-01}}\n", bench::id_of(i));
      list += fmt::format("  - {{id: \"{}\", name: Invented, removed: {{reason: All at once}}}}\n",
                          bench::id_of(i));
    }
    if (!staff->import(reg::parse_import(employed, "people").value().file))
      throw std::runtime_error("import");
    auto credentials = reg::open_credentials(file, {5, seconds(30), seconds(900), 50, seconds(3600), 100, 60,
                                                    seconds(86400), 10'000})
                           .value();
    for (std::size_t i = 0; i < people; ++i) {
      if (!credentials->set_password({bench::id_of(i), hash, false, {}}, "",
                                     std::chrono::floor<milliseconds>(std::chrono::system_clock::now())))
        throw std::runtime_error("password");
    }
  }
  stage.start_daemon();
  const std::string json_type = "Content-Type: application/json";
  for (std::size_t i = 0; i < people; ++i) {
    const auto session = stage.ask(
        "POST", "/v1/sessions",
        fmt::format(R"({{"username":"{}","password":"four words as ever"}})", bench::id_of(i)), {json_type});
    if (session.status != 201) throw std::runtime_error("sign-in: " + session.body);
    const auto token = stage.ask(
        "POST", "/v1/token",
        json::serialize(json::object{
            {"role", "employee-self-service"}, {"audience", "esr"}, {"session", session.json().at("id")}}),
        {json_type});
    if (token.status != 200) throw std::runtime_error("token: " + token.body);
  }
  const client::Http http(stage.socket);
  std::atomic<bool> listens = false;
  Steady::time_point first, last;
  std::size_t ended = 0;
  std::thread listener([&] {
    (void)http.listen(
        "/v1/events",
        [&](const client::Event& event) {
          if (event.name == "open") listens = true;
          if (event.data.find("\"kind\":\"ended\"") == std::string::npos) return true;
          last = Steady::now();
          if (ended++ == 0) first = last;
          return ended < people;
        },
        std::chrono::minutes(2));
  });
  while (!listens) std::this_thread::sleep_for(milliseconds(1));
  const auto began = Steady::now();
  const auto done = stage.import(list);
  const auto answered = Steady::now();
  listener.join();
  const auto ms = [](auto span) { return std::chrono::duration<double, std::milli>(span).count(); };
  fmt::print(
      "{} of {} sessions with a token each ended by one file: the first to the last in {:.1f} ms; the file "
      "taken over and answered in {:.1f} ms ({})\n",
      ended, people, ms(last - first), ms(answered - began), done.status);
}

int measure(std::size_t people, std::filesystem::path file) {
  testing::Stage stage;
  if (file.empty()) file = stage.dir / "state" / "register.db";
  if (!std::filesystem::exists(file)) bench::make_register(file, people).reset();
  if (file.parent_path() != stage.dir / "state") {
    std::filesystem::copy_file(file, stage.dir / "state" / "register.db");
    std::filesystem::permissions(stage.dir / "state" / "register.db", std::filesystem::perms(0600));
  }
  prepare(stage);
  const auto began = Steady::now();
  stage.start_daemon();
  const double took = std::chrono::duration<double>(Steady::now() - began).count();
  fmt::print("register of {} MB; serves after {:.2f} s\n", std::filesystem::file_size(file) >> 20U, took);
  fmt::print("when it serves:\n{}", memory_of(stage.daemon->pid()));
  const auto checking = Steady::now();
  if (!stage.daemon->wait_for_line("register is whole", std::chrono::minutes(10)))
    throw std::runtime_error("the check did not end:\n" + stage.daemon->output());
  fmt::print("checked whole in the background in {:.1f} s; idle:\n{}",
             std::chrono::duration<double>(Steady::now() - checking).count(), memory_of(stage.daemon->pid()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  std::size_t people = 1'500'000;
  std::size_t rows = 100'000;
  std::filesystem::path file;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--people") == 0) people = std::stoul(argv[i + 1]);
    if (std::strcmp(argv[i], "--import") == 0) rows = std::stoul(argv[i + 1]);
    if (std::strcmp(argv[i], "--register") == 0) file = argv[i + 1];
  }
  remove_signed_in(1000);
  import(rows);
  return measure(people, file);
}
