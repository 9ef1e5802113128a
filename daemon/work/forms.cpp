// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/bytes.hpp"
#include "base/day_text.hpp"
#include "daemon/work/find.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon::work {
namespace {

using FormState = reg::Form::State;

/// What is longer is a slip of the pen.
constexpr std::chrono::years longest_form{5};

/// The roles that ask for a form: "core (Core ESR), ...".
std::string roles_with_form(const policy::Policy& policy) {
  std::string out;
  for (const auto& role : policy.roles()) {
    if (std::ranges::find(role.requires_all, policy::Prerequisite::Kind::form, &policy::Prerequisite::kind) !=
        role.requires_all.end())
      out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", role.name, role.title);
  }
  return out;
}

/// The kind of form that a role asks for. Errors: no such role, or one that asks for none.
Result<const policy::Prerequisite*> wanted_form(const policy::Policy& policy, const std::string& role_name) {
  const auto* role = find_role(policy, role_name);
  if (role == nullptr)
    return cannot(fmt::format("There is no role called \"{}\". You can ask for: {}", role_name,
                              roles_with_form(policy)));
  const auto wanted =
      std::ranges::find(role->requires_all, policy::Prerequisite::Kind::form, &policy::Prerequisite::kind);
  if (wanted == role->requires_all.end())
    return cannot(fmt::format("{} needs no access form, so there is nothing to ask for", role->title));
  return &*wanted;
}

/// `so`: what follows from it.
Error in_state(const reg::Form& form, std::string_view so = {}) {
  return cannot(fmt::format("Form {} {}{}", form.id, standing_of(form.state), so));
}

Result<void> add_form(reg::Person& person, const policy::Policy& policy, const FormAsk& ask,
                      const Doer& doer) {
  const auto* wanted = TRY(wanted_form(policy, ask.role));
  const Date from = ask.valid_from.value_or(doer.today);
  if (ask.valid_until && *ask.valid_until < from)
    return cannot("The last day is before the first day. Look at the dates again");
  if (ask.valid_until && *ask.valid_until < doer.today)
    return cannot("The last day is in the past. Look at the dates again");
  if (from > doer.today + longest_form || (ask.valid_until && *ask.valid_until > from + longest_form)) {
    return cannot("A form lasts five years at most. Look at the dates again");
  }
  const std::string& role = find_role(policy, ask.role)->name;
  for (const auto& other : person.forms) {
    if (other.role == role && (other.state == FormState::submitted || other.state == FormState::verified)) {
      return cannot(fmt::format("Form {} for this role {}. Wait for it, or withdraw it first", other.id,
                                standing_of(other.state)));
    }
  }
  if (person.forms.size() >= max_entries) return cannot(too_many);
  reg::Form form;
  form.kind = wanted->subject;
  form.role = role;
  form.reason = ask.reason;
  form.requested_by = doer.id;
  if (doer.id != person.id) form.requested_card_by = doer.card_by;
  form.requested_on = doer.today;
  form.valid_from = from;
  form.valid_until = ask.valid_until;
  person.forms.push_back(std::move(form));
  return {};
}

}  // namespace

const policy::Role* find_role(const policy::Policy& policy, std::string_view wanted) {
  if (const auto* role = policy.role(wanted)) return role;
  const auto called_so = [&](const policy::Role& role) {
    return ascii_lower(role.title) == ascii_lower(wanted);
  };
  const auto found = std::ranges::find_if(policy.roles(), called_so);
  return found == policy.roles().end() ? nullptr : &*found;
}

Result<void> submit_form(reg::Person& person, const policy::Policy& policy, const FormAsk& ask,
                         const Doer& doer) {
  return add_form(person, policy, ask, doer);
}

