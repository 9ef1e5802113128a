// SPDX-License-Identifier: Apache-2.0
#include "audit/disclosure.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "audit/event.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/reason_words.hpp"
#include "audit/record.hpp"
#include "audit/scan.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"

namespace cardgate::audit {
namespace {

bool is_value_in(const json::value& value, std::string_view text) {
  if (const auto* string = value.if_string()) return *string == text;
  if (const auto* array = value.if_array())
    return std::ranges::any_of(*array, [&](const auto& item) { return is_value_in(item, text); });
  if (const auto* object = value.if_object())
    return std::ranges::any_of(*object, [&](const auto& item) { return is_value_in(item.value(), text); });
  return false;
}

bool is_own(std::string_view event) {
  const auto* info = find_event(event);
  return info != nullptr && info->internal;
}

constexpr std::string_view readme = R"~(EVIDENCE FROM AN AUDIT LOG

{about}

Made {made} from the log {log}. {selected} records were asked for; their numbers are in `asked-for.txt`.

What is here
  KEY/records-NUMBER.jsonl   records, one a line, as they stand in the log: the first that was asked for, and all that
                             follow up to a checkpoint. The checkpoint is the last line, and signs all before it.
  KEY/key.pem                the public key that signed them. KEY is a short name of that key.
  asked-for.txt              the numbers ("seq") of the records that were asked for
  SHA256SUMS                 of all these files

What it proves: each record is, letter for letter, what the service wrote, and stands behind the one before it. What it does
not prove: that nothing was left out between two files. Numbers that follow each other without a gap show that within a file.

How to verify it, with a shell, coreutils and OpenSSL 3. No cardgate is needed. Copy these lines into a shell, in this folder. If you
doubt whoever sent you this, take them from cardgate's docs/audit-format.md instead, where they stand as well:

```sh
sha256sum --quiet -c SHA256SUMS && echo "The files are complete."

verify() {
  want=$(head -n 1 "$1" | cut -d '"' -f 10)
  number=0
  last=
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    [ "$(printf '%s\n' "$line" | cut -d '"' -f 10)" = "$want" ] || { echo "$1: ALTERED at or before line $number"; return 1; }
    want=$(printf '%s\n' "$line" | b2sum -l 256 | cut -d ' ' -f 1)
    last=$line
  done <"$1"
  work=$(mktemp -d)
  printf 'cardgate-audit-checkpoint-v1\n%s' "${last%,\"sig\":*}" >"$work/text"
  signature=${last##*\"sig\":\"}
  printf '%s==' "${signature%\"\}}" | tr '_-' '/+' | base64 -d >"$work/signature"
  openssl pkeyutl -verify -pubin -inkey "$(dirname "$1")/key.pem" -rawin -in "$work/text" -sigfile "$work/signature" >"$work/said" 2>&1
  result=$?
  rm -r "$work"
  [ $result = 0 ] || { echo "$1: THE SIGNATURE IS NOT VALID"; return 1; }
  echo "$1: proved"
}

for file in */records-*.jsonl; do verify "$file"; done
```

Then see whose key it is. This must be what you were given when the log began (`key.pub`, behind the name), or what the people who
run the machine keep elsewhere:

```sh
for key in */key.pem; do
  der=$(openssl pkey -pubin -in "$key" -outform DER | od -A n -v -t x1 | tr -d ' \n')
  case ${#der}:$der in
    88:302a300506032b6570032100*)
      echo "$key $(openssl pkey -pubin -in "$key" -outform DER | tail -c 32 | base64 | tr '/+' '_-' | tr -d =)" ;;
    *) echo "$key: NOT A KEY OF SUCH A LOG" ;;
  esac
done
```
)~";

std::string pem_of(const PublicKey& key) {
  // SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 4) up to the key itself.
  static constexpr std::uint8_t prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                            0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  Bytes der(std::begin(prefix), std::end(prefix));
  der.insert(der.end(), key.begin(), key.end());
  return fmt::format("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", to_base64(der));
}

/// Files of one folder that is made anew.
class EvidenceFolder {
 public:
  static Result<EvidenceFolder> make(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST)
        return Error{Errc::already_exists,
                     fmt::format("{}: already exists; name a new folder", path.string())};
      return errno_error(path.string(), errno);
    }
    return EvidenceFolder(path);
  }

  /// The lines of a piece, up to and with its checkpoint.
  Result<void> add_piece(std::uint64_t first, const std::string& lines, const PublicKey& key) {
    const std::string folder = key_id(key);
    if (::mkdir((path_ / folder).c_str(), 0700) == 0) {
      TRY(add(folder + "/key.pem", pem_of(key)));
    } else if (errno != EEXIST) {
      return errno_error((path_ / folder).string(), errno);
    }
    return add(fmt::format("{}/records-{:020}.jsonl", folder, first), lines);
  }
  Result<void> add(const std::string& name, std::string_view content) {
    sums_ += fmt::format("{}  {}\n", to_hex(sha256(as_bytes(content))), name);
    return write_file_atomic(path_ / name, as_bytes(content), 0600);
  }
  Result<void> finish() { return write_file_atomic(path_ / "SHA256SUMS", as_bytes(sums_), 0600); }

 private:
  explicit EvidenceFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
  std::string sums_;
};

