// SPDX-License-Identifier: Apache-2.0
// pam_cardgate.so: logging in to this machine with the staff card. It asks the service what the account needs now
// (GET /v1/login), shows that with the prompt, and hands the passcode over once.
//
//   auth      PAM_SUCCESS   signed in; CARDGATE_SESSION is in the environment
//             PAM_AUTH_ERR  the passcode was wrong, twice at the most
//             PAM_CONV_ERR  nobody can be asked
//             PAM_IGNORE    everything else: no card, somebody else's, blocked, the service is down, root, remote, an account that
//                           the register does not know. The next module, mostly the password's, goes on
//   account   PAM_ACCT_EXPIRED  the person has left or was removed, where the configuration enforces it
//             PAM_IGNORE        everything else
//   session   at the logout of a login that opened a session, or that logind knows, the account's sessions end, unless it has
//             another login here: also what a screen lock or the agent opened after a login by password
//
// The passcode is never given to other modules (PAM_AUTHTOK): they would try it as a password. The same passcode is not sent
// twice in one authentication, because some screen locks answer every prompt with what was typed once; what cannot be a
// passcode and comes again is the password, and left to the next module. The last try is used only after the word "yes" at a
// prompt of its own.
//
// Arguments, from the PAM file alone: socket=PATH (else the compiled-in one), remote (also where PAM_RHOST is set).
#define PAM_SM_AUTH
#define PAM_SM_ACCOUNT
#define PAM_SM_SESSION
#define PAM_SM_PASSWORD
#include <cxxabi.h>
#include <security/pam_modules.h>

#include <cstring>

#include "client/pam/conversation.hpp"
#include "client/pam/service.hpp"

namespace cardgate::pam {
namespace {

constexpr int most_prompts = 8;  // however the world changes meanwhile
constexpr int most_wrong = 2;    // as the service allows in one insertion
constexpr const char* opened_session = "cardgate_opened_session";

struct Options {
  std::string socket = CARDGATE_PAM_SOCKET;
  bool remote = false;
};

Options options_of(int count, const char** list) {
  constexpr std::string_view socket = "socket=";
  Options out;
  for (int i = 0; i < count; ++i) {
    const std::string_view argument = list[i];
    if (argument.starts_with(socket)) out.socket = argument.substr(socket.size());
    if (argument == "remote") out.remote = true;
  }
  return out;
}

std::string item_of(pam_handle_t* handle, int which) {
  const void* item = nullptr;
  if (::pam_get_item(handle, which, &item) != PAM_SUCCESS || item == nullptr) return {};
  return static_cast<const char*>(item);
}

bool is_yes(std::string_view text) {
  return text.size() == 3 && (text[0] | 0x20) == 'y' && (text[1] | 0x20) == 'e' && (text[2] | 0x20) == 's';
}

/// What this login opened. sudo gives PAM_USER another value before the session is closed, so the account is kept with it.
struct Opened {
  std::string session, account;
};

void forget_session(pam_handle_t*, void* data, int) {
  delete static_cast<Opened*>(data);
}

/// One authentication, from the first look to its end.
class Login {
 public:
  Login(pam_handle_t* handle, const Service& service, std::string account)
      : handle_(handle), service_(service), account_(std::move(account)) {}

  int run() {
    while (prompts_ < most_prompts) {
      const auto need = service_.need(account_);
      if (!need) return give_up();
      int result = PAM_IGNORE;
      if (need->use == Need::Use::password) return give_up();
      const bool goes_on =
          need->use == Need::Use::passcode ? try_passcode(*need, result) : wait_for_card(*need, result);
      if (!goes_on) return result;
    }
    return PAM_IGNORE;
  }

 private:
  /// What was still to be said is said: no prompt of ours follows.
  int give_up() {
    if (!told_.empty()) tell(handle_, told_);
    return wrong_ > 0 ? PAM_AUTH_ERR : PAM_IGNORE;
  }

  int prompt(Tone tone, const std::string& text, const char* words, Echo echo, Wiped& answer) {
    ++prompts_;
    return ask(handle_, tone, text, words, echo, answer);
  }

