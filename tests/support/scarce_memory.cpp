// SPDX-License-Identifier: Apache-2.0
// Loaded into a service (LD_PRELOAD) that has no memory to check a password as long as the file is there that
// CARDGATE_SCARCE_MEMORY names: libsodium's crypto_pwhash() fails then as it does without memory.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>

extern "C" int crypto_pwhash(unsigned char* out, unsigned long long out_size, const char* password,
                             unsigned long long password_size, const unsigned char* salt,
                             unsigned long long operations, std::size_t memory, int algorithm) {
  const char* file = std::getenv("CARDGATE_SCARCE_MEMORY");
  if (file != nullptr && ::access(file, F_OK) == 0) {
    errno = ENOMEM;
    return -1;
  }
  using Real = decltype(&crypto_pwhash);
  static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "crypto_pwhash"));
  return real(out, out_size, password, password_size, salt, operations, memory, algorithm);
}
