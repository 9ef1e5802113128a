// SPDX-License-Identifier: Apache-2.0
// Memory for passcodes and keys: locked, left out of core dumps, fenced by guard pages, wiped when it dies.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace cardgate {

/// Must be called once before anything else of base/ is used by several threads. Safe to call again.
/// Throws std::runtime_error when libsodium cannot start (a start-up failure).
void init_crypto();

/// Overwrites memory in a way the compiler keeps.
void wipe(void* memory, std::size_t size) noexcept;
/// Wipes the characters (whole capacity's used part) and empties the string.
void wipe(std::string& text) noexcept;

/// A fixed-size secret. Move-only; the source of a move is empty. Throws std::bad_alloc when no locked memory
/// is left.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);
  /// Copies; the caller still owns, and must wipe, the source.
  explicit Secret(BytesView source);
  explicit Secret(std::string_view source) : Secret(as_bytes(source)) {}
  ~Secret();
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<std::uint8_t> bytes() { return {data_, size_}; }
  BytesView bytes() const { return {data_, size_}; }
  std::string_view text() const { return as_text(bytes()); }
  void clear() noexcept;

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cardgate
