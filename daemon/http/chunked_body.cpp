// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/chunked_body.hpp"

#include <algorithm>
#include <optional>

#include "base/secret.hpp"

namespace cardgate::daemon {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

}  // namespace

void append_wiped(std::string& to, std::string_view more) {
  if (to.capacity() - to.size() < more.size()) {
    std::string larger;
    larger.reserve(std::max(to.capacity() * 2, to.size() + more.size()));
    larger.append(to);
    wipe(to);
    to.swap(larger);
  }
  to.append(more);
}

void ChunkedBody::wrong(std::string_view what) {
  state_ = State::malformed;
  problem_ = what;
}

std::size_t ChunkedBody::take(std::string_view bytes, std::string& body) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ == State::more) {
    if (at_ != At::data) {
      next(bytes[used++]);
      continue;
    }
    const auto data =
        bytes.substr(used, static_cast<std::size_t>(std::min<std::uint64_t>(size_, bytes.size() - used)));
    append_wiped(body, data);
    used += data.size();
    size_ -= data.size();
    if (size_ == 0) at_ = At::data_cr;
  }
  return used;
}

/// Everything but data.
void ChunkedBody::next(char byte) {
  switch (at_) {
    case At::size:
      if (const auto digit = hex_digit(byte)) {
        if (++digits_ > 16) return wrong("a chunk's size has too many digits");
        size_ = size_ * 16 + *digit;
        return;
      }
      if (digits_ == 0) return wrong("a chunk has no size");
      if (byte != '\r' && byte != ';' && byte != ' ' && byte != '\t')
        return wrong("a chunk's size is no number");
      at_ = byte == '\r' ? At::size_end : At::extension;
      return;
    case At::extension:
      if (++line_ > max_chunk_line_bytes) return wrong("the line before a chunk does not end");
      if (byte == '\r') {
        at_ = At::size_end;
      } else if (is_control(byte)) {
        wrong("a control character in a chunk's extension");
      }
      return;
    case At::size_end:
      if (byte != '\n') return wrong("a chunk's line has no proper end");
      if (size_ > bound_) {
        state_ = State::too_large;
        return;
      }
      bound_ -= static_cast<std::size_t>(size_);
      at_ = size_ == 0 ? At::trailer : At::data;
      line_ = digits_ = 0;
      return;
    case At::data:
      return;  // take() reads it
    case At::data_cr:
      if (byte != '\r') return wrong("a chunk is longer than it says");
      at_ = At::data_end;
      return;
    case At::data_end:
      if (byte != '\n') return wrong("a chunk is longer than it says");
      at_ = At::size;
      return;
    case At::trailer:
      if (byte == '\r') {
        at_ = At::end;
        return;
      }
      at_ = At::trailer_line;
      [[fallthrough]];
    case At::trailer_line:
      if (++trailers_ > max_trailer_bytes) return wrong("the trailer does not end");
      if (byte == '\r') {
        at_ = At::trailer_end;
      } else if (is_control(byte)) {
        wrong("a control character in the trailer");
      }
      return;
    case At::trailer_end:
      if (byte != '\n') return wrong("a trailer's line has no proper end");
      at_ = At::trailer;
      return;
    case At::end:
      if (byte != '\n') return wrong("the trailer has no proper end");
      state_ = State::done;
      return;
  }
}

}  // namespace cardgate::daemon