  /// False: it is over, with `result`. The card may be put in, or another one, while the prompt stands.
  bool wait_for_card(const Need& need, int& result) {
    const bool refused = need.use == Need::Use::refused;
    if (need.text == shown_) {  // nothing has changed: the person wants to go on without the card
      result = wrong_ > 0 ? PAM_AUTH_ERR : PAM_IGNORE;
      return false;
    }
    shown_ = need.text;
    told_.clear();  // the words of the service are about the card as it is now
    Wiped ignored;
    result = prompt(refused ? Tone::error : Tone::information, need.text,
                    refused ? "Press Enter to go on: " : "Press Enter: ", Echo::off, ignored);
    return result == PAM_SUCCESS;
  }

  /// False: it is over, with `result`.
  bool try_passcode(const Need& need, int& result) {
    if (need.last_try && !consents(need, result)) return false;
    Wiped passcode;
    const bool again = !told_.empty();
    const std::string text = again && !need.last_try ? told_ : need.text;
    told_.clear();
    result = prompt(again ? Tone::error : Tone::information, text,
                    "Passcode of your card, or Enter for your password: ", Echo::off, passcode);
    if (result != PAM_SUCCESS) return false;
    if (passcode.empty()) {
      result = PAM_IGNORE;
      return false;
    }
    // A screen lock with one field gives the Unix password here: that is for the next module.
    if (!no_passcode_.empty() && passcode.text() == no_passcode_.text()) {
      result = PAM_IGNORE;
      return false;
    }
    if (!wrong_passcode_.empty() && passcode.text() == wrong_passcode_.text()) {
      tell(handle_, "That is the same passcode as before. No try was spent.");
      result = PAM_AUTH_ERR;
      return false;
    }
    shown_.clear();
    return understand(service_.sign_in(account_, need, need.last_try, passcode), passcode, result);
  }

  bool consents(const Need& need, int& result) {
    const std::string before = told_.empty() ? need.text : told_;
    told_.clear();
    Wiped answer;
    result = prompt(Tone::error, before + " To use the last try, type yes.", "Use the last try? ", Echo::on,
                    answer);
    if (result != PAM_SUCCESS) return false;
    if (is_yes(answer.text())) return true;
    result = wrong_ > 0 ? PAM_AUTH_ERR : PAM_IGNORE;
    return false;
  }

  /// True: once more, with what is true now.
  bool understand(Outcome outcome, const Wiped& passcode, int& result) {
    if (!outcome.session.empty()) {
      result = signed_in(outcome);
      return false;
    }
    told_ = std::move(outcome.text);
    const auto& error = outcome.error;
    if (error == "passcode_format") {  // nothing was spent
      no_passcode_.clear();
      static_cast<void>(no_passcode_.add(passcode.text()));
      return true;
    }
    if (error == "passcode_incorrect") {
      ++wrong_;
      wrong_passcode_.clear();
      static_cast<void>(wrong_passcode_.add(passcode.text()));
      if (wrong_ < most_wrong) return true;
      tell(handle_, told_);
      result = PAM_AUTH_ERR;
      return false;
    }
    // The world has changed, and nothing was spent: look again.
    for (const char* changed :
         {"card_changed", "last_try", "busy", "no_card", "reader_not_found", "reinsert_card", "not_found",
          "passcode_blocked", "pcscd_unavailable", "draining"}) {
      if (error == changed) return true;
    }
    if (error.empty()) {  // it may be starting anew
      told_ = "The card service does not answer. Use your password.";
      return true;
    }
    Wiped ignored;
    result = prompt(Tone::error, told_, "Press Enter to go on: ", Echo::off, ignored);
    if (result == PAM_SUCCESS) result = PAM_IGNORE;
    return false;
  }

  int signed_in(const Outcome& outcome) {
    const std::string variable = "CARDGATE_SESSION=" + outcome.session;
    static_cast<void>(::pam_putenv(handle_, variable.c_str()));
    if (!outcome.is_new) return PAM_SUCCESS;
    auto* kept = new Opened{outcome.session, account_};
    if (::pam_set_data(handle_, opened_session, kept, forget_session) != PAM_SUCCESS) delete kept;
    return PAM_SUCCESS;
  }

