// SPDX-License-Identifier: Apache-2.0
// A thread for each reader that there is, so that a slow card holds up nobody else. A reader that is gone takes its thread with
// it, as soon as the work that it had is over: tokens carry their serial number in the reader's name, and there may be any
// number of those in a day. All on one thread, that of the readers.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <map>
#include <string>

namespace cardgate::daemon {

class Workers {
 public:
  /// The reader's thread, for one piece of work; end() must follow when it is over.
  boost::asio::thread_pool& begin(const std::string& reader);
  void end(const std::string& reader);
  /// The reader is gone. One of that name that comes back before the work is over has the same thread.
  void reader_gone(const std::string& reader);
  /// Readers with a thread, there or gone.
  std::size_t count() const { return workers_.size(); }
  bool contains(const std::string& reader) const { return workers_.contains(reader); }
  /// Waits until all work is over.
  void join();

 private:
  struct Worker {
    boost::asio::thread_pool thread{1};
    std::size_t works = 0;
    bool gone = false;
  };
  std::map<std::string, Worker> workers_;
};

}  // namespace cardgate::daemon
