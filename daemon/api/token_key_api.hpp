// SPDX-License-Identifier: Apache-2.0
// The keys that sign tokens, in root's hands: listed, rotated, taken away. One thread.
#pragma once

#include "daemon/http/answer.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/sessions/token_desk.hpp"

namespace cardgate::daemon {

class TokenKeyApi {
 public:
  TokenKeyApi(TokenDesk& tokens, Recorder& recorder) : tokens_(tokens), recorder_(recorder) {}
  TokenKeyApi(const TokenKeyApi&) = delete;
  TokenKeyApi& operator=(const TokenKeyApi&) = delete;

  Answer list(Request&);
  Answer rotate(Request& request);
  Answer revoke(Request& request, const std::string& id);

 private:
  /// Once what was done is on record.
  Answer done(int status, TokenKeys::Key key, std::string message);

  TokenDesk& tokens_;
  Recorder& recorder_;
};

}  // namespace cardgate::daemon
