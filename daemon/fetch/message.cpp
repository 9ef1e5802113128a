// SPDX-License-Identifier: Apache-2.0
#include "daemon/fetch/message.hpp"

#include "base/json.hpp"

namespace cardgate::daemon::fetch {
namespace {

Error malformed(std::string text) {
  return {Errc::malformed, std::move(text)};
}

std::string text_of(const json::object& from, std::string_view key) {
  const auto* value = find_string(from, key);
  return value == nullptr ? std::string() : std::string(*value);
}

Result<std::int64_t> number_of(const json::object& from, std::string_view key, std::int64_t maximum) {
  const auto* value = from.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->as_int64() < 1)
    return malformed(std::string(key) + ": expected a number");
  if (value->as_int64() > maximum) return Error{Errc::too_large, std::string(key) + ": too large"};
  return value->as_int64();
}

}  // namespace

std::string encode(const Request& request) {
  json::array exchanges;
  for (const auto& each : request.exchanges) {
    exchanges.push_back(json::object{{"url", each.url},
                                     {"body", to_base64(each.body)},
                                     {"max_bytes", static_cast<std::int64_t>(each.max_bytes)}});
  }
  return json::serialize(json::object{{"deadline_ms", request.deadline.count()},
                                      {"hosts", json::array(request.hosts.begin(), request.hosts.end())},
                                      {"exchanges", std::move(exchanges)}});
}

Result<Request> parse_request(std::string_view message) {
  if (message.size() > max_request_bytes) return Error{Errc::too_large, "the request is too long"};
  const json::value value = TRY(parse_json(message));
  const auto* object = value.if_object();
  const auto* hosts = object == nullptr ? nullptr : find_array(*object, "hosts");
  const auto* exchanges = object == nullptr ? nullptr : find_array(*object, "exchanges");
  if (hosts == nullptr || exchanges == nullptr) return malformed("expected hosts and exchanges");
  if (exchanges->empty() || exchanges->size() > max_exchanges) return malformed("expected 1 to 16 exchanges");
  Request out;
  out.deadline = milliseconds(TRY(number_of(*object, "deadline_ms", max_deadline.count())));
  for (const auto& host : *hosts) {
    if (!host.is_string()) return malformed("hosts: expected texts");
    out.hosts.emplace_back(host.as_string());
  }
  for (const auto& item : *exchanges) {
    const auto* each = item.if_object();
    if (each == nullptr) return malformed("exchanges: expected maps");
    Exchange exchange;
    exchange.url = text_of(*each, "url");
    exchange.body = TRY(from_base64(text_of(*each, "body")));
    exchange.max_bytes = static_cast<std::size_t>(
        TRY(number_of(*each, "max_bytes", static_cast<std::int64_t>(max_content_bytes))));
    out.exchanges.push_back(std::move(exchange));
  }
  return out;
}

std::array<std::uint8_t, head_bytes> encode(const Head& head) {
  std::array<std::uint8_t, head_bytes> out{};
  for (std::size_t i = 0; i < 4; ++i) {
    out[i] = static_cast<std::uint8_t>(head.index >> (24 - 8 * i));
    out[5 + i] = static_cast<std::uint8_t>(head.length >> (24 - 8 * i));
  }
  out[4] = head.good ? 1 : 0;
  return out;
}

Result<Head> parse_head(const std::array<std::uint8_t, head_bytes>& bytes) {
  Head head;
  for (std::size_t i = 0; i < 4; ++i) {
    head.index = head.index << 8 | bytes[i];
    head.length = head.length << 8 | bytes[5 + i];
  }
  if (bytes[4] > 1 || head.index >= max_exchanges) return malformed("an outcome of nothing that was asked");
  head.good = bytes[4] == 1;
  if (head.length > max_content_bytes) return Error{Errc::too_large, "the answer is too long"};
  return head;
}

}  // namespace cardgate::daemon::fetch
