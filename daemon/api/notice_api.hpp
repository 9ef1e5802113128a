// SPDX-License-Identifier: Apache-2.0
// What people were told: to read, and to put away. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"

namespace cardgate::daemon {

class NoticeApi {
 public:
  NoticeApi(Roll& roll, Recorder& recorder, RegisterThreads& register_threads, Actors& actors)
      : roll_(roll), recorder_(recorder), register_(register_threads), actors_(actors) {}
  NoticeApi(const NoticeApi&) = delete;
  NoticeApi& operator=(const NoticeApi&) = delete;

  Answer list(Request& request);
  Answer drop(Request& request, const std::string& id);

 private:
  Roll& roll_;
  Recorder& recorder_;
  RegisterThreads& register_;
  Actors& actors_;
};

}  // namespace cardgate::daemon