  pam_handle_t* handle_;
  const Service& service_;
  std::string account_;
  std::string shown_;  // the words of the last prompt for a card
  std::string told_;   // what the service refused with, to be said with the next prompt
  Wiped wrong_passcode_;
  Wiped no_passcode_;  // what the service said cannot be a passcode of this card
  int wrong_ = 0;
  int prompts_ = 0;
};

int authenticate(pam_handle_t* handle, const Options& options) {
  // Before anything is asked: sshd answers any prompt with what was typed for the password.
  if (!options.remote && !item_of(handle, PAM_RHOST).empty()) return PAM_IGNORE;
  const char* user = nullptr;
  const int found = ::pam_get_user(handle, &user, nullptr);
  if (found == PAM_CONV_AGAIN) return PAM_INCOMPLETE;
  if (found != PAM_SUCCESS || user == nullptr || *user == '\0') return PAM_IGNORE;
  const Service service(options.socket);
  Login login(handle, service, user);
  return login.run();
}

int check_account(pam_handle_t* handle, const Options& options, int flags) {
  const auto user = item_of(handle, PAM_USER);
  if (user.empty()) return PAM_IGNORE;
  const auto need = Service(options.socket).allowed(user);
  if (!need || need->allowed) return PAM_IGNORE;
  if ((static_cast<unsigned>(flags) & unsigned{PAM_SILENT}) == 0U) tell(handle, need->allowed_text);
  return PAM_ACCT_EXPIRED;
}

int close_session(pam_handle_t* handle, const Options& options) {
  // The number of the login is pam_systemd's. su and sudo inside a login have none.
  const char* number = ::pam_getenv(handle, "XDG_SESSION_ID");
  const std::string login = number == nullptr ? "" : number;
  const Service service(options.socket);
  const void* data = nullptr;
  if (::pam_get_data(handle, opened_session, &data) == PAM_SUCCESS && data != nullptr) {
    const auto& opened = *static_cast<const Opened*>(data);
    service.log_out(opened.session, opened.account, login);
    return PAM_SUCCESS;
  }
  // The login was by password, or took up a session; what a screen lock or the agent opened since then ends with it. The service
  // asks logind whether it is a login at all.
  const bool here = options.remote || item_of(handle, PAM_RHOST).empty();
  const auto user = item_of(handle, PAM_USER);
  if (here && !login.empty() && !user.empty()) service.log_out("none", user, login);
  return PAM_SUCCESS;
}

/// Nothing that goes wrong here may end the program that called; but its own end must pass (pthread_cancel).
template <class Step>
int guarded(const Step& step, int otherwise) noexcept(false) {
  try {
    return step();
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return otherwise;
  }
}

}  // namespace
}  // namespace cardgate::pam

extern "C" {

__attribute__((visibility("default"))) int pam_sm_authenticate(pam_handle_t* handle, int, int count,
                                                               const char** list) {
  using namespace cardgate::pam;
  return guarded([&] { return authenticate(handle, options_of(count, list)); }, PAM_IGNORE);
}

__attribute__((visibility("default"))) int pam_sm_setcred(pam_handle_t*, int, int, const char**) {
  return PAM_SUCCESS;
}

__attribute__((visibility("default"))) int pam_sm_acct_mgmt(pam_handle_t* handle, int flags, int count,
                                                            const char** list) {
  using namespace cardgate::pam;
  return guarded([&] { return check_account(handle, options_of(count, list), flags); }, PAM_IGNORE);
}

__attribute__((visibility("default"))) int pam_sm_open_session(pam_handle_t*, int, int, const char**) {
  return PAM_SUCCESS;
}

__attribute__((visibility("default"))) int pam_sm_close_session(pam_handle_t* handle, int, int count,
                                                                const char** list) {
  using namespace cardgate::pam;
  return guarded([&] { return close_session(handle, options_of(count, list)); }, PAM_SUCCESS);
}

__attribute__((visibility("default"))) int pam_sm_chauthtok(pam_handle_t*, int, int, const char**) {
  return PAM_IGNORE;
}

}  // extern "C"
