// SPDX-License-Identifier: Apache-2.0
#include "audit/reason_words.hpp"

#include <algorithm>

namespace cardgate::audit {
namespace {

struct ReasonRow {
  std::string_view code, words, remedy;
};

constexpr std::string_view to_the_desk = "Take the card to the smartcard help desk.";
constexpr std::string_view ask_runners = "Tell the people who run this machine.";

// Codes of refused sign-ins and tokens, of ends of sessions and tokens, of prerequisites.
constexpr ReasonRow reasons[] = {
    {"passcode_incorrect", "the passcode was wrong",
     "Sign in again with the right passcode: `cardgate card status` shows how many tries are left. If it is "
     "forgotten, the "
     "smartcard help desk sets a new one."},
    {"passcode_blocked", "the card is blocked, because the passcode was wrong too often",
     "The smartcard help desk unblocks the card, at a reader: cardgate card unblock"},
    {"passcode_format", "what was typed is no passcode of this card",
     "Type the passcode again: it has the length that the smartcard help desk said."},
    {"passcode_change_required", "the card still has its first passcode",
     "Choose a passcode of your own: cardgate card change-passcode"},
    {"last_try", "one try is left, and it was not used",
     "Sign in again and confirm the last try, or have the smartcard help desk set a new passcode."},
    {"too_many_failures", "the passcode or password was wrong too often",
     "With a card: take it out, put it in again and type the right passcode. With a password: the smartcard "
     "help desk "
     "gives a new one: cardgate password reset"},
    {"unblocking_key_incorrect", "the unblocking key was wrong", "Type it again. It has few tries."},
    {"unblocking_key_blocked", "the unblocking key was wrong too often",
     "This card can no longer be unblocked. The smartcard help desk gives a new one."},
    {"card_changed", "the card, or its number of tries, was another than the person was shown",
     "Look at the reader and try again. No try was spent."},
    {"card_in_use", "the card is signed in for another user of this machine",
     "Sign out there first, or take the card out and put it in again."},
    {"card_unusable", "the card could not be used", to_the_desk},
    {"card_key", "the key on the card did not work",
     "The card must be repaired or replaced. Take it to the smartcard help desk."},
    {"key_unsupported", "this kind of card cannot do that here", to_the_desk},
    {"possession_not_proved", "the card could not prove that its certificate is its own",
     "Do not use this card. Take it to the smartcard help desk."},
    {"no_card", "there was no card in the reader", "Put the card in and try again."},
    {"busy", "another program was using the card", "Try again in a moment."},
    {"client_left", "the program that asked was closed before it was done", "Try again."},
    {"pcscd_unavailable", "the reader service did not answer", ask_runners},
    {"rate_limited", "there were too many sign-ins from this user of the machine in a short time",
     "Wait a minute, then try again."},
    {"throttled", "there were too many wrong tries in a short time", "Wait some minutes, then try again."},
    {"sign_in_not_allowed", "this program or user of the machine may not sign people in here",
     "Sign in at another machine, or tell the people who run this one."},
    {"for_uid", "only root can sign in for another user of the machine", ""},
    {"person_unknown", "the card belongs to nobody in the staff register",
     "The ESR & Workforce Systems team registers the card: cardgate staff card"},
    {"person_ambiguous", "the card fits more than one person in the staff register",
     "The ESR & Workforce Systems team corrects the register."},
    {"certificate_name", "the certificate on the card names somebody else than the register",
     "Somebody of the team that registered the card looks at the person and the card again."},
    {"certificate_expired", "the card's certificate has ended",
     "The card needs a new certificate, or must be replaced. Take it to the smartcard help desk."},
    {"certificate_revoked", "the card's certificate was withdrawn",
     "The person needs a new card from the smartcard help desk."},
    {"certificate_not_yet_valid", "the card's certificate has not begun",
     "See whether the clock of the machine is right; else wait for that day."},
    {"certificate_crl_missing", "it could not be checked whether the card was withdrawn",
     "Try again in a moment. If it still fails, tell the people who run this machine: an answer of the "
     "card's issuer is missing."},
    {"certificate_crl_stale", "it could not be checked whether the card was withdrawn",
     "Tell the people who run this machine: the revocation list of the card's issuer is too old."},
    {"account_unknown", "this machine has no such account", ask_runners},
    {"account_not_yours", "the account of the machine belongs to somebody else",
     "Log in to the account of one's own."},
    {"account_ambiguous", "the account of the machine belongs to several people",
     "Log in by password, or sign in on the desktop."},
    {"account_remote", "a card opens the machine only for somebody who sits at it", "Log in by password."},
    {"downtime", "the service was closed for downtime", "Try again when it is over: cardgate downtime list"},
    {"draining", "the service was being stopped", "Try again in a minute."},
    {"too_many_sessions", "too many people were signed in on this machine",
     "Try again when one of them has signed out."},
    {"too_many_tokens", "the session had too many tokens", "The program can go on using the one it has."},
    {"register_unavailable", "the staff register could not be read", ask_runners},
    {"sign_in_mismatch", "the session was opened in another way, or by somebody else",
     "Sign in in the way the session was opened, or sign out and in again."},
    {"password_incorrect", "the user name or the password was wrong",
     "Type it again. If it is forgotten, the smartcard help desk gives a new one: cardgate password reset"},
    {"password_expired", "the temporary password was too old",
     "The smartcard help desk gives another: cardgate password reset"},
    {"password_change_required", "the password was a temporary one",
     "Choose your own password: cardgate password"},
    {"code_incorrect", "the user name or the code was wrong, or the code was used or too old",
     "The smartcard help desk gives a new code: cardgate enrol code"},
    {"access_denied", "something that the role needs was missing", ""},
    {"access", "something that access needs was missing", ""},
    {"password", "a password opens one's own record only", "Sign in with the card: cardgate login"},
    {"no_session", "nobody was signed in, or it was not clear who", "Sign in: cardgate login"},
    {"session_locked", "the session was locked", "Unlock it with the passcode: cardgate login"},
    {"step_up_required", "card and passcode were needed again", "Give them again: cardgate login --again"},
    {"audience_not_allowed", "the program may not ask for tokens for this application",
     "The people who run this machine can allow it: `clients` in cardgate's configuration."},
    {"role_not_allowed", "the program may not ask for tokens of this role",
     "The people who run this machine can allow it: `clients` in cardgate's configuration."},
    {"time_up", "the longest time for it was over", "Sign in again: cardgate login"},
    // Why sessions and tokens end.
    {"card_removed", "the card was taken out", "Put the card in and sign in: cardgate login"},
    {"card_back", "the card was put back", ""},
    {"reader_gone", "the reader was unplugged", "Plug it in and sign in again: cardgate login"},
    {"signed_out", "the person signed out", ""},
    {"signed_in_again", "the person signed in again", ""},
    {"access_lost", "what access needs was no longer there", ""},
    {"certificate_refused", "the card's certificate was no longer good", to_the_desk},
    {"revoked", "it was taken back", ""},
    {"password_changed", "the password was changed", ""},
    {"card_out_too_long", "the card was out for too long", "Put the card in and sign in: cardgate login"},
    {"screen_locked_too_long", "the screen was locked for too long",
     "Unlock the screen and sign in: cardgate login"},
    {"shutdown", "the service was stopped", "Sign in again: cardgate login"},
    {"idle", "it was not used for a while", ""},
    {"screen", "the screen was locked", ""},
    {"not_active", "it no longer worked", ""},
    {"audience_not_registered", "it was for another application", ""},
    // Prerequisites.
    {"not-removed", "access is removed", "Only the ESR & Workforce Systems team can say more."},
    {"employed", "no current employment is on record",
     "The Human Resources team corrects the dates of employment."},
    {"card", "the card is not registered to the person, or not active",
     "The ESR & Workforce Systems team registers it."},
    {"form", "an approved access form is missing", "Ask for it: cardgate form submit"},
    {"declaration", "a signed declaration is missing", "Sign it: cardgate declaration sign"},
    {"line-manager", "nobody has this person as their line manager",
     "The Human Resources team records line managers."},
    {"delegation", "no line manager has delegated to this person",
     "A line manager does it: cardgate delegation give"},
    {"team", "the person is not a member of the team", "The ESR & Workforce Systems team adds members."},
    {"training", "training is missing", "Complete the course, and have it put on record."},
    {"sign-in", "it needs another way to sign in", "Sign in with the card: cardgate login"},
    {"revocation", "it is not known whether the card was withdrawn",
     "Nothing that the person can do: the answers of the card's issuer are missing. Tell the people who run "
     "this machine."},
};

/// A code has neither blanks nor capitals.
bool is_code(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

constexpr ReasonRow other_certificate{"", "the card's certificate was not accepted", to_the_desk};
constexpr ReasonRow other_card{"", "the card could not be used", to_the_desk};

const ReasonRow* find_reason(std::string_view code) {
  const auto* found = std::ranges::find(reasons, code, &ReasonRow::code);
  if (found != std::end(reasons)) return found;
  if (!is_code(code)) return nullptr;
  return code.starts_with("certificate_") ? &other_certificate
         : code.starts_with("card_")      ? &other_card
                                          : nullptr;
}

}  // namespace

std::string reason_words(std::string_view reason) {
  if (const auto* row = find_reason(reason)) return std::string(row->words);
  std::string text(reason);
  if (is_code(reason)) std::ranges::replace(text, '_', ' ');
  return text;
}

bool is_reason_code(std::string_view reason) {
  return std::ranges::any_of(reasons, [&](const ReasonRow& row) { return row.code == reason; });
}

std::string_view reason_remedy(std::string_view reason) {
  const auto* row = find_reason(reason);
  return row == nullptr ? std::string_view() : row->remedy;
}

std::string prerequisite_words(std::string_view code) {
  const auto colon = code.find(':');
  const auto* row = find_reason(code.substr(0, colon));
  if (row == nullptr) return std::string(code);
  std::string text(row->words);
  if (colon != std::string_view::npos) text += " (" + std::string(code.substr(colon + 1)) + ")";
  return text;
}

}  // namespace cardgate::audit