constexpr std::size_t max_missing = 100;
// Far above what stands between two checkpoints of a log that the service wrote.
constexpr std::size_t max_piece_bytes = 64UL << 20;

/// Sees every line, and knows which should have been there.
class GapWatch {
 public:
  void see(std::string_view raw) {
    std::uint64_t sequence = 0;
    if (const auto quick = scan_line(raw)) {
      sequence = quick->sequence;
    } else if (const auto line = parse_line(raw)) {
      sequence = line->sequence;
    }
    if (sequence == 0) {
      note(fmt::format("the line behind record {} cannot be read", last_));
      ++last_;
      return;
    }
    if (last_ != 0 && sequence > last_ + 1) note(gone(sequence - 1));
    if (last_ != 0 && sequence <= last_)
      note(fmt::format("record {} stands behind record {}", sequence, last_));
    last_ = sequence;
  }
  /// `newest`: what the head says is there.
  void end(std::uint64_t newest) {
    if (last_ < newest) note(gone(newest) + " at the end");
  }
  void note(std::string what) {
    if (missing.size() < max_missing) missing.push_back(std::move(what));
  }

  Missing missing;

 private:
  std::string gone(std::uint64_t to) const {
    return to == last_ + 1 ? fmt::format("record {} is missing", to)
                           : fmt::format("records {} to {} are missing", last_ + 1, to);
  }
  std::uint64_t last_ = 0;
};

/// The sequence number in the head; 0 when nothing can be read there.
std::uint64_t newest_by_head(const std::filesystem::path& directory) {
  const auto content = read_file(directory / head_name, head_bytes);
  const auto raw = content ? parse_head(*content) : Result<std::string>(Errc::not_found);
  const auto line = raw ? parse_line(*raw) : Result<Line>(Errc::not_found);
  return line ? line->sequence : 0;
}

/// Gathers pieces while the log goes by.
class EvidenceMaker {
 public:
  EvidenceMaker(const Selection& selection, EvidenceFolder& folder)
      : selection_(selection), folder_(folder) {}

  Result<void> take(std::string_view raw) {
    const auto quick = scan_line(raw);
    const std::string_view event = quick ? quick->event : std::string_view();
    if (!quick || event == "segment" || event == "checkpoint") {
      const auto line = TRY(parse_line(raw));
      if (line.event == "segment") return header(line);
      if (line.event == "checkpoint") return checkpoint(raw);
      return record(line.sequence, raw);
    }
    return record(quick->sequence, raw);
  }

