// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/request_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace cardgate::daemon {

namespace http = boost::beast::http;
using ErrorCode = boost::beast::error_code;
using View = boost::beast::string_view;

namespace {

/// Beast's grammar of a head; keeps what a request needs of it. `skip`: the body is read here, where trailers can be dropped
/// and secrets wiped.
class HeadParser final : public http::basic_parser<true> {
 public:
  explicit HeadParser(Request& request) : request_(request) {
    header_limit(static_cast<std::uint32_t>(max_header_bytes));
    skip(true);
  }

  std::string target;
  bool expects_continue = false;

 private:
  void on_request_impl(http::verb, View method, View where, int, ErrorCode& failure) override {
    failure = {};
    request_.method = std::string(method.data(), method.size());
    target = std::string(where.data(), where.size());
  }
  void on_response_impl(int, View, int, ErrorCode&) override {}
  void on_field_impl(http::field name, View, View value, ErrorCode& failure) override {
    failure = {};
    const std::string_view text(value.data(), value.size());
    if (name == http::field::authorization) {
      request_.authorization = text;
    } else if (name == http::field::content_type) {
      request_.content_type = ascii_lower(text.substr(0, text.find_first_of("; ")));
    } else if (name == http::field::expect) {
      expects_continue = boost::beast::iequals(value, "100-continue");
    }
  }
  void on_header_impl(ErrorCode& failure) override { failure = {}; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode& failure) override { failure = {}; }
  std::size_t on_body_impl(View body, ErrorCode& failure) override {
    failure = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode& failure) override { failure = {}; }
  std::size_t on_chunk_body_impl(std::uint64_t, View body, ErrorCode& failure) override {
    failure = {};
    return body.size();
  }
  void on_finish_impl(ErrorCode& failure) override { failure = {}; }

  Request& request_;
};

}  // namespace

RequestReader::RequestReader(Limit limit)
    : limit_(std::move(limit)),
      buffer_(std::make_unique_for_overwrite<std::array<char, max_header_bytes>>()) {}

RequestReader::~RequestReader() {
  wipe(buffer_->data(), size_);
  request_.wipe();
}

std::span<char> RequestReader::room() {
  return std::span(*buffer_).subspan(size_);
}

void RequestReader::arrived(std::size_t count) {
  size_ += count;
}

void RequestReader::drop(std::size_t used) {
  char* const start = buffer_->data();
  std::memmove(start, start + used, size_ - used);
  wipe(start + size_ - used, used);
  size_ -= used;
}

RequestReader::Step RequestReader::refuse(Response why) {
  request_.refused = std::move(why);
  broken_ = true;
  keep_alive_ = false;
  return Step::refused;
}

RequestReader::Step RequestReader::malformed(std::string_view what) {
  return refuse(problem(400, "bad_request", fmt::format("The request is malformed: {}.", what)));
}

Request RequestReader::take() {
  found_.reset();
  head_done_ = false;
  searched_ = 0;
  return std::exchange(request_, {});
}

std::optional<Request> RequestReader::take_also(const std::function<bool(const Request&)>& wanted) {
  if (size_ == 0) return std::nullopt;
  found_ = step();
  if (found_ != Step::request || request_.refused || !wanted(request_)) return std::nullopt;
  return take();
}

RequestReader::Step RequestReader::step() {
  if (found_) return *std::exchange(found_, std::nullopt);
  return look();
}

RequestReader::Step RequestReader::look() {
  if (broken_) return Step::refused;
  if (!head_done_) {
    if (const Step step = read_head(); step != Step::request) return step;
  }
  return read_body();
}

/// Step::request: the head is whole and good.
RequestReader::Step RequestReader::read_head() {
  const std::string_view here(buffer_->data(), size_);
  const auto end = here.find("\r\n\r\n", searched_);
  if (end == std::string_view::npos) {
    searched_ = size_ > 3 ? size_ - 3 : 0;
    if (size_ < buffer_->size()) return Step::more;
    return refuse(problem(431, "headers_too_large", "The request's headers are too large."));
  }
  const std::string_view head = here.substr(0, end + 4);
  if (const auto wrong = refuse_head(head); !wrong.empty()) return malformed(wrong);
  HeadParser parser(request_);
  ErrorCode failure;
  const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), failure);
  if (failure && failure != http::error::need_more) return malformed(failure.message());
  if (!parser.is_done() || used != head.size()) return malformed("its head does not end where it seems to");
  // The body is read all the same, so that the connection can go on behind it.
  if (parser.target.size() > max_target_bytes) {
    wrong_target_ = problem(414, "target_too_long", "The request's path and query are too long.");
  } else if (const auto parsed = parse_target(parser.target, request_); !parsed) {
    wrong_target_ = problem(400, "bad_request", parsed.error().context + ".");
  }
  const std::size_t bound = limit_(request_);
  large_ = bound > max_body_bytes;
  left_ = parser.content_length().value_or(0);
  if (left_ > bound) return refuse(problem(413, "body_too_large", "The request's body is too large."));
  chunks_.reset();
  if (parser.chunked()) chunks_.emplace(bound);
  // A body in chunks gets all that it may need at once, but for a large import, which grows. Never so little that
  // std::string would keep it within itself, where a move leaves it behind.
  const std::uint64_t whole = chunks_ ? std::min(bound, max_body_bytes) : left_;
  if (whole > 0) request_.body.reserve(static_cast<std::size_t>(std::max<std::uint64_t>(whole, 64)));
  keep_alive_ = parser.keep_alive();
  waits_to_go_on_ = parser.expects_continue && whole > 0;
  drop(used);
  head_done_ = true;
  return Step::request;
}

RequestReader::Step RequestReader::read_body() {
  const std::string_view here(buffer_->data(), size_);
  if (chunks_) {
    drop(chunks_->take(here, request_.body));
    if (chunks_->state() == ChunkedBody::State::malformed) return malformed(chunks_->problem());
    if (chunks_->state() == ChunkedBody::State::too_large)
      return refuse(problem(413, "body_too_large", "The request's body is too large."));
  } else if (left_ > 0) {
    const auto part = here.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, here.size())));
    append_wiped(request_.body, part);
    left_ -= part.size();
    drop(part.size());
  }
  if (chunks_ ? chunks_->state() == ChunkedBody::State::done : left_ == 0) {
    request_.refused = std::exchange(wrong_target_, std::nullopt);
    return Step::request;
  }
  // Nothing is left in the buffer, so that there is room.
  return std::exchange(waits_to_go_on_, false) && request_.body.empty() ? Step::go_on : Step::more;
}

}  // namespace cardgate::daemon
