// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/workers.hpp"

namespace cardgate::daemon {

boost::asio::thread_pool& Workers::begin(const std::string& reader) {
  Worker& worker = workers_[reader];
  worker.gone = false;
  ++worker.works;
  return worker.thread;
}

void Workers::end(const std::string& reader) {
  const auto found = workers_.find(reader);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  // An idle thread ends at once.
  if (--worker.works == 0 && worker.gone) workers_.erase(found);
}

void Workers::reader_gone(const std::string& reader) {
  const auto found = workers_.find(reader);
  if (found == workers_.end()) return;
  found->second.gone = true;
  if (found->second.works == 0) workers_.erase(found);
}

void Workers::join() {
  for (auto& [reader, worker] : workers_) worker.thread.join();
}

}  // namespace cardgate::daemon
