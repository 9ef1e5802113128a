// SPDX-License-Identifier: Apache-2.0
// Whose a subordinate uid is: /etc/subuid (subuid(5)) gives each user some 65,536 further uids, which they may take on in a
// user namespace at will. What a user may use up is counted for the user, whichever of these uids their programs have.
// One thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace cardgate::daemon {

class SubordinateUids {
 public:
  /// The lines "USER:FIRST:COUNT"; USER is a name of this machine or a number. A line that cannot be read gives nothing away
  /// and is passed over.
  static SubordinateUids parse(std::string_view text);

  /// The uid itself where it is nobody's, or has an account of its own. Where ranges overlap, the one with the higher first
  /// uid counts. Names are looked up for a uid when it first comes.
  uid_t owner_of(uid_t uid);

 private:
  struct Range {
    uid_t last;
    std::string user;
  };
  std::map<uid_t, Range> ranges_;            // by the first uid
  std::unordered_map<uid_t, uid_t> owners_;  // as found so far
};

/// The file, read again when it is another one; looked at no more often than every ten seconds.
class SubordinateUidFile {
 public:
  explicit SubordinateUidFile(std::filesystem::path file = "/etc/subuid") : file_(std::move(file)) {}
  uid_t owner_of(uid_t uid, BootTime now);

 private:
  std::filesystem::path file_;
  std::optional<BootTime> looked_at_;
  std::optional<std::filesystem::file_time_type> written_;
  SubordinateUids uids_;
};

}  // namespace cardgate::daemon