  void finish() { evidence.unsigned_tail += wanted_; }

  Evidence evidence;
  std::string asked_for;
  std::string log_id;

 private:
  Result<void> record(std::uint64_t sequence, std::string_view raw) {
    const bool wanted = is_selected(selection_, raw);
    if (!wanted && piece_.empty()) return {};
    if (piece_.empty()) first_ = sequence;
    if (piece_.size() > max_piece_bytes)
      return Error{Errc::too_large,
                   fmt::format("no checkpoint stands within {} MiB behind record {}: verify the log",
                               max_piece_bytes >> 20U, first_)};
    piece_.append(raw) += '\n';
    ++lines_;
    if (!wanted) return {};
    ++wanted_;
    numbers_ += fmt::format("{}\n", sequence);
    return {};
  }

  /// A piece is open here only when the end of the segment before is missing: then nothing vouches for it.
  Result<void> header(const Line& line) {
    piece_.clear();
    lines_ = 0;
    numbers_.clear();
    evidence.unsigned_tail += std::exchange(wanted_, 0);
    const auto* text = find_string(line.details(), "key");
    const auto bytes = text == nullptr ? Result<Bytes>(Errc::malformed) : from_base64url(*text);
    if (!bytes || bytes->size() != key_.size())
      return Error{Errc::corrupt, "a segment's header names no key"};
    std::ranges::copy(*bytes, key_.begin());
    // It goes into the README as it is.
    const auto* id = find_string(line.details(), "log");
    const auto id_bytes = id == nullptr ? Result<Bytes>(Errc::malformed) : from_base64url(*id);
    if (id_bytes && id_bytes->size() == 16) log_id = *id;
    return {};
  }

  Result<void> checkpoint(std::string_view raw) {
    if (piece_.empty()) return {};
    piece_.append(raw) += '\n';
    TRY(folder_.add_piece(first_, piece_, key_));
    piece_.clear();
    evidence.lines += std::exchange(lines_, 0) + 1;
    evidence.selected += std::exchange(wanted_, 0);
    ++evidence.pieces;
    asked_for += std::exchange(numbers_, {});
    return {};
  }

  const Selection& selection_;
  EvidenceFolder& folder_;
  PublicKey key_{};
  std::string piece_;  // at most what stands between two checkpoints
  std::string numbers_;
  std::uint64_t first_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t wanted_ = 0;
};

std::string readme_text(const EvidenceMaker& maker, std::string_view about) {
  std::string out(readme);
  const auto fill = [&out](std::string_view mark, const std::string& text) {
    out.replace(out.find(mark), mark.size(), text);
  };
  fill("{about}", clean(about));
  fill("{made}", to_rfc3339(system_clock().wall()));
  fill("{log}", maker.log_id.empty() ? "(begun by an earlier version, without a name)" : maker.log_id);
  fill("{selected}", std::to_string(maker.evidence.selected));
  return out;
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_role_name(std::string_view text) {
  return text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos &&
         !text.starts_with('-');
}

}  // namespace

bool is_selected(const Selection& selection, std::string_view raw) {
  const auto quick = scan_line(raw);
  if (quick) {
    if (!selection.since.empty() && quick->time < selection.since) return false;
    if (!selection.until.empty() && quick->time >= selection.until) return false;
    if (is_own(quick->event)) return false;
    if (!selection.session.empty() && unescape(quick->session) != selection.session) return false;
    // Most records are of somebody else: their text shows that without being parsed.
    if (!selection.person.empty() && raw.find('\\') == std::string_view::npos &&
        raw.find("\"" + selection.person + "\"") == std::string_view::npos)
      return false;
    if (selection.person.empty()) return true;
  }
  const auto line = parse_line(raw);
  if (!line || is_own(line->event)) return false;
  if (!selection.since.empty() && line->time < selection.since) return false;
  if (!selection.until.empty() && line->time >= selection.until) return false;
  const auto* session = find_string(line->object, "session");
  if (!selection.session.empty() && (session == nullptr || *session != selection.session)) return false;
  return selection.person.empty() || is_value_in(line->object, selection.person);
}

