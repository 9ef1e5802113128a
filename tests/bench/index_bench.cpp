// SPDX-License-Identifier: Apache-2.0
// One person's month out of a year of the log: how long the index takes to be made, how large it is, and how soon the month comes
// back by it and without it. RECORDS of 5,000 invented people over 365 days, written by the log itself.
//
//   bench_index [RECORDS]     3,000,000 when left out; the directory is $CARDGATE_BENCH_DIR or the working directory
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "audit/log.hpp"
#include "audit/search.hpp"
#include "base/secret.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;

constexpr int people = 5000;
constexpr std::string_view one_person = "12017";

class YearClock final : public Clock {
 public:
  WallTime wall() const override { return now.load(); }
  BootTime boot() const override { return {}; }
  std::atomic<WallTime> now{start_of(parse_date("2025-01-01").value())};
};

audit::Record record_of(std::uint64_t i) {
  // A cheap shuffle, so that neighbours are different people.
  const auto person = fmt::format("{}", 10'000 + (i * 2'654'435'761U >> 7U) % people);
  const bool begins = i % 6 == 0;
  return {.event = begins ? "sign_in" : "token",
          .person = person,
          .role = begins ? "" : "core",
          .client = "uid 1000, unit esr-desktop.service",
          .session = fmt::format("Zk3qJ0m2T8yWcH5u{:06}", i / 6 % 1'000'000),
          .policy = "6f1ed002ab5595859014ebf0951522d9",
          .details = {
              {"audience", "esr"}, {"jti", fmt::format("pY6sJ0m2T8yWc{:09}", i)}, {"expires", 1767225600}}};
}

void write_year(const std::filesystem::path& folder, std::uint64_t records) {
  YearClock clock;
  audit::Options options;
  options.directory = folder;
  auto log = audit::Log::open(options, SigningKey::generate(), clock).value();
  const auto year = std::chrono::hours(365 * 24);
  std::atomic<std::uint64_t> done = 0;
  for (std::uint64_t i = 0; i < records; ++i) {
    clock.now = start_of(parse_date("2025-01-01").value()) + std::chrono::duration_cast<milliseconds>(year) *
                                                                 static_cast<std::int64_t>(i) /
                                                                 static_cast<std::int64_t>(records);
    while (i - done > 60'000) std::this_thread::sleep_for(milliseconds(1));
    log->append(record_of(i), [&](const Result<void>& outcome) {
      if (!outcome) std::_Exit(1);
      ++done;
    });
  }
  while (done < records) std::this_thread::sleep_for(milliseconds(1));
}

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) bytes += file.file_size();
  return bytes;
}

double seconds_since(Steady::time_point begun) {
  return std::chrono::duration<double>(Steady::now() - begun).count();
}

void look(const std::filesystem::path& log, audit::Index* index, std::string_view how) {
  audit::Search ask;
  ask.filter.person = one_person;
  ask.filter.from = "2025-06-01T00:00:00.000Z";
  ask.filter.before = "2025-07-01T00:00:00.000Z";
  ask.max_bytes = ~std::uint64_t{0};
  const auto begun = Steady::now();
  std::size_t found = 0;
  std::uint64_t read = 0;
  for (;;) {
    const auto page = audit::search(log, ask, index, [] { return true; }).value();
    found += page.records.size();
    read += page.read;
    if (!page.next) break;
    ask.after = *page.next;
  }
  fmt::print("{}: {} records of one person's month in {:.3f} s ({:.1f} MB read)\n", how, found,
             seconds_since(begun), static_cast<double>(read) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  const std::uint64_t records = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 3'000'000;
  const char* base = std::getenv("CARDGATE_BENCH_DIR");
  std::string name = (std::filesystem::path(base == nullptr ? "." : base) / "index-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  const std::filesystem::path folder = name;
  auto begun = Steady::now();
  write_year(folder / "log", records);
  const auto log_bytes = bytes_in(folder / "log");
  fmt::print("written: {} records, {:.0f} MB, in {:.1f} s\n", records, static_cast<double>(log_bytes) / 1e6,
             seconds_since(begun));
  std::filesystem::create_directory(folder / "index");
  begun = Steady::now();
  auto index = audit::Index::open(folder / "index" / "index.db").value();
  index->catch_up(folder / "log", [](audit::Index::Progress) { return true; }).value();
  const auto took = seconds_since(begun);
  fmt::print("index made: {:.1f} MB, in {:.1f} s ({:.0f} MB/s of the log)\n",
             static_cast<double>(bytes_in(folder / "index")) / 1e6, took,
             static_cast<double>(log_bytes) / 1e6 / took);
  begun = Steady::now();
  index = audit::Index::open(folder / "index" / "index.db").value();
  index->catch_up(folder / "log", [](audit::Index::Progress) { return true; }).value();
  fmt::print("index opened again, and compared with the log: {:.3f} s\n", seconds_since(begun));
  look(folder / "log", index.get(), "by the index");
  look(folder / "log", index.get(), "by the index, again");
  look(folder / "log", nullptr, "without");
  std::filesystem::remove_all(folder);
}
