// SPDX-License-Identifier: Apache-2.0
// What is true, or counted, as long as the work lives that raised it, however that ends: also when the work outlives the
// owner of the flag, as coroutines do that still wait when the service ends. One thread.
#pragma once

#include <cstddef>
#include <memory>

namespace cardgate::daemon {

class Flag {
 public:
  operator bool() const { return *up_; }  // NOLINT: it is read as the bool that it is

 private:
  friend class Raised;
  std::shared_ptr<bool> up_ = std::make_shared<bool>(false);
};

/// Raises a flag until it is destroyed.
class Raised {
 public:
  explicit Raised(const Flag& flag) : up_(flag.up_) { *up_ = true; }
  ~Raised() { *up_ = false; }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;

 private:
  std::shared_ptr<bool> up_;
};

class Count {
 public:
  operator std::size_t() const { return *number_; }  // NOLINT: it is read as the number that it is

 private:
  friend class Counted;
  std::shared_ptr<std::size_t> number_ = std::make_shared<std::size_t>(0);
};

/// One more of something until it is destroyed.
class Counted {
 public:
  explicit Counted(const Count& count) : number_(count.number_) { ++*number_; }
  ~Counted() { --*number_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::shared_ptr<std::size_t> number_;
};

}  // namespace cardgate::daemon
