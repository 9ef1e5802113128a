// SPDX-License-Identifier: Apache-2.0
// A vendor's PKCS#11 module (OASIS PKCS #11 2.40), loaded into this process. Only cardgate-vendor-cards has
// one: what a vendor wrote shares no memory with cardgated. One thread.
#pragma once

#include <filesystem>
#include <memory>

#include "daemon/vendor/message.hpp"

namespace cardgate::daemon::vendor {

class Module {
 public:
  /// Errors: unavailable, in words for whoever set it up.
  static Result<Module> load(const std::filesystem::path& path);
  Module(Module&&) noexcept;
  Module& operator=(Module&&) noexcept;
  ~Module();  // finalises and unloads

  /// Does what is asked; what fails is in the answer. A passcode is given to the token at most once, and
  /// counts as right only when our own C_Login said so: a token that somebody else unlocked is locked first.
  Answer answer(const Request& request);

 private:
  struct Impl;
  explicit Module(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cardgate::daemon::vendor
