// SPDX-License-Identifier: Apache-2.0
// What somebody needs who signs in to an account of this machine (login, su, sudo, the desktop, a screen lock: PAM) now, in
// words of at most 511 bytes. Whoever only looks learns nothing of a card that is not in a reader. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.hpp"
#include "register/person.hpp"

namespace cardgate::daemon::work {

/// PAM_MAX_MSG_SIZE is 512, with the zero at the end.
inline constexpr std::size_t max_login_text = 511;

enum class LoginUse : std::uint8_t {
  passcode,  // of the card named: it may be asked for
  insert,    // ask for the card; Enter alone goes on with the password
  password,  // say nothing: the card has no part in this sign-in
  refused,   // a card is in that does not do: say why; Enter goes on with the password
};
std::string_view name(LoginUse use);

/// A card in a reader at which the caller may sign people in.
struct LoginCard {
  std::string reader;
  std::string card = {};     // empty until it was read
  bool reading = false;      // it is not known yet what it is
  std::string problem = {};  // whole sentences: why it opens nothing; empty: nothing is known against it
  bool of_account = false;   // it stands for the person whose account this is
  int tries_left = -1;       // -1: the card does not tell
  bool wrong_twice = false;  // in this insertion
  std::string session = {};  // of this card and the account's user, open or locked
};

struct LoginScene {
  std::string account;
  bool root = false;
  bool remote = false;
  bool own = false;  // the account's own user asks, as a screen lock does
  bool allow_root = false, allow_remote = false, ask_for_card = true;
  std::size_t people = 0;  // whose account it is, by the register
  bool has_card = false;   // one of them has a card that is registered and active
  std::size_t readers = 0;
  std::string locked_by = {};  // the card of the locked session of the account's user; empty: none
  std::vector<LoginCard> cards = {};
  std::string access_team;
};

struct LoginNeed {
  LoginUse use = LoginUse::password;
  std::string text = {};
  std::string reader = {}, card = {}, resume = {};
  int tries_left = -1;
  bool last_try = false;
};
LoginNeed what_login_needs(const LoginScene& scene);

/// Why nobody may use the account, however they signed in: its person has left, or somebody's access to it was removed.
/// Nothing: it may be used. `people` are those whose account it is.
std::optional<std::string> account_over(const std::vector<reg::Person>& people, Date today,
                                        const policy::Contacts& contacts);

/// The card stands for somebody whose account this is not. `people`: as LoginScene.
std::string account_not_yours(std::string_view account, std::size_t people, std::string_view access_team);

/// Not "take it out": a role may let a session go on without its card.
inline constexpr std::string_view card_in_use =
    "This card is already signed in for another user of this machine. Sign out there first: cardgate logout";

/// A card that the desk lent: PAM changes no passcode, and goes on with the password.
inline constexpr std::string_view new_passcode_before_login =
    "This card was lent to you, and others may know its passcode. Choose a new passcode first, at the desk, "
    "or "
    "use your password now and then run: cardgate card change-passcode";

inline constexpr std::string_view not_the_card_that_locked =
    "This is not the card that locked this screen. Put in the card that did. To sign in as yourself, choose "
    "Switch user.";

/// Cut to max_login_text, between two characters.
std::string fit_login_text(std::string text);

}  // namespace cardgate::daemon::work
