// SPDX-License-Identifier: Apache-2.0
// A program that logs people in: libpam with a PAM file of the test's own, and a conversation that the test plays. One thread.
#pragma once

#include <security/pam_appl.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cardgate::testing {

/// One call of the conversation: what was shown, what was asked, and how.
struct Shown {
  std::string text, prompt;
  bool is_error = false;  // the text
  bool echo = false;      // what is typed shows
  int messages = 0;
};

/// Behind pam_cardgate stands a module that always says this: the password's place.
inline constexpr int fell_through = PAM_PERM_DENIED;

class PamDriver {
 public:
  /// What the person types at a prompt; nothing: the program answers with a null. May change the world meanwhile.
  using Typed = std::function<std::optional<std::string>(const Shown&)>;

  /// Writes the PAM file of a service of this name into `folder`.
  static void write_service(const std::filesystem::path& folder, const std::string& service,
                            const std::filesystem::path& module, const std::filesystem::path& socket);

  PamDriver(const std::filesystem::path& folder, const std::string& service, const std::string& account);
  ~PamDriver();
  PamDriver(const PamDriver&) = delete;
  PamDriver& operator=(const PamDriver&) = delete;

  /// One answer for each prompt; further prompts are answered with nothing.
  int authenticate(std::vector<Typed> answers = {});
  int authenticate(const std::string& answer) { return authenticate({type(answer)}); }
  static Typed type(std::string text) {
    return [text = std::move(text)](const Shown&) { return text; };
  }
  int account();
  int open_session();
  int close_session();
  int set(int item, const std::string& value);
  /// NAME=VALUE in PAM's environment, as pam_systemd does it.
  int put(const std::string& variable);
  std::string variable(const char* name) const;

  std::vector<Shown> shown;
  std::string
      backwards;  // typed from its end to its beginning at the first prompt, so that only the answer has it in order
  bool as_i3lock = false;  // takes the answers for an array of pointers, as i3lock does
  bool hangs_up = false;   // the conversation fails (PAM_CONV_ERR), as after Ctrl-C

 private:
  int converse(int count, const pam_message** messages, pam_response** replies);

  pam_conv conversation_{};
  pam_handle_t* handle_ = nullptr;
  int last_ = PAM_SUCCESS;
  std::vector<Typed> answers_;
  std::size_t next_ = 0;
};

}  // namespace cardgate::testing
