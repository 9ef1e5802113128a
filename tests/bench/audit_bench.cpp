// SPDX-License-Identifier: Apache-2.0
// Durable records a second with N waiters, each of which waits for one before it asks for the next, beside a
// bare group-commit loop: the same waiters and as many bytes, but nothing done to them except pwrite and
// fdatasync. The directory is $CARDGATE_BENCH_DIR or the working directory: it must be on a real disk, not on
// a tmpfs.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "audit/log.hpp"
#include "base/secret.hpp"
#include "tests/bench/bare_loop.hpp"

namespace {

using namespace cardgate;
using bench::BareLoop;

audit::Record record() {
  return {
      .event = "token",
      .person = "AB123",
      .role = "core",
      .client = "uid 1000, unit esr-desktop.service",
      .session = "Zk3qJ0m2T8yWcH5uVx1rNw",
      .policy = "6f1ed002ab5595859014ebf0951522d9",
      .details = {
          {"audience", "https://esr.example"}, {"jti", "pY6sJ0m2T8yWcH5uVx1rNw"}, {"expires", 1767225600}}};
}
/// Bytes that the log writes for one such record.
constexpr std::size_t line_bytes = 435;

class Directory {
 public:
  Directory() {
    const char* base = std::getenv("CARDGATE_BENCH_DIR");
    std::string name = (std::filesystem::path(base == nullptr ? "." : base) / "audit-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::filesystem::path path;
};

/// Google Benchmark's own threads are the waiters: items a second is records a second.
void log_records(benchmark::State& state) {
  static Directory* directory = nullptr;
  static audit::Log* log = nullptr;
  if (state.thread_index() == 0) {
    directory = new Directory;
    audit::Options options;
    options.directory = directory->path / "log";
    log = audit::Log::open(options, SigningKey::generate(), system_clock()).value().release();
  }
  for (auto _ : state) {
    if (!log->append_and_wait(record())) state.SkipWithError("the log refused a record");
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    const auto health = log->health();
    state.counters["records_per_sync"] =
        static_cast<double>(health.records) / static_cast<double>(health.syncs);
    delete log;
    delete directory;
  }
}

void bare(benchmark::State& state, bool zeros) {
  static Directory* directory = nullptr;
  static BareLoop* loop = nullptr;
  if (state.thread_index() == 0) {
    directory = new Directory;
    loop = new BareLoop(directory->path / "bare", line_bytes, zeros);
  }
  for (auto _ : state) loop->append_and_wait();
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    delete loop;
    delete directory;
  }
}
void bare_group_commit(benchmark::State& state) {
  bare(state, false);
}
void bare_group_commit_zero_filled(benchmark::State& state) {
  bare(state, true);
}

// Beside each other for each number of waiters, so that a change of the machine's mood meets all alike.
void add(const std::string& name, void (*work)(benchmark::State&), int waiters) {
  benchmark::RegisterBenchmark(name.c_str(), work)->Threads(waiters)->UseRealTime()->MinTime(1.0);
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  benchmark::Initialize(&argc, argv);
  for (const int waiters : {1, 4, 16, 64}) {
    add("bare_group_commit", bare_group_commit, waiters);
    add("audit_log", log_records, waiters);
    add("bare_group_commit_zero_filled", bare_group_commit_zero_filled, waiters);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
