// SPDX-License-Identifier: Apache-2.0
// A sentence is a template:
//
//   {person}  whom it is about, or "somebody"        {by}       who did it, or nobody
//   {role} {client} {session} {reason}               as the record has them, in words
//   {seen}    whom it is about, or how many people   {missing}  the prerequisites that were missing
//   {:NAME}   a member of the details
//   [ ... ]   left out whole when something in it is empty
//
// A row with a variant is for records with that `act`, way of signing in, card status or reason, or that were refused.
#include "audit/sentence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/event.hpp"
#include "audit/filter.hpp"
#include "audit/reason_words.hpp"

namespace cardgate::audit {
namespace {

struct SentenceRow {
  Event event;
  std::string_view variant;
  std::string_view text;
};

// Rows with a variant stand before the row without one.
constexpr SentenceRow sentences[] = {
    {Event::start, "", "The service started[ (version {:version})]."},
    {Event::stop, "", "The service stopped[: {reason}]."},
    {Event::reload, "refused",
     "The configuration on disk was read and refused[: {reason}]. The one before goes on."},
    {Event::reload, "", "The configuration and the policy were read again, and are in use."},
    {Event::trust_files, "refused",
     "The certificates by which cards are checked changed on disk and were refused[: {reason}]. The ones "
     "before go on."},
    {Event::trust_files, "", "The certificates by which cards are checked changed, and are in use."},
    {Event::import, "refused", "A staff file was refused, and nothing of it was taken over[: {reason}]."},
    {Event::import, "", "A staff file was taken over."},
    {Event::sign_in, "password", "{person} signed in by password."},
    {Event::sign_in, "", "{person} signed in with card and passcode[ at {:reader}]."},
    {Event::sign_in_refused, "", "{person} was not signed in[ at {:reader}][: {reason}]."},
    {Event::session_locked, "card_removed", "The card of {person} was taken out, so the session locked."},
    {Event::session_locked, "screen", "{person} locked the screen, and the session locked with it."},
    {Event::session_locked, "idle", "{person} did nothing for a while, so the session locked."},
    {Event::session_locked, "", "The session of {person} locked[: {reason}]."},
    {Event::session_grace, "", "The card of {person} was taken out. What was open goes on for a short time."},
    {Event::session_kept, "card_back", "The card of {person} was put back, and the session went on."},
    {Event::session_kept, "",
     "The card of {person} was taken out. The session goes on without it for a time."},
    {Event::session_resumed, "card_back",
     "The card of {person} was put back in time, and the session went on."},
    {Event::session_resumed, "", "{person} proved again who they are, and the session went on."},
    {Event::session_ended, "signed_out", "{person} signed out."},
    {Event::session_ended, "card_removed", "The session of {person} ended, because the card was taken out."},
    {Event::session_ended, "", "The session of {person} ended[: {reason}]."},
    {Event::card_removed, "", "The card of {person} was taken out[ of {:reader}]."},
    {Event::token, "", "{person} got into {role}[ ({:audience})][, by the program {client}]."},
    {Event::token_refused, "", "{person} did not get into {role}[ ({:audience})][: {reason}][ ({missing})]."},
    {Event::token_key, "published", "A new key for signing tokens was published."},
    {Event::token_key, "signs", "Tokens are signed by a new key from now on."},
    {Event::token_key, "ended", "A key that signed tokens has ended."},
    {Event::token_key, "revoked", "A key that signed tokens was revoked, and all its tokens with it."},
    {Event::token_key, "", "A key for signing tokens was changed."},
    {Event::certificate_explained, "",
     "The machine's administrator asked to whom a certificate belongs[: to {about}]."},
    {Event::introspected, "", "An application asked about a token that did not work[: {reason}]."},
    {Event::revoked, "", "{person} was no longer in {role}[: {reason}]."},
    {Event::access_removed, "", "{person} lost access[ to {role}] in the middle of a session[: {reason}]."},
    {Event::client_refused, "",
     "A program was refused something that it may not do[ for {about}][: {reason}]."},
    {Event::passcode_changed, "", "The card of {person} has a new passcode."},
    {Event::card_blocked, "", "The card of {person} is blocked, because the passcode was wrong too often."},
    {Event::card_refused, "", "The passcode of a card[ of {about}] was not changed[: {reason}]."},
    {Event::card_unblocked, "", "The card of {person} was unblocked."},
    {Event::register_changed, "active",
     "A card was registered to {person}[ by {by}][. The reason: {reason}]."},
    {Event::register_changed, "waiting",
     "A card for {person} was registered[ by {by}], and waits for a second person[. The reason: {reason}]."},
    {Event::register_changed, "blocked",
     "A card of {person} was blocked in the register[ by {by}][. The reason: {reason}]."},
    {Event::register_changed, "lost",
     "A card of {person} was reported lost[ by {by}][. The reason: {reason}]."},
    {Event::register_changed, "",
     "What is on record about {person} was changed[ by {by}][. The reason: {reason}]."},
    {Event::card_pool, "added", "A card was put into the pool of cards to lend[ by {by}]."},
    {Event::card_pool, "removed",
     "A card was taken out of the pool of cards to lend[ by {by}][. The reason: {reason}]."},
    {Event::card_pool, "key", "The unblocking key of a card to lend was handed over[ by {by}]."},
    {Event::card_pool, "code", "{person} was given a code to unblock a lent card[ by {by}]."},
    {Event::card_pool, "code_used", "{person} used the code to unblock a lent card."},
    {Event::card_pool, "", "The pool of cards to lend was changed[ by {by}]."},
    {Event::loan, "lent", "A card was lent to {person}[ by {by}][. The reason: {reason}]."},
    {Event::loan, "confirmed", "The card lent to {person} was confirmed[ by {by}]."},
    {Event::loan, "returned", "The card lent to {person} was returned[ to {by}]."},
    {Event::loan, "ended", "The time of the card lent to {person} was over."},
    {Event::loan, "", "The loan of a card to {person} was changed[ by {by}]."},
    {Event::form, "submitted",
     "{by} asked for access for {person}[ (form {:form})][. The reason: {reason}]."},
    {Event::form, "verified", "{by} verified that {person} needs the access[ (form {:form})]."},
    {Event::form, "approved", "{by} approved the access of {person}[ (form {:form})]."},
    {Event::form, "rejected",
     "{by} rejected the access of {person}[ (form {:form})][. The reason: {reason}]."},
    {Event::form, "withdrawn",
     "{by} withdrew the access form of {person}[ (form {:form})][. The reason: {reason}]."},
    {Event::form, "", "The access form of {person} was changed[ by {by}][: {:act}][. The reason: {reason}]."},
    {Event::declaration_signed, "", "{person} signed the declaration[ {:name}][ (version {:version})]."},
    {Event::training_recorded, "", "The course[ {:course}] was put on record for {person}[ by {by}]."},
    {Event::delegation, "given", "{by} let {person} act for their staff[. The reason: {reason}]."},
    {Event::delegation, "", "What {person} may do for {by} ended[. The reason: {reason}]."},
    {Event::acting_manager, "appointed", "{person} was named to stand in[ for {:manager}][ by {by}]."},
    {Event::acting_manager, "", "{person} no longer stands in[ for {:manager}]."},
    {Event::removal, "asked for",
     "{by} asked to have the access of {person} removed at once[. The reason: {reason}]."},
    {Event::removal, "asked for and done",
     "{by} removed the access of {person} at once[. The reason: {reason}]."},
    {Event::removal, "done", "{by} removed the access of {person}, as was asked for."},
    {Event::removal, "declined", "{by} declined to remove the access of {person}[. The reason: {reason}]."},
    {Event::removal, "restoring asked for",
     "{by} asked to give {person} access again[. The reason: {reason}]."},
    {Event::removal, "restored",
     "{by}, as the second person, gave {person} access again[. The reason: {reason}]."},
    {Event::removal, "giving back declined",
     "{by} declined to give {person} access again[. The reason: {reason}]."},
    {Event::removal, "", "The removal of the access of {person} was changed[ by {by}][: {:act}]."},
    {Event::looked_at, "", "{by} looked at what is on record about {seen}[ ({reason})]."},
    {Event::record_asked, "", "{person} asked to open the record[ of {:record}] and may not[: {reason}]."},
    {Event::setup, "", "The first members of the team were named[ ({seen})][: {reason}]."},
    {Event::break_glass, "",
     "The machine's administrator gave access past the team, in an emergency[, to {about}][. The reason: "
     "{reason}]."},
    {Event::enrolment, "asked", "Somebody[, for {about},] asked for a first password."},
    {Event::enrolment, "code", "{person} was given a code for a first password[ by {by}]."},
    {Event::enrolment, "activated", "{person} chose a first password with the code."},
    {Event::enrolment, "", "A first password[ for {about}] was asked for[: {reason}]."},
    {Event::password_changed, "", "{person} has a new password."},
    {Event::password_reset, "", "{person} was given a temporary password[ by {by}][. The reason: {reason}]."},
    {Event::notice, "dropped", "{person} read a notice and dismissed it."},
    {Event::notice, "", "{seen} had a notice to read[: \"{:text}\"]."},
    {Event::downtime, "announced", "Downtime was announced[ by {by}][: \"{:text}\"]."},
    {Event::downtime, "reminded", "Everybody was reminded of downtime[: \"{:text}\"]."},
    {Event::downtime, "changed", "A planned downtime was changed[ by {by}][: \"{:text}\"]."},
    {Event::downtime, "extended", "A downtime goes on for longer[, says {by}][: \"{:text}\"]."},
    {Event::downtime, "withdrawn", "A planned downtime was withdrawn[ by {by}][: \"{:text}\"]."},
    {Event::downtime, "began", "A downtime began[: \"{:text}\"]."},
    {Event::downtime, "declared", "An emergency was declared[ by {by}][: \"{:text}\"]."},
    {Event::downtime, "overdue", "An emergency lasts longer than was said[: \"{:text}\"]."},
    {Event::downtime, "ended", "A downtime ended[, says {by}][: \"{:text}\"]."},
    {Event::downtime, "", "A downtime was changed[: \"{:text}\"]."},
    {Event::fault, "reported", "A fault was reported[ by {:reported_by}][: \"{:text}\"]."},
    {Event::fault, "classed", "{by} said how bad fault[ {:fault}] is[: {:severity}]."},
    {Event::fault, "joined", "Fault[ {:fault}] is the same as another one[, says {by}]."},
    {Event::fault, "passed_on", "Fault[ {:fault}] was passed on[ as {:ticket}][ by {by}]."},
    {Event::fault, "answer_late", "Fault[ {:fault}] was not answered in the time agreed."},
    {Event::fault, "repair_late", "Fault[ {:fault}] was not put right in the time agreed."},
    {Event::fault, "closed", "Fault[ {:fault}] was closed[ by {by}][: {reason}]."},
    {Event::fault, "", "Something came of a fault[ ({:fault})]."},
    {Event::signatures_void, "",
     "The text of the declaration[ {:name}] changed, so earlier signatures no longer count[ ({:count} "
     "people)]."},
    {Event::register_copied, "backup", "A backup of the staff register was made."},
    {Event::register_copied, "restore", "The staff register was restored from a backup."},
    {Event::register_copied, "", "A copy of the staff register was not made or not restored[: {reason}]."},
    {Event::clock_jump, "", "The clock of the machine was set[: {reason}]."},
    {Event::repeated, "", "The same happened[ {:count} more times][ ({:event})][ to {about}][: {reason}]."},
    {Event::incident, "", "Something happened that a person must look at[: {reason}]."},
    {Event::segment, "", "A new file of the log begins."},
    {Event::checkpoint, "", "The log was signed up to here."},
    {Event::healed, "", "An unfinished write was cut off when the service started."},
    {Event::audit_key, "",
     "From the next file on the log is signed with another key, for which the key before vouches."},
    {Event::audit_hold, "set",
     "A legal hold was set: nothing of the log is deleted[. The reason: {reason}]."},
    {Event::audit_hold, "released", "A legal hold was released[. The reason: {reason}]."},
    {Event::audit_hold, "", "A legal hold was changed[. The reason: {reason}]."},
    {Event::retention, "", "Old files of the log were deleted, as the configuration says[ ({:segments})]."},
};

std::string_view text_member(const json::object& object, std::string_view member) {
  const auto* text = find_string(object, member);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

class Saying {
 public:
  Saying(const json::object& record, const Speaker& speaker) : record_(record), speaker_(speaker) {
    if (const auto* found = find_object(record, "details")) details_ = found;
    reason_ = text_member(record, "reason");
    constexpr std::string_view taken_back = "not done:";
    if (reason_.starts_with(taken_back)) {
      not_done_ = true;
      reason_.remove_prefix(taken_back.size());
      while (reason_.starts_with(' ')) reason_.remove_prefix(1);
    }
  }

  std::string say() const {
    const auto event = text_member(record_, "event");
    const SentenceRow* row = row_for(event);
    if (row == nullptr) {
      return begin_capital(fmt::format("{}{}{}.", event, reason_.empty() ? "" : ": ", reason_words(reason_)));
    }
    const auto text = filled(row->text);
    return begin_capital(not_done_ ? taken_back(text) : text);
  }

 private:
  const SentenceRow* row_for(std::string_view event) const {
    const auto came = outcome_of(record_);
    const std::string_view variants[] = {came == Outcome::refused ? "refused" : "",
                                         text_member(*details_, "act"), text_member(*details_, "sign_in"),
                                         text_member(*details_, "status"), reason_};
    for (const auto& row : sentences) {
      if (name_of(row.event) != event) continue;
      if (row.variant.empty() || std::ranges::find(variants, row.variant) != std::end(variants)) return &row;
    }
    return nullptr;
  }

  /// Of words of ours alone: a personnel number stays as it is.
  static std::string begin_capital(std::string text) {
    static constexpr std::array<std::string_view, 5> ours{"somebody", "the machine's", "the service",
                                                          "nobody", "one person"};
    if (std::ranges::any_of(ours, [&](std::string_view word) { return text.starts_with(word); }))
      text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
  }

  std::string taken_back(const std::string& text) const {
    return fmt::format("This was not done after all{}: {}",
                       reason_.empty() ? "" : " (" + reason_words(reason_) + ")", text);
  }

  std::string called(std::string_view id) const {
    if (id.empty()) return {};
    if (id == "root") return "the machine's administrator";
    if (id == "cardgate") return "the service itself";
    const auto known = speaker_.person ? speaker_.person(id) : std::string();
    return known.empty() ? std::string(id) : known;
  }

  std::string seen() const {
    if (const auto person = text_member(record_, "person"); !person.empty()) return called(person);
    const auto* people = find_array(*details_, "people");
    const auto* count = details_->if_contains("count");
    const auto number = count != nullptr && count->is_int64() ? count->get_int64()
                        : people == nullptr                   ? 0
                                                              : static_cast<std::int64_t>(people->size());
    if (number == 1 && people != nullptr && people->size() == 1 && people->at(0).is_string())
      return called(people->at(0).get_string());
    return number == 0 ? "nobody" : number == 1 ? "one person" : fmt::format("{} people", number);
  }

  std::string missing() const {
    const auto* unmet = find_array(*details_, "unmet");
    std::string out;
    if (unmet == nullptr) return out;
    for (const auto& item : *unmet) {
      if (!item.is_string()) continue;
      out += fmt::format("{}{}", out.empty() ? "" : "; ", prerequisite_words(item.get_string()));
    }
    return out;
  }

  std::string detail(std::string_view member) const {
    const auto* value = details_->if_contains(member);
    if (value == nullptr || value->is_null()) return {};
    const auto* text = value->if_string();
    if (text == nullptr) return value->is_structured() ? std::string() : json::serialize(*value);
    if (member == "manager" || member == "record" || member == "reported_by") return called(*text);
    if (member == "event") {
      std::string words(*text);
      std::ranges::replace(words, '_', ' ');
      return words;
    }
    return std::string(*text);
  }

  std::string value_of(std::string_view name) const {
    if (name.starts_with(':')) return detail(name.substr(1));
    if (name == "person") {
      const auto id = text_member(record_, "person");
      return id.empty() ? "somebody" : called(id);
    }
    if (name == "about") return called(text_member(record_, "person"));
    if (name == "by") return called(text_member(*details_, "by"));
    if (name == "seen") return seen();
    if (name == "missing") return missing();
    if (name == "reason") {
      auto words = not_done_ ? std::string() : reason_words(reason_);
      while (words.ends_with('.')) words.pop_back();  // the sentence has its own
      return words;
    }
    if (name == "role") {
      const auto role = text_member(record_, "role");
      const auto title = speaker_.role && !role.empty() ? speaker_.role(role) : std::string();
      return title.empty() ? std::string(role) : title;
    }
    return std::string(text_member(record_, name));
  }

  /// `whole` is set to false when a part of it is empty.
  std::string filled(std::string_view text) const {
    bool whole = true;
    return filled(text, whole);
  }
  std::string filled(std::string_view text, bool& whole) const {
    std::string out;
    while (!text.empty()) {
      const auto at = std::min(text.find_first_of("{["), text.size());
      out += text.substr(0, at);
      text.remove_prefix(at);
      if (text.empty()) break;
      const bool optional = text.front() == '[';
      const auto end = text.find(optional ? ']' : '}');
      const auto inner = text.substr(1, end - 1);
      text.remove_prefix(end + 1);
      if (optional) {
        bool all = true;
        const auto part = filled(inner, all);
        if (all) out += part;
        continue;
      }
      const auto value = value_of(inner);
      // Who is not named did it all the same.
      if (value.empty() && inner == "by") out += "somebody";
      if (value.empty()) whole = false;
      out += value;
    }
    return out;
  }

  static const json::object& nothing() {
    static const json::object none;
    return none;
  }

  const json::object& record_;
  const Speaker& speaker_;
  const json::object* details_ = &nothing();
  std::string_view reason_;
  bool not_done_ = false;
};

}  // namespace

std::string sentence(const json::object& record, const Speaker& speaker) {
  return Saying(record, speaker).say();
}

bool is_told(const json::object& record) {
  const auto* info = find_event(text_member(record, "event"));
  return info == nullptr || !info->internal;
}

bool has_sentence(std::string_view event) {
  return std::ranges::any_of(
      sentences, [&](const SentenceRow& row) { return row.variant.empty() && name_of(row.event) == event; });
}

}  // namespace cardgate::audit
