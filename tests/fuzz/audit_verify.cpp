// SPDX-License-Identifier: Apache-2.0
// The checker and the line parser on any bytes. The input holds the files of a log after each other, with
// "\n=\n" between: the head, then segments, the first of them named after sequence 1, the others after their
// own first line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "audit/checker.hpp"
#include "audit/checkpoints.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/scan.hpp"
#include "base/secret.hpp"

using namespace cardgate;

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  init_crypto();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view between = "\n=\n";
  std::vector<std::string_view> files;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (;;) {
    const std::size_t end = rest.find(between);
    files.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + between.size());
  }
  audit::Checker::Start start;
  // The seeds are signed with this key; what the fuzzer makes of the header is then another one.
  if (size % 2 == 0) start.question.key = SigningKey::from_seed(Bytes(32, 7)).value().public_key();
  start.whole_log = size % 3 != 0;
  start.head = std::string(files[0]);
  start.key_file = std::string(files[0]);
  (void)audit::parse_key_file(files[0]);
  (void)audit::parse_segment_name(files[0]);
  // The last part may be checkpoints from elsewhere, too.
  const auto book = audit::CheckpointBook::parse(files.back());
  if (book) start.question.book = &*book;
  audit::Checker checker(std::move(start));
  std::size_t lines = 0;
  for (std::size_t i = 1; i < files.size(); ++i) {
    const auto first = audit::parse_line(files[i].substr(0, files[i].find('\n')));
    const std::uint64_t sequence = first && i > 1 ? first->sequence : 1;
    checker.segment(audit::segment_name(sequence), files[i], i + 1 == files.size());
    for (const char c : files[i]) lines += c == '\n' ? 1U : 0U;
    if (checker.good_bytes() + checker.torn_bytes() > files[i].size()) std::abort();
  }
  // What the quick look takes, the strict parser takes, too.
  for (std::string_view text = files.back(); !text.empty();) {
    const std::size_t end = text.find('\n');
    const auto line = text.substr(0, end);
    if (const auto quick = audit::scan_line(line)) {
      const auto strict = audit::parse_line(line);
      if (!strict || strict->sequence != quick->sequence || strict->event != quick->event) std::abort();
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const audit::Report report = checker.finish();
  if (report.ok != report.problems.empty() || report.records > lines ||
      report.unsigned_tail > report.records) {
    std::abort();
  }
  return 0;
}