Result<void> verify_form(reg::Person& person, const policy::Policy& policy, std::int64_t id, const Doer& doer,
                         bool manages) {
  reg::Form* form = TRY(find_entry(person.forms, id, "form"));
  if (doer.id == person.id) {
    return Error{Errc::permission_denied, "You cannot verify your own form. Your line manager does that"};
  }
  if (doer.may_be(person.id)) return same_hand();
  if (!manages) {
    return Error{Errc::permission_denied,
                 "Only the person's line manager, or somebody who stands in for the line manager, can verify "
                 "this form"};
  }
  if (form->state != FormState::submitted) return in_state(*form);
  if (doer.id == form->requested_by) {
    return Error{Errc::permission_denied,
                 "You asked for this access, so you cannot verify it as well. Somebody who stands in for you "
                 "can verify it. Or withdraw this form, and the person asks themselves"};
  }
  if (doer.may_be(form->requested_by) || form->requested_card_by == doer.id) return same_hand();
  TRY(wanted_form(policy, form->role));
  form->state = FormState::verified;
  form->verified_by = doer.id;
  form->verified_on = doer.today;
  form->verified_card_by = doer.card_by;
  return {};
}

Result<void> approve_form(reg::Person& person, const policy::Policy& policy, std::int64_t id,
                          const Doer& doer) {
  reg::Form* form = TRY(find_entry(person.forms, id, "form"));
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot approve your own form. Another member of the team must do it"};
  if (doer.may_be(person.id)) return same_hand();
  if (doer.id == form->verified_by || doer.id == form->requested_by) {
    return Error{Errc::permission_denied,
                 "You asked for this access or verified it, so you cannot approve it as well. Another member "
                 "of the team must do it"};
  }
  if (doer.may_be(form->verified_by) || doer.may_be(form->requested_by) ||
      form->verified_card_by == doer.id || form->requested_card_by == doer.id) {
    return same_hand();
  }
  if (form->state != FormState::verified) return in_state(*form);
  if (!form->verifier_known || (form->verified_on && *form->verified_on > doer.today)) {
    return cannot(
        fmt::format("Form {} was verified by somebody who is not on record, or on a day in the future. "
                    "Reject it, and ask for a new one",
                    id));
  }
  if (form->valid_until && *form->valid_until < doer.today) {
    return cannot(fmt::format("Form {} ended on {}. Reject it, and ask for a new one", id,
                              day_text(*form->valid_until)));
  }
  TRY(wanted_form(policy, form->role));
  form->state = FormState::approved;
  form->approved_by = doer.id;
  form->approved_on = doer.today;
  return {};
}

Result<void> reject_form(reg::Person& person, std::int64_t id, const std::string& reason, const Doer& doer) {
  reg::Form* form = TRY(find_entry(person.forms, id, "form"));
  if (form->state != FormState::submitted && form->state != FormState::verified) {
    return in_state(*form, ", so there is nothing left to decide");
  }
  form->state = FormState::rejected;
  form->closed_by = doer.id;
  form->closed_on = doer.today;
  form->closed_reason = reason;
  return {};
}

Result<void> withdraw_form(reg::Person& person, std::int64_t id, const std::string& reason,
                           const Doer& doer) {
  reg::Form* form = TRY(find_entry(person.forms, id, "form"));
  if (form->state == FormState::rejected || form->state == FormState::withdrawn) {
    return in_state(*form, ", so there is nothing to withdraw");
  }
  form->state = FormState::withdrawn;
  form->closed_by = doer.id;
  form->closed_on = doer.today;
  form->closed_reason = reason;
  return {};
}

Result<void> renew_form(reg::Person& person, const policy::Policy& policy, std::int64_t id,
                        const std::string& reason, std::optional<Date> until, const Doer& doer) {
  const reg::Form* old = TRY(find_entry(person.forms, id, "form"));
  if (old->state != FormState::approved) return in_state(*old, ". Only an approved form can be renewed");
  if (!old->valid_until) return cannot(fmt::format("Form {} has no last day, so it needs no renewal", id));
  FormAsk ask{old->role, reason, std::nullopt, until};
  if (*old->valid_until >= doer.today)
    ask.valid_from = Date(std::chrono::sys_days(*old->valid_until) + std::chrono::days(1));
  return add_form(person, policy, ask, doer);
}

