// SPDX-License-Identifier: Apache-2.0
// Durable records a second with N waiters, each of which waits for one before it asks for the next, beside a
// bare group-commit loop: the same waiters and as many bytes, but nothing done to them except pwrite and
// fdatasync. The directory is $CARDGATE_BENCH_DIR or the working directory: it must be on a real disk, not on
// a tmpfs.
//
// And how fast a log of a million records is proved and walked through, beside b2sum of the same files, and whether writing
// keeps its rate while somebody reads.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "audit/log.hpp"
#include "audit/reader.hpp"
#include "audit/scan.hpp"
#include "audit/verify.hpp"
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

/// A closed log of a million records ($CARDGATE_BENCH_RECORDS), made once.
const std::filesystem::path& large_log() {
  static const Directory directory;
  static const std::filesystem::path path = [] {
    const char* wanted = std::getenv("CARDGATE_BENCH_RECORDS");
    const std::size_t count = wanted == nullptr || *wanted == 0 ? 1'000'000 : std::stoul(wanted);
    audit::Options options;
    options.directory = directory.path / "large";
    options.queue_limit = 100'000;
    const auto log = audit::Log::open(options, SigningKey::generate(), system_clock()).value();
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 50'000 == 49'999) {
        (void)log->append_and_wait(record());
      } else {
        log->append(record(), {});
      }
    }
    return options.directory;
  }();
  return path;
}

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

/// The same while a thread walks through the log from its beginning to its end, again and again.
void log_records_beside_a_reader(benchmark::State& state) {
  static std::atomic<bool> stop;
  static std::thread reader;
  if (state.thread_index() == 0) {
    stop = false;
    reader = std::thread([] {
      (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);  // as `cardgate audit` has
      while (!stop) {
        (void)audit::for_each_line(large_log(), [](const audit::RawLine& line) {
          benchmark::DoNotOptimize(audit::scan_line(line.text));
          return !stop;
        });
      }
    });
  }
  log_records(state);
  if (state.thread_index() == 0) {
    stop = true;
    reader.join();
  }
}

std::int64_t bytes_of(const std::filesystem::path& folder) {
  std::int64_t out = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".jsonl") out += static_cast<std::int64_t>(file.file_size());
  }
  return out;
}

void verify_log(benchmark::State& state) {
  for (auto _ : state) {
    const auto report = audit::verify(large_log(), std::optional<PublicKey>()).value();
    if (!report.ok) state.SkipWithError("the log is not whole");
    state.counters["records"] = static_cast<double>(report.records);
  }
  state.SetBytesProcessed(state.iterations() * bytes_of(large_log()));
}

void walk_log(benchmark::State& state) {
  std::int64_t records = 0;
  for (auto _ : state) {
    (void)audit::for_each_line(large_log(), [&](const audit::RawLine& line) {
      records += audit::scan_line(line.text) ? 1 : 0;
      return true;
    });
  }
  state.SetBytesProcessed(state.iterations() * bytes_of(large_log()));
  state.SetItemsProcessed(records);
}

void b2sum(benchmark::State& state) {
  const std::string command = "cat " + large_log().string() + "/*.jsonl | b2sum -l 256 >/dev/null";
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) state.SkipWithError("b2sum failed");
  }
  state.SetBytesProcessed(state.iterations() * bytes_of(large_log()));
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
  (void)large_log();
  add("audit_log_beside_a_reader", log_records_beside_a_reader, 16);
  for (const auto& [name, work] :
       {std::pair("b2sum", &b2sum), std::pair("verify", &verify_log), std::pair("walk", &walk_log)})
    benchmark::RegisterBenchmark(name, work)->UseRealTime()->Unit(benchmark::kMillisecond)->MinTime(3.0);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
