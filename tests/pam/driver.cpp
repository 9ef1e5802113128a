// SPDX-License-Identifier: Apache-2.0
#include "tests/pam/driver.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "base/file.hpp"

namespace cardgate::testing {

void PamDriver::write_service(const std::filesystem::path& folder, const std::string& service,
                              const std::filesystem::path& module, const std::filesystem::path& socket) {
  const auto text = fmt::format(
      "auth [success=done auth_err=die maxtries=die perm_denied=die default=ignore] {0} socket={1}\n"
      "auth required pam_localuser.so file=/dev/null\n"
      "account [success=ok acct_expired=die perm_denied=die default=ignore] {0} socket={1}\n"
      "account required pam_permit.so\n"
      "session optional {0} socket={1}\n"
      "session required pam_permit.so\n",
      module.string(), socket.string());
  if (!write_file_atomic(folder / service, as_bytes(text), 0644)) throw std::runtime_error("the PAM file");
}

PamDriver::PamDriver(const std::filesystem::path& folder, const std::string& service,
                     const std::string& account) {
  conversation_.conv = [](int count, const pam_message** messages, pam_response** replies, void* self) {
    return static_cast<PamDriver*>(self)->converse(count, messages, replies);
  };
  conversation_.appdata_ptr = this;
  if (::pam_start_confdir(service.c_str(), account.c_str(), &conversation_, folder.c_str(), &handle_) !=
      PAM_SUCCESS)
    throw std::runtime_error("pam_start_confdir");
}

PamDriver::~PamDriver() {
  ::pam_end(handle_, last_);
}

int PamDriver::converse(int count, const pam_message** messages, pam_response** replies) {
  Shown now;
  now.messages = count;
  int asked = -1;
  for (int i = 0; i < count; ++i) {
    const int style = messages[i]->msg_style;
    if (style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON) {
      asked = i;
      now.prompt = messages[i]->msg;
      now.echo = style == PAM_PROMPT_ECHO_ON;
    } else {
      now.text += messages[i]->msg;
      now.is_error = style == PAM_ERROR_MSG;
    }
  }
  shown.push_back(now);
  if (hangs_up) return PAM_CONV_ERR;
  *replies = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (asked < 0 || next_ >= answers_.size()) return PAM_SUCCESS;
  const auto typed = answers_[next_++](now);
  pam_response& reply = as_i3lock ? *replies[asked] : (*replies)[asked];
  reply.resp_retcode = 0;
  if (typed) reply.resp = ::strdup(typed->c_str());
  if (next_ == 1 && !backwards.empty()) {
    char* text = (*replies)[asked].resp;
    for (std::size_t i = 0; i < backwards.size(); ++i) text[i] = backwards[backwards.size() - 1 - i];
    text[backwards.size()] = 0;
  }
  return PAM_SUCCESS;
}

int PamDriver::authenticate(std::vector<Typed> answers) {
  answers_ = std::move(answers);
  next_ = 0;
  shown.clear();
  last_ = ::pam_authenticate(handle_, 0);
  return last_;
}

int PamDriver::account() {
  shown.clear();
  last_ = ::pam_acct_mgmt(handle_, 0);
  return last_;
}

int PamDriver::open_session() {
  last_ = ::pam_open_session(handle_, 0);
  return last_;
}

int PamDriver::put(const std::string& variable) {
  return ::pam_putenv(handle_, variable.c_str());
}

int PamDriver::close_session() {
  last_ = ::pam_close_session(handle_, 0);
  return last_;
}

int PamDriver::set(int item, const std::string& value) {
  return ::pam_set_item(handle_, item, value.c_str());
}

std::string PamDriver::variable(const char* name) const {
  const char* value = ::pam_getenv(handle_, name);
  return value == nullptr ? "" : value;
}

}  // namespace cardgate::testing
