// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/register_health.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <utility>

#include "register/register.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::uint64_t small_changes = 64U << 10U;

}  // namespace

bool RegisterHealth::has_room() const {
  struct statvfs disk{};
  if (::statvfs(file_.parent_path().c_str(), &disk) != 0) return true;  // the next change says what is wrong
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize >= small_changes;
}

bool RegisterHealth::failed(const Error& error) {
  const auto folder = file_.parent_path().string();
  std::string problem;
  if (reg::in_doubt(error)) {
    in_doubt_ = true;
    problem = fmt::format(
        "The disk of the staff register ({}) fails, and it is not known whether the last change lasts: {}.",
        folder, error.context);
  } else if (error.code == Errc::no_space) {
    problem = fmt::format(
        "The disk of the staff register ({}) is full, so the register cannot be changed. Make room there; "
        "the service "
        "goes on by itself.",
        folder);
  } else if (error.code == Errc::io) {
    problem = fmt::format("The staff register cannot be changed: {}.", error.context);
  } else {
    return false;
  }
  // One change that fails in another way than the last is no news as long as the doubt is not settled.
  if (problem == problem_ || (in_doubt_ && !problem_.empty() && !reg::in_doubt(error))) return false;
  problem_ = std::move(problem);
  return true;
}

bool RegisterHealth::written(std::string& news) {
  if (problem_.empty()) return false;
  problem_.clear();
  news = "The staff register can be changed again.";
  if (std::exchange(in_doubt_, false))
    news += " What was recorded before as not known whether it was done, was not done.";
  return true;
}

}  // namespace cardgate::daemon
