// SPDX-License-Identifier: Apache-2.0
// bench_scale [--people N] [--register FILE] [--import N]: how long the command takes to import a table of N people
// (100,000) into an empty register, and again; then cardgated on a register of N people (1,500,000), how long its start
// takes, and what stays in memory: when it serves, and when it has looked the whole register over and is idle. FILE is
// made when it is not there, and kept.
#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <string>

#include "base/secret.hpp"
#include "tests/bench/big_register.hpp"
#include "tests/daemon/stage.hpp"

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
  std::filesystem::copy_file(CARDGATE_SOURCE_DIR "/config/policy.yaml", stage.dir / "policy.yaml");
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
  import(rows);
  return measure(people, file);
}
