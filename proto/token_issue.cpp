// SPDX-License-Identifier: Apache-2.0
// Writing a token: the JSON goes through the base64url encoder straight into the result, so that the one
// string is the only allocation of the hot path.
#include <fmt/format.h>

#include "proto/token.hpp"
#include "proto/token_claims.hpp"

namespace cardgate::proto {
namespace {

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Appends base64url (RFC 4648 5, no padding) of all that is put into it.
class Base64UrlWriter {
 public:
  explicit Base64UrlWriter(std::string& out) : out_(out) {}

  void put(char c) {
    held_ = (held_ << 8) | static_cast<std::uint8_t>(c);
    bits_ += 8;
    while (bits_ >= 6) {
      bits_ -= 6;
      out_.push_back(alphabet[(held_ >> bits_) & 63]);
    }
    held_ &= (1U << bits_) - 1;
  }
  void put(std::string_view text) {
    for (const char c : text) put(c);
  }
  /// The text as a JSON string (RFC 8259 7).
  void put_quoted(std::string_view text) {
    static constexpr char digits[] = "0123456789abcdef";
    put('"');
    for (const char c : text) {
      const auto byte = static_cast<std::uint8_t>(c);
      if (byte < 0x20) {
        put("\\u00");
        put(digits[byte >> 4]);
        put(digits[byte & 15]);
        continue;
      }
      if (c == '"' || c == '\\') put('\\');
      put(c);
    }
    put('"');
  }
  void finish() {
    if (bits_ > 0) out_.push_back(alphabet[(held_ << (6 - bits_)) & 63]);
    bits_ = 0;
    held_ = 0;
  }

 private:
  std::string& out_;
  std::uint32_t held_ = 0;
  unsigned bits_ = 0;
};

/// Writes the members of the claims object; what is empty is left out.
class ClaimsWriter {
 public:
  explicit ClaimsWriter(Base64UrlWriter& out) : out_(out) {}

  void operator()(std::string_view name, const std::string& value, Need) {
    if (value.empty()) return;
    begin(name);
    out_.put_quoted(value);
  }
  void operator()(std::string_view name, std::int64_t value, Need) {
    if (value == 0) return;
    begin(name);
    const fmt::format_int digits(value);
    out_.put(std::string_view(digits.data(), digits.size()));
  }
  void operator()(std::string_view name, const std::vector<std::string>& value, Need) {
    if (value.empty()) return;
    begin(name);
    char separator = '[';
    for (const auto& item : value) {
      out_.put(separator);
      out_.put_quoted(item);
      separator = ',';
    }
    out_.put(']');
  }
  void finish() { out_.put(first_ ? "{}" : "}"); }

 private:
  void begin(std::string_view name) {
    out_.put(first_ ? '{' : ',');
    first_ = false;
    out_.put('"');
    out_.put(name);
    out_.put("\":");
  }
  Base64UrlWriter& out_;
  bool first_ = true;
};

/// An upper bound for texts without escapes; a text with many of them costs one more allocation.
struct SizeEstimate {
  std::size_t bytes = 0;
  void operator()(std::string_view name, const std::string& value, Need) {
    bytes += name.size() + value.size() + 6;
  }
  void operator()(std::string_view name, std::int64_t, Need) { bytes += name.size() + 24; }
  void operator()(std::string_view name, const std::vector<std::string>& value, Need) {
    bytes += name.size() + 6;
    for (const auto& item : value) bytes += item.size() + 3;
  }
};

}  // namespace

std::string_view name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::eddsa:
      return "EdDSA";
    case Algorithm::ed25519:
      return "Ed25519";
    case Algorithm::es256:
      break;
  }
  return "ES256";
}

std::optional<Algorithm> parse_algorithm(std::string_view name_given) {
  for (const auto each : {Algorithm::eddsa, Algorithm::ed25519, Algorithm::es256}) {
    if (name(each) == name_given) return each;
  }
  return std::nullopt;
}

std::string issue(const SigningKey& key, std::string_view kid, const Claims& claims) {
  return issue(Algorithm::eddsa, kid, claims, [&](BytesView message) { return key.sign(message); });
}

std::string issue(Algorithm algorithm, std::string_view kid, const Claims& claims, const Sign& sign) {
  static constexpr std::string_view header_start = R"({"alg":")";
  static constexpr std::string_view header_middle = R"(","typ":"at+jwt","kid":)";
  static constexpr std::size_t signature_chars = 86;
  SizeEstimate estimate{header_start.size() + header_middle.size() + kid.size() + 16};
  visit_claims(claims, estimate);

  std::string token;
  token.reserve(estimate.bytes * 4 / 3 + signature_chars + 8);
  Base64UrlWriter out(token);
  out.put(header_start);
  out.put(name(algorithm));
  out.put(header_middle);
  out.put_quoted(kid);
  out.put('}');
  out.finish();
  token.push_back('.');
  ClaimsWriter members(out);
  visit_claims(claims, members);
  members.finish();
  out.finish();
  const Signature signature = sign(as_bytes(token));
  token.push_back('.');
  out.put(as_text(signature));
  out.finish();
  return token;
}

json::object to_json(const Claims& claims) {
  struct Collector {
    json::object out;
    void operator()(std::string_view name, const std::string& value, Need) {
      if (!value.empty()) out.emplace(name, value);
    }
    void operator()(std::string_view name, std::int64_t value, Need) {
      if (value != 0) out.emplace(name, value);
    }
    void operator()(std::string_view name, const std::vector<std::string>& value, Need) {
      if (!value.empty()) out.emplace(name, json::array(value.begin(), value.end()));
    }
  } collector;
  visit_claims(claims, collector);
  return std::move(collector.out);
}

}  // namespace cardgate::proto
