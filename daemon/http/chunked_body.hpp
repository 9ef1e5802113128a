// SPDX-License-Identifier: Apache-2.0
// The chunked transfer coding (RFC 9112 7.1), read byte by byte so that nothing of it has to be kept. Extensions and
// trailers are read over: nothing here knows any (7.1.1), and a trailer is never a header (RFC 9110 6.5.1). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cardgate::daemon {

inline constexpr std::size_t max_chunk_line_bytes = 4096;  // a size with its extensions
inline constexpr std::size_t max_trailer_bytes = 16 * 1024;

class ChunkedBody {
 public:
  enum class State : std::uint8_t { more, done, malformed, too_large };

  explicit ChunkedBody(std::size_t bound) : bound_(bound) {}
  /// Appends to `body` what `bytes` brings of it. How many of them belong to it; all of them while it needs more.
  std::size_t take(std::string_view bytes, std::string& body);
  State state() const { return state_; }
  /// What is malformed, in words.
  std::string_view problem() const { return problem_; }

 private:
  enum class At : std::uint8_t {
    size,
    extension,
    size_end,
    data,
    data_cr,
    data_end,
    trailer,
    trailer_line,
    trailer_end,
    end
  };
  void next(char byte);
  void wrong(std::string_view what);

  std::size_t bound_;       // of what may still come
  std::uint64_t size_ = 0;  // of this chunk; what is left of it, while its data is read
  std::size_t line_ = 0;    // bytes of this line
  std::size_t digits_ = 0;
  std::size_t trailers_ = 0;  // bytes
  At at_ = At::size;
  State state_ = State::more;
  std::string_view problem_;
};

/// Appends within what was reserved, or moves to a larger place and wipes the old one.
void append_wiped(std::string& to, std::string_view more);

}  // namespace cardgate::daemon
