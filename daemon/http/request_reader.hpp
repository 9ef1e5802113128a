// SPDX-License-Identifier: Apache-2.0
// Bytes in, requests out: HTTP/1.1 (RFC 9112) read within bounds, without a socket, a clock or a thread. One thread.
//
//   RequestReader reader(limit);
//   for (;;) {
//     switch (reader.step()) {
//       case Step::more:    fill a part of reader.room(), tell reader.arrived(count), step again
//       case Step::go_on:   answer "100 Continue", step again
//       case Step::request: reader.take() is whole (its target may be refused); answer it, step again for the next one
//       case Step::refused: reader.take() says why in `refused`; answer it and close, nothing behind it can be read
//     }
//   }
//
// Requests that came together may be answered together: after take(), take_also() gives the next one that is here whole.
//
// Each step() makes progress or asks for bytes, and never asks for bytes without room for them: what does not end within
// its bound (a head, a chunk's line, a trailer, a body) is refused. Trailers are dropped. A body is kept in one place of its
// full size, and whatever is left behind in memory is wiped, because it may hold a password.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/http/chunked_body.hpp"
#include "daemon/http/message.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

class RequestReader {
 public:
  /// How many bytes the body may have, by the method and the path. A body of more than max_body_bytes is a large one.
  using Limit = std::function<std::size_t(const Request& head)>;
  enum class Step : std::uint8_t { more, go_on, request, refused };

  explicit RequestReader(Limit limit);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Where the next bytes go: never empty after Step::more. Valid until the next call of anything but room().
  std::span<char> room();
  /// REQUIRES: that many bytes were put at the beginning of room().
  void arrived(std::size_t count);
  Step step();
  /// The request, once; after Step::request or Step::refused. The caller wipes its body and authorization.
  Request take();
  /// The next request, if it is here whole, good, and `wanted`. Else step() says what there is instead, and keep_alive() speaks of that.
  std::optional<Request> take_also(const std::function<bool(const Request&)>& wanted);

  /// True when a request, or a part of one, is here and was not taken.
  bool in_request() const { return size_ > 0 || head_done_; }
  /// Whether the connection may go on after the request that step() has found, or that was taken last (RFC 9112 9.3).
  bool keep_alive() const { return keep_alive_; }
  /// True while a large body is read: it may take its time, as long as it moves.
  bool in_large_body() const { return head_done_ && large_; }

 private:
  Step refuse(Response why);
  Step malformed(std::string_view what);
  Step look();
  Step read_head();
  Step read_body();
  /// The first `used` bytes were taken over.
  void drop(std::size_t used);

  Limit limit_;
  std::unique_ptr<std::array<char, max_header_bytes>> buffer_;
  std::size_t size_ = 0;      // bytes in it
  std::size_t searched_ = 0;  // of them without the end of the head
  Request request_;
  std::optional<ChunkedBody> chunks_;
  std::uint64_t left_ = 0;  // of a body whose length is known
  std::optional<Response> wrong_target_;
  bool broken_ = false;
  bool head_done_ = false;
  bool large_ = false;
  bool waits_to_go_on_ = false;
  std::optional<Step> found_;  // by take_also(), and not taken
  bool keep_alive_ = false;
};

}  // namespace cardgate::daemon
