// SPDX-License-Identifier: Apache-2.0
// The register's file in root's hands: what state it is in, copies of it, and putting one back. One thread; the work is done
// beside it.
#pragma once

#include "daemon/deeds/password_desk.hpp"
#include "daemon/deeds/register_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/recorder.hpp"
#include "register/upkeep.hpp"

namespace cardgate::daemon {

class RegisterApi {
 public:
  RegisterApi(Roll& roll, Recorder& recorder, RegisterThreads& register_threads, PasswordDesk& passwords,
              RegisterDesk& register_desk)
      : roll_(roll),
        recorder_(recorder),
        register_(register_threads),
        passwords_(passwords),
        register_desk_(register_desk) {}
  RegisterApi(const RegisterApi&) = delete;
  RegisterApi& operator=(const RegisterApi&) = delete;

  Answer show(Request&);
  Answer check(Request&);
  Answer back_up(Request& request);
  Answer restore(Request& request);

 private:
  struct BackupFile {
    std::filesystem::path path;  // the copy in the folder of the service
    std::string told;            // what the log calls it: the file as root named it, where that is known
    bool check = false;          // the copy is looked over whole
  };
  Result<BackupFile> backup_named(const Request& request);
  boost::asio::awaitable<Result<reg::Restored>> put_back(std::filesystem::path from);
  json::object restored_json(const reg::Restored& restored);

  Roll& roll_;
  Recorder& recorder_;
  RegisterThreads& register_;
  PasswordDesk& passwords_;
  RegisterDesk& register_desk_;
  Flag copying_;
};

}  // namespace cardgate::daemon