Result<Missing> for_each_line_noting_gaps(const std::filesystem::path& directory,
                                          const LineVisitor& visitor) {
  GapWatch watch;
  // The head first: a log that grows meanwhile only gets ahead of it.
  const auto newest = newest_by_head(directory);
  for (const auto& name : TRY(list_compressed(directory))) {
    if (!std::filesystem::exists(directory / name.substr(0, segment_name(0).size())))
      watch.note(fmt::format("{} lies there compressed, and was not read: unpack it", name));
  }
  bool ended = false;
  TRY(for_each_line(directory, [&](const RawLine& line) {
    watch.see(line.text);
    ended = !visitor(line);
    return !ended;
  }));
  if (!ended) watch.end(newest);
  return std::move(watch.missing);
}

Result<Missing> for_each_selected(const std::filesystem::path& directory, const Selection& selection,
                                  const std::function<bool(const json::object&, std::string_view)>& visitor) {
  return for_each_line_noting_gaps(directory, [&](const RawLine& line) {
    if (!is_selected(selection, line.text)) return true;
    const auto parsed = parse_line(line.text);
    return !parsed || visitor(parsed->object, line.text);
  });
}

namespace {

Result<Evidence> fill_evidence(EvidenceFolder& folder, const std::filesystem::path& directory,
                               const Selection& selection, std::string_view about) {
  EvidenceMaker maker(selection, folder);
  Result<void> failure;
  auto missing = TRY(for_each_line_noting_gaps(directory, [&](const RawLine& line) {
    failure = maker.take(line.text);
    return bool(failure);
  }));
  TRY(std::move(failure));
  maker.finish();
  if (maker.evidence.pieces == 0) {
    return Error{Errc::not_found,
                 maker.evidence.unsigned_tail > 0
                     ? "the records that were asked for are not signed yet; try again in a minute"
                     : "the log has no such record"};
  }
  TRY(folder.add("asked-for.txt", maker.asked_for));
  TRY(folder.add("README", readme_text(maker, about)));
  TRY(folder.finish());
  maker.evidence.missing = std::move(missing);
  return std::move(maker.evidence);
}

}  // namespace

Result<Evidence> write_evidence(const std::filesystem::path& directory, const Selection& selection,
                                const std::filesystem::path& out, std::string_view about) {
  auto folder = TRY(EvidenceFolder::make(out));
  auto made = fill_evidence(folder, directory, selection, about);
  if (!made) {
    // Half a folder looks like a whole one to whoever finds it.
    std::error_code ignored;
    std::filesystem::remove_all(out, ignored);
  }
  return made;
}

std::string pseudonymous_csv(std::string_view raw, BytesView key) {
  const auto parsed = parse_line(raw);
  if (!parsed || is_own(parsed->event) || !is_code(parsed->event)) return {};
  const auto member = [&](std::string_view name) -> std::string_view {
    const auto* text = find_string(parsed->object, name);
    return text == nullptr ? std::string_view() : std::string_view(*text);
  };
  const auto code = [&](std::string_view name) {
    const auto text = member(name);
    if (text.empty()) return std::string();
    // The member's name is in it, so that a session is never taken for a person.
    return to_hex(blake2b_keyed(key, as_bytes(fmt::format("{}\n{}", name, text)))).substr(0, 32);
  };
  const auto role = member("role");
  // Of many kinds people type the reason: only the words that the service itself has are let through.
  const auto reason = member("reason");
  return fmt::format("{}:00Z,{},{},{},{},{},{}", std::string_view(parsed->time).substr(0, 13), parsed->event,
                     code("person"), is_role_name(role) ? role : "other", code("client"), code("session"),
                     is_reason_code(reason) ? reason : "");
}

}  // namespace cardgate::audit