std::vector<Text> declaration_texts(const policy::Policy& policy) {
  std::vector<Text> out;
  for (const auto& role : policy.roles()) {
    for (const auto& wanted : role.requires_all) {
      if (wanted.kind != policy::Prerequisite::Kind::declaration) continue;
      const auto known = std::ranges::find_if(out, [&](const Text& text) {
        return text.wanted.subject == wanted.subject && text.wanted.version == wanted.version;
      });
      if (known != out.end()) {
        auto& life = known->wanted.valid_for;
        if (!wanted.valid_for || (life && *wanted.valid_for > *life)) life = wanted.valid_for;
        known->roles.push_back(role.title);
        continue;
      }
      const auto& text = policy.declaration_text(wanted.subject);
      out.push_back({wanted, text, wanted.text_hash, {role.title}});
    }
  }
  return out;
}

Result<void> sign_declaration(reg::Person& person, const policy::Policy& policy, const std::string& name,
                              const std::string& version, const std::string& hash, const Doer& doer) {
  if (doer.id != person.id) return Error{Errc::permission_denied, "Each person signs for themselves"};
  const auto texts = declaration_texts(policy);
  const auto text = std::ranges::find_if(texts, [&](const Text& each) {
    return each.wanted.subject == name && (version.empty() || each.wanted.version == version);
  });
  if (text == texts.end()) {
    return Error{Errc::not_found,
                 "There is no such declaration to sign. See the list: cardgate declaration list"};
  }
  if (text->text.empty())
    return cannot(
        "The policy has no text for this declaration, so it cannot be signed here. Tell the people who run "
        "this machine");
  if (text->hash != hash) return cannot("The text has changed since you read it. Read it again, then sign");
  const auto& [wanted, words, text_hash, roles] = *text;
  std::optional<Date> until;
  if (wanted.valid_for)
    until = Date(std::chrono::sys_days(doer.today) + *wanted.valid_for - std::chrono::days(1));
  const auto same = [&](const reg::Declaration& d) {
    return d.name == name && d.version == wanted.version && d.signed_on == doer.today && d.text_hash == hash;
  };
  if (std::ranges::any_of(person.declarations, same))
    return cannot("You have already signed this declaration today");
  person.declarations.push_back({name, wanted.version, doer.today, until, hash});
  return {};
}

namespace {

/// "information-governance (information governance training), ...".
std::string courses(const policy::Policy& policy) {
  std::set<std::string> each;
  for (const auto& role : policy.roles()) {
    for (const auto& wanted : role.requires_all) {
      if (wanted.kind == policy::Prerequisite::Kind::training)
        each.insert(fmt::format("{} ({})", wanted.subject, wanted.title));
    }
  }
  return each.empty() ? "no role asks for one" : fmt::format("{}", fmt::join(each, ", "));
}

}  // namespace

Result<void> record_training(reg::Person& person, const policy::Policy& policy, reg::Training training,
                             const Doer& doer) {
  const auto asks = [&](const policy::Role& role) {
    return std::ranges::any_of(role.requires_all, [&](const policy::Prerequisite& wanted) {
      return wanted.kind == policy::Prerequisite::Kind::training && wanted.subject == training.course;
    });
  };
  if (doer.id == person.id)
    return Error{Errc::permission_denied,
                 "You cannot record your own training. Ask another member of the team"};
  if (std::ranges::none_of(policy.roles(), asks)) {
    return cannot(fmt::format("Unknown course '{}'. Courses: {}", training.course, courses(policy)));
  }
  if (training.completed_on > doer.today) return cannot("The day of completion is in the future");
  if (training.valid_until && *training.valid_until < training.completed_on) {
    return cannot("The last day is before the day of completion");
  }
  training.recorded_by = doer.id;
  const auto same = [&](const reg::Training& t) {
    return t.course == training.course && t.completed_on == training.completed_on &&
           t.valid_until == training.valid_until;
  };
  if (std::ranges::any_of(person.training, same))
    return cannot("This course is already on record for that day");
  person.training.push_back(std::move(training));
  return {};
}

}  // namespace cardgate::daemon::work
