// SPDX-License-Identifier: Apache-2.0
// Signatures by ECDSA on P-256 with SHA-256 (RFC 7518 3.4, FIPS 186-5), for tokens. A key may be used by several threads.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "base/result.hpp"

namespace cardgate::trust {

/// A public point: x and y, 32 bytes each.
struct Es256Point {
  std::array<std::uint8_t, 32> x{}, y{};
};

class Es256Key {
 public:
  /// The same key for the same 32 secret bytes. Errors: invalid_argument, internal.
  static Result<Es256Key> from_seed(BytesView seed);

  const Es256Point& point() const { return point_; }
  /// r and s. Throws std::runtime_error where OpenSSL cannot (no memory).
  Signature sign(BytesView message) const;

 private:
  struct State;
  Es256Key(std::shared_ptr<const State> state, const Es256Point& point)
      : state_(std::move(state)), point_(point) {}
  std::shared_ptr<const State> state_;
  Es256Point point_;
};

/// False also for a point that is not on the curve.
bool verify_es256(const Es256Point& point, BytesView message, BytesView signature);

}  // namespace cardgate::trust
