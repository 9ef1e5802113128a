// SPDX-License-Identifier: Apache-2.0
#include "client/pam/conversation.hpp"

#include <cstdlib>
#include <cstring>

namespace cardgate::pam {
namespace {

/// What the program answered: its memory is wiped and given back on every path. The answers are one array, but i3lock, and many
/// lockers made after it, take them for an array of pointers: the second answer goes to where the second pointer points. That is
/// here, or such a locker would crash, which opens the screen.
class Replies {
 public:
  explicit Replies(int count) : count_(count) {}
  ~Replies() {
    wipe(second_);
    for (int i = 0; lists_[0] != nullptr && i < count_; ++i) wipe(lists_[0][i]);
    std::free(lists_[0]);
  }
  Replies(const Replies&) = delete;
  Replies& operator=(const Replies&) = delete;

  pam_response** out() { return lists_; }
  const char* at(int place) const {
    if (place == 1 && second_.resp != nullptr) return second_.resp;
    return lists_[0] == nullptr ? nullptr : lists_[0][place].resp;
  }

 private:
  static void wipe(pam_response& reply) {
    if (reply.resp == nullptr) return;
    ::explicit_bzero(reply.resp, std::strlen(reply.resp));
    std::free(reply.resp);
  }

  int count_;
  pam_response second_{};
  pam_response* lists_[2] = {nullptr, &second_};
};

int converse(pam_handle_t* handle, const pam_message* messages, int count, Replies& replies) {
  const void* item = nullptr;
  const int found = ::pam_get_item(handle, PAM_CONV, &item);
  const auto* conversation = static_cast<const pam_conv*>(item);
  if (found != PAM_SUCCESS || conversation == nullptr || conversation->conv == nullptr) return PAM_CONV_ERR;
  // The messages stand in a row and each has its pointer, so that programs of either custom find them.
  const pam_message* pointers[2] = {messages, messages + 1};
  return conversation->conv(count, pointers, replies.out(), conversation->appdata_ptr);
}

}  // namespace

int ask(pam_handle_t* handle, Tone tone, const std::string& text, const std::string& prompt, Echo echo,
        Wiped& answer) {
  answer.clear();
  const pam_message messages[2] = {
      {tone == Tone::error ? PAM_ERROR_MSG : PAM_TEXT_INFO, text.c_str()},
      {echo == Echo::on ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, prompt.c_str()},
  };
  Replies replies(2);
  const int said = converse(handle, messages, 2, replies);
  if (said != PAM_SUCCESS) return said;
  const char* given = replies.at(1);
  // What is too long for any passcode is none.
  if (given != nullptr && !answer.add(given)) return PAM_CONV_ERR;
  return PAM_SUCCESS;
}

void tell(pam_handle_t* handle, const std::string& text) {
  const pam_message messages[2] = {{PAM_ERROR_MSG, text.c_str()}, {PAM_ERROR_MSG, ""}};
  Replies replies(1);
  static_cast<void>(converse(handle, messages, 1, replies));
}

}  // namespace cardgate::pam
