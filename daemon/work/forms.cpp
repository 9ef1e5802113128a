// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "daemon/work/find.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon::work {
namespace {

using FormState = reg::Form::State;

/// What is longer is a slip of the pen.
constexpr std::chrono::years longest_form{5};

/// The kind of form that a role asks for. Errors: no such role, or one that asks for none.
Result<const policy::Prerequisite*> wanted_form(const policy::Policy& policy, const std::string& role_name) {
  const auto* role = policy.role(role_name);
  if (role == nullptr)
    return cannot(fmt::format("There is no role '{}' any more, so no form for it can go on", role_name));
  const auto wanted =
      std::ranges::find(role->requires_all, policy::Prerequisite::Kind::form, &policy::Prerequisite::kind);
  if (wanted == role->requires_all.end()) return cannot(fmt::format("{} needs no access form", role->title));
  return &*wanted;
}

Error in_state(const reg::Form& form, std::string_view wanted) {
  return cannot(
      fmt::format("Form {} is {}, and only one that is {} can be", form.id, reg::name(form.state), wanted));
}

Result<void> add_form(reg::Person& person, const policy::Policy& policy, const FormAsk& ask,
                      const Doer& doer) {
  const auto* wanted = TRY(wanted_form(policy, ask.role));
  const Date from = ask.valid_from.value_or(doer.today);
  if (ask.valid_until && *ask.valid_until < from) return cannot("The form would end before it begins");
  if (ask.valid_until && *ask.valid_until < doer.today) return cannot("The form would have ended already");
  if (from > doer.today + longest_form || (ask.valid_until && *ask.valid_until > from + longest_form)) {
    return cannot("A form is for five years at most: look at the dates again");
  }
  for (const auto& other : person.forms) {
    if (other.role == ask.role &&
        (other.state == FormState::submitted || other.state == FormState::verified)) {
      return cannot(
          fmt::format("Form {} for that role is waiting already ({})", other.id, reg::name(other.state)));
    }
  }
  if (person.forms.size() >= max_entries) return cannot(too_many);
  reg::Form form;
  form.kind = wanted->subject;
  form.role = ask.role;
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

Result<void> submit_form(reg::Person& person, const policy::Policy& policy, const FormAsk& ask,
                         const Doer& doer) {
  return add_form(person, policy, ask, doer);
}

Result<void> verify_form(reg::Person& person, const policy::Policy& policy, std::int64_t id, const Doer& doer,
                         bool manages) {
  reg::Form* form = TRY(find_entry(person.forms, id, "form"));
  if (doer.id == person.id) {
    return Error{Errc::permission_denied, "Nobody verifies their own form: that is for the line manager"};
  }
  if (doer.may_be(person.id)) return same_hand();
  if (!manages) {
    return Error{
        Errc::permission_denied,
        "Only the person's line manager, or who stands in for them, verifies that the access is needed"};
  }
  if (form->state != FormState::submitted) return in_state(*form, "submitted");
  if (doer.id == form->requested_by) {
    return Error{
        Errc::permission_denied,
        "Who asked for the access does not verify the need as well. Withdraw this form and let the person "
        "ask; or whoever stands in for you verifies it"};
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
  if (doer.id == person.id) return Error{Errc::permission_denied, "Nobody approves their own form"};
  if (doer.may_be(person.id)) return same_hand();
  if (doer.id == form->verified_by || doer.id == form->requested_by) {
    return Error{
        Errc::permission_denied,
        "Who asked for the access, or verified the need, does not approve it as well: somebody else must"};
  }
  if (doer.may_be(form->verified_by) || doer.may_be(form->requested_by) ||
      form->verified_card_by == doer.id || form->requested_card_by == doer.id) {
    return same_hand();
  }
  if (form->state != FormState::verified) return in_state(*form, "verified");
  if (!form->verifier_known || (form->verified_on && *form->verified_on > doer.today)) {
    return cannot(
        fmt::format("Form {} is verified by nobody who is on record, or on a day to come: reject it, and ask "
                    "for a new one",
                    id));
  }
  if (form->valid_until && *form->valid_until < doer.today) {
    return cannot(fmt::format("Form {} ended on {}: reject it, and ask for a new one", id,
                              to_text(*form->valid_until)));
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
    return in_state(*form, "submitted or verified");
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
    return in_state(*form, "submitted, verified or approved");
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
  if (old->state != FormState::approved) return in_state(*old, "approved");
  if (!old->valid_until) return cannot(fmt::format("Form {} has no end, so there is nothing to renew", id));
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
  if (doer.id != person.id) return Error{Errc::permission_denied, "Everybody signs for themselves"};
  const auto texts = declaration_texts(policy);
  const auto text = std::ranges::find_if(texts, [&](const Text& each) {
    return each.wanted.subject == name && (version.empty() || each.wanted.version == version);
  });
  if (text == texts.end()) {
    return Error{Errc::not_found,
                 "No role asks for that declaration in that version. See: cardgate declaration list"};
  }
  if (text->text.empty())
    return cannot("The policy has no text for that declaration, so nobody can sign it here");
  if (text->hash != hash) return cannot("The text is another one now: read it again before you sign");
  const auto& [wanted, words, text_hash, roles] = *text;
  std::optional<Date> until;
  if (wanted.valid_for)
    until = Date(std::chrono::sys_days(doer.today) + *wanted.valid_for - std::chrono::days(1));
  const auto same = [&](const reg::Declaration& d) {
    return d.name == name && d.version == wanted.version && d.signed_on == doer.today && d.text_hash == hash;
  };
  if (std::ranges::any_of(person.declarations, same)) return cannot("You have signed it today already");
  person.declarations.push_back({name, wanted.version, doer.today, until, hash});
  return {};
}

Result<void> record_training(reg::Person& person, const policy::Policy& policy, reg::Training training,
                             const Doer& doer) {
  const auto asks = [&](const policy::Role& role) {
    return std::ranges::any_of(role.requires_all, [&](const policy::Prerequisite& wanted) {
      return wanted.kind == policy::Prerequisite::Kind::training && wanted.subject == training.course;
    });
  };
  if (doer.id == person.id) return Error{Errc::permission_denied, "Nobody records their own training"};
  if (std::ranges::none_of(policy.roles(), asks)) return cannot("No role asks for a course of that name");
  if (training.completed_on > doer.today) return cannot("The day of completion lies in the future");
  if (training.valid_until && *training.valid_until < training.completed_on) {
    return cannot("The training would end before it was completed");
  }
  training.recorded_by = doer.id;
  const auto same = [&](const reg::Training& t) {
    return t.course == training.course && t.completed_on == training.completed_on &&
           t.valid_until == training.valid_until;
  };
  if (std::ranges::any_of(person.training, same)) return cannot("That is on record already");
  person.training.push_back(std::move(training));
  return {};
}

}  // namespace cardgate::daemon::work
