// SPDX-License-Identifier: Apache-2.0
#include "register/import/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/card_id.hpp"
#include "base/unicode.hpp"
#include "register/enrolment.hpp"
#include "register/import/check.hpp"
#include "register/import/fields.hpp"
#include "register/normal.hpp"

namespace cardgate::reg {
namespace {

constexpr std::size_t max_reason_length = 1000;
constexpr std::array<std::string_view, 4> card_states{"active", "lost", "replaced", "revoked"};

/// A span of days that ends before it begins is a slip of the pen.
void check_span(const Yaml& at, Problems& problems, const std::optional<Date>& from,
                const std::optional<Date>& until, std::string_view until_key) {
  if (from && until && *until < *from) {
    problems.add(at.error(fmt::format("{} {} is before {}", until_key, to_text(*until), to_text(*from))));
  }
}

Card read_card(const Yaml& item, Problems& problems) {
  Card card;
  Fields fields(item, problems, {"uuid", "issuer_serial", "status", "valid_until"});
  // A card without a UUID of its own.
  if (const auto pair = fields.find("issuer_serial")) {
    const auto text = pair->string();
    card.uuid = text ? card_id_from(visible_text(*text)) : std::string();
    if (card.uuid.empty()) {
      fields.note(pair->error(
          "expected the issuer and serial number of the card's certificate, as cardgate status shows them: "
          "CN=Example Issuing CA,O=Example;0a1b2c"));
    } else if (fields.find("uuid")) {
      fields.note(
          pair->error("a card is named by its uuid or, when it has none, by its issuer_serial, not by both"));
    }
  } else if (const auto node = fields.require("uuid")) {
    auto text = node->string();
    const std::string uuid = text ? visible_text(*text) : "";
    if (const auto why = why_placeholder("card_uuid", uuid); !why.empty()) {
      fields.note(node->error(why));
    } else if (is_uuid(uuid)) {
      card.uuid = ascii_lower(uuid);
    } else {
      fields.note(node->error("expected a UUID like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01"));
    }
  }
  if (const auto node = fields.find("status")) {
    auto text = node->string();
    if (text && std::ranges::find(card_states, *text) != card_states.end()) {
      card.status = std::move(*text);
    } else {
      fields.note(node->error("expected active, lost, replaced or revoked"));
    }
  }
  fields.date("valid_until", card.valid_until);
  return card;
}

Form read_form(const Yaml& item, Problems& problems) {
  Form form;
  Fields fields(item, problems,
                {"kind", "role", "verified_by", "verified_on", "approved_by", "approved_on", "valid_from",
                 "valid_until", "withdrawn"});
  fields.required_text("kind", form.kind);
  fields.required_text("role", form.role);
  bool withdrawn = false;
  const bool verified = fields.text("verified_by", form.verified_by, max_id_length);
  const bool approved = fields.text("approved_by", form.approved_by, max_id_length);
  fields.date("verified_on", form.verified_on);
  fields.date("approved_on", form.approved_on);
  fields.date("valid_from", form.valid_from);
  fields.date("valid_until", form.valid_until);
  fields.flag("withdrawn", withdrawn);
  form.state = withdrawn  ? Form::State::withdrawn
               : approved ? Form::State::approved
               : verified ? Form::State::verified
                          : Form::State::submitted;
  check_span(item, problems, form.valid_from, form.valid_until, "valid_until");
  return form;
}

Declaration read_declaration(const Yaml& item, Problems& problems) {
  Declaration declaration;
  Fields fields(item, problems, {"name", "version", "signed_on", "valid_until"});
  fields.required_text("name", declaration.name);
  fields.required_text("version", declaration.version);
  fields.required_date("signed_on", declaration.signed_on);
  fields.date("valid_until", declaration.valid_until);
  return declaration;
}

Training read_training(const Yaml& item, Problems& problems) {
  Training training;
  Fields fields(item, problems, {"course", "completed_on", "valid_until"});
  fields.required_text("course", training.course);
  fields.required_date("completed_on", training.completed_on);
  fields.date("valid_until", training.valid_until);
  return training;
}

Delegation read_delegation(const Yaml& item, Problems& problems) {
  Delegation delegation;
  Fields fields(item, problems, {"from", "role", "valid_from", "valid_until"});
  fields.required_text("from", delegation.from, max_id_length);
  fields.required_text("role", delegation.role);
  fields.date("valid_from", delegation.valid_from);
  fields.date("valid_until", delegation.valid_until);
  check_span(item, problems, delegation.valid_from, delegation.valid_until, "valid_until");
  return delegation;
}

template <class T>
bool read_list(Fields& fields, std::string_view key, std::vector<T>& to, T (*read)(const Yaml&, Problems&),
               std::vector<int>* lines = nullptr) {
  std::vector<Yaml> items;
  if (!fields.list(key, items)) return false;
  for (const auto& item : items) {
    to.push_back(read(item, fields.problems()));
    if (lines != nullptr) lines->push_back(item.line());
  }
  return true;
}

bool read_identities(Fields& fields, std::vector<Identity>& to) {
  const auto node = fields.find("identities");
  if (!node) return false;
  auto map = node->map();
  if (!map) {
    fields.note(map.error());
    return true;
  }
  for (const auto& [kind, value] : map->entries()) {
    auto text = value.string();
    if (!is_identity_kind(kind)) {
      fields.note(
          value.error("expected one of: upn, email, uri, issuer_serial, fasc_n, ski, subject:FIELD (cards "
                      "stand under cards)"));
    } else if (!text) {
      fields.note(text.error());
    } else if (text->size() > 4 * max_text_length) {
      fields.note(value.error(fmt::format("expected at most {} bytes", 4 * max_text_length)));
    } else if (const auto why = why_placeholder(kind, *text); !why.empty()) {
      fields.note(value.error(why));
    } else {
      const bool exact = kind == "uri" || kind == "issuer_serial" || kind.starts_with("subject:");
      to.push_back({kind, normal_identity(kind, exact ? *text : visible_text(*text))});
    }
  }
  return true;
}

bool read_removed(Fields& fields, Person& person) {
  const auto node = fields.find("removed");
  if (!node) return false;
  if (auto flag = node->boolean(); flag && !*flag) return true;
  person.removed = true;
  if (!node->map()) {
    fields.note(node->error("expected {reason: TEXT}, or false"));
  } else {
    Fields(*node, fields.problems(), {"reason"})
        .required_text("reason", person.removed_reason, max_reason_length);
  }
  return true;
}

/// One of the two alone would prove nobody, and quietly.
bool read_enrolment(const Yaml& item, Fields& fields, ImportedPerson::Enrolment& to) {
  const bool dated = fields.clearable_date("date_of_birth", to.born);
  const auto number = fields.find("national_insurance");
  if (!dated && !number) return false;
  if (const auto wrong = check_born(to.born); !wrong.empty()) {
    fields.note(fields.find("date_of_birth")->error(wrong));
  }
  bool cleared = false;
  if (number) {
    const auto text = number->string();
    cleared = text && *text == "none";
    if (auto start = text ? ni_start_of(*text) : std::nullopt) {
      to.ni_start = *std::move(start);
    } else if (!cleared) {
      fields.note(number->error(ni_expected));
    }
  }
  if (!dated || !number || (cleared && to.born)) fields.note(item.error(enrolment_is_both));
  return true;
}

ImportedPerson read_person(const Yaml& item, Problems& problems) {
  ImportedPerson out;
  out.line = item.line();
  Person& person = out.person;
  auto& given = out.given;
  Fields fields(item, problems,
                {"id", "name", "email", "username", "unix_accounts", "line_manager", "employed_from",
                 "employed_until", "teams", "cards", "identities", "forms", "declarations", "training",
                 "delegations", "removed", "date_of_birth", "national_insurance"});
  fields.required_text("id", person.id, max_id_length);
  fields.required_text("name", person.name);
  given.name = true;
  given.email = fields.clearable_text("email", person.email);
  given.line_manager = fields.clearable_text("line_manager", person.line_manager, max_id_length);
  if (const auto node = fields.find("line_manager")) out.lines.line_manager = node->line();
  given.username = fields.clearable_text("username", person.username, max_id_length);
  person.username = normal_username(person.username);
  if (const auto node = fields.find("username")) out.lines.username = node->line();
  given.employed_from = fields.clearable_date("employed_from", person.employed_from);
  given.employed_until = fields.clearable_date("employed_until", person.employed_until);
  check_span(item, problems, person.employed_from, person.employed_until, "employed_until");
  given.unix_accounts = fields.texts("unix_accounts", person.unix_accounts);
  given.teams = fields.texts("teams", person.teams);
  given.cards = read_list(fields, "cards", person.cards, read_card, &out.lines.cards);
  given.identities = read_identities(fields, person.identities);
  given.forms = read_list(fields, "forms", person.forms, read_form, &out.lines.forms);
  given.declarations =
      read_list(fields, "declarations", person.declarations, read_declaration, &out.lines.declarations);
  given.training = read_list(fields, "training", person.training, read_training, &out.lines.training);
  given.delegations =
      read_list(fields, "delegations", person.delegations, read_delegation, &out.lines.delegations);
  given.removed = read_removed(fields, person);
  if (const auto node = fields.find("removed")) out.lines.removed = node->line();
  given.enrolment = read_enrolment(item, fields, out.enrolment);
  return out;
}

}  // namespace

Result<ParsedImport> parse_import(std::string_view text, std::string_view name) {
  const Yaml root = TRY(Yaml::parse(text, name));
  Problems problems(name);
  ParsedImport out;
  out.file.name = name;
  Fields top(root, problems, {"people"});
  if (const auto node = top.require("people")) {
    auto items = node->list();
    if (!items) {
      problems.add(items.error());
    } else if (items->size() > max_people) {
      problems.add(node->error(fmt::format("expected at most {} people", max_people)));
    } else {
      out.file.people.reserve(items->size());
      for (const auto& item : *items) out.file.people.push_back(read_person(item, problems));
    }
  }
  check_across(out.file, problems);
  out.problems = problems.take();
  out.file.complete = out.problems.empty();
  return out;
}

}  // namespace cardgate::reg
