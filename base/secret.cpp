// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <sodium.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace cardgate {

void init_crypto() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start on this machine");
}

void wipe(void* memory, std::size_t size) noexcept {
  if (size > 0) sodium_memzero(memory, size);
}

void wipe(std::string& text) noexcept {
  wipe(text.data(), text.size());
  text.clear();
}

Secret::Secret(std::size_t size) {
  if (size == 0) return;
  // sodium_malloc locks the pages where the limit allows; it never fails for that reason alone.
  data_ = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (data_ == nullptr) throw std::bad_alloc();
  size_ = size;
  sodium_memzero(data_, size_);
}

Secret::Secret(BytesView source) : Secret(source.size()) {
  std::ranges::copy(source, data_);
}

Secret::~Secret() {
  clear();
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    clear();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

void Secret::clear() noexcept {
  if (data_ != nullptr) sodium_free(data_);  // wipes first
  data_ = nullptr;
  size_ = 0;
}

}  // namespace cardgate
