// SPDX-License-Identifier: Apache-2.0
// A vendor's module at its worst: it never comes back, or it crashes.
#include <unistd.h>

#include <cstdlib>

extern "C" __attribute__((visibility("default"))) unsigned long C_GetFunctionList(void** /*list*/) {
#ifdef CARDGATE_CRASHES
  std::abort();
#else
  for (;;) ::pause();
#endif
}
