// SPDX-License-Identifier: Apache-2.0
#include "policy/table_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/strict_yaml.hpp"

namespace cardgate::policy {
namespace {

constexpr std::size_t max_table_bytes = 4 << 20;

Result<void> read_text(YamlMap& map, std::string_view key, std::string& to) {
  if (const auto node = map.optional(key)) to = TRY(node->string());
  return {};
}
Result<void> read_date(YamlMap& map, std::string_view key, std::optional<Date>& to) {
  if (const auto node = map.optional(key)) to = TRY(node->date());
  return {};
}
Result<void> read_span(YamlMap& map, std::optional<Date>& from, std::optional<Date>& until) {
  TRY(read_date(map, "valid_from", from));
  TRY(read_date(map, "valid_until", until));
  return {};
}
Result<void> read_flag(YamlMap& map, std::string_view key, bool& to) {
  if (const auto node = map.optional(key)) to = TRY(node->boolean());
  return {};
}

Result<void> read_state(const Yaml& node, Form& form) {
  const std::string state = TRY(node.string());
  static constexpr std::array<std::string_view, 5> states{"submitted", "verified", "approved", "rejected",
                                                          "withdrawn"};
  if (std::ranges::find(states, state) == states.end()) {
    return node.error(fmt::format("unknown state '{}'; expected one of: {}", state, fmt::join(states, ", ")));
  }
  form.verified = state != "submitted" && state != "rejected";
  form.approved = state == "approved" || state == "withdrawn";
  form.rejected = state == "rejected";
  form.withdrawn = state == "withdrawn";
  return {};
}

/// Approved, by two others, unless something else is said.
Result<std::vector<Form>> read_form(const Yaml& node) {
  YamlMap map = TRY(node.map());
  Form form;
  form.kind = TRY(TRY(map.required("kind")).string());
  form.verified = form.approved = true;
  if (const auto state = map.optional("state")) TRY(read_state(*state, form));
  std::string verifier = "somebody who verifies";
  std::string approver = "somebody who approves";
  TRY(read_text(map, "verified_by", verifier));
  TRY(read_text(map, "approved_by", approver));
  if (form.verified) form.verified_by = verifier;
  if (form.approved) form.approved_by = approver;
  TRY(read_date(map, "verified_on", form.verified_on));
  TRY(read_date(map, "approved_on", form.approved_on));
  TRY(read_span(map, form.valid_from, form.valid_until));
  std::vector<Form> forms;
  for (const auto& role : TRY(TRY(map.required("roles")).strings())) {
    form.role = role;
    forms.push_back(form);
  }
  TRY(map.finish());
  return forms;
}

Result<Declaration> read_declaration(const Yaml& node) {
  YamlMap map = TRY(node.map());
  Declaration out;
  out.name = TRY(TRY(map.required("name")).string());
  TRY(read_text(map, "version", out.version));
  out.signed_on = TRY(TRY(map.required("signed_on")).date());
  TRY(read_date(map, "valid_until", out.valid_until));
  TRY(read_text(map, "text_hash", out.text_hash));
  TRY(map.finish());
  return out;
}

Result<Training> read_training(const Yaml& node) {
  YamlMap map = TRY(node.map());
  Training out;
  out.course = TRY(TRY(map.required("course")).string());
  out.completed_on = TRY(TRY(map.required("completed_on")).date());
  TRY(read_date(map, "valid_until", out.valid_until));
  TRY(map.finish());
  return out;
}

Result<Delegation> read_delegation(const Yaml& node) {
  YamlMap map = TRY(node.map());
  Delegation out;
  out.from = TRY(TRY(map.required("from")).string());
  out.role = TRY(TRY(map.required("role")).string());
  TRY(read_span(map, out.valid_from, out.valid_until));
  TRY(read_flag(map, "revoked", out.revoked));
  TRY(map.finish());
  return out;
}

Result<Acting> read_acting(const Yaml& node) {
  YamlMap map = TRY(node.map());
  Acting out;
  out.manager = TRY(TRY(map.required("manager")).string());
  TRY(read_span(map, out.valid_from, out.valid_until));
  TRY(map.finish());
  return out;
}

template <class T>
Result<void> read_list(YamlMap& map, std::string_view key, std::vector<T>& to,
                       Result<T> (*read)(const Yaml&)) {
  const auto node = map.optional(key);
  if (!node) return {};
  to.clear();
  for (const auto& item : TRY(node->list())) to.push_back(TRY(read(item)));
  return {};
}

/// `active`, `none`, or when an active one ends.
Result<void> read_card(const Yaml& node, Facts& facts) {
  facts.card_active = true;
  facts.card_valid_until.reset();
  if (auto map = node.map()) {
    TRY(read_date(*map, "valid_until", facts.card_valid_until));
    return map->finish();
  }
  const auto text = node.string();
  if (!text || (*text != "active" && *text != "none")) {
    return node.error("expected active, none or {valid_until: DATE}");
  }
  facts.card_active = *text == "active";
  return {};
}

Result<void> read_leave(const Yaml& node, Facts& facts) {
  YamlMap map = TRY(node.map());
  facts.leave_from = TRY(TRY(map.required("from")).date());
  facts.leave_until.reset();
  TRY(read_date(map, "until", facts.leave_until));
  return map.finish();
}

Result<Facts> read_person(const std::string& name, const Yaml& node,
                          const std::map<std::string, Facts>& known) {
  YamlMap map = TRY(node.map());
  Facts facts;
  if (const auto like = map.optional("like")) {
    const std::string other = TRY(like->string());
    const auto found = known.find(other);
    if (found == known.end()) return like->error(fmt::format("no person above is called '{}'", other));
    facts = found->second;
  }
  facts.person = name;
  TRY(read_date(map, "employed_from", facts.employed_from));
  TRY(read_date(map, "employed_until", facts.employed_until));
  if (const auto leave = map.optional("leave")) TRY(read_leave(*leave, facts));
  TRY(read_flag(map, "removed", facts.removed));
  if (const auto card = map.optional("card")) TRY(read_card(*card, facts));
  TRY(read_text(map, "line_manager", facts.line_manager));
  if (const auto staff = map.optional("line_manager_of")) facts.is_line_manager = !TRY(staff->strings())
  .empty();
  if (const auto teams = map.optional("teams")) facts.teams = TRY(teams->strings());
  if (const auto forms = map.optional("forms")) {
    facts.forms.clear();
    for (const auto& item : TRY(forms->list())) {
      for (auto& form : TRY(read_form(item))) facts.forms.push_back(std::move(form));
    }
  }
  TRY(read_list(map, "declarations", facts.declarations, read_declaration));
  TRY(read_list(map, "training", facts.training, read_training));
  TRY(read_list(map, "delegations", facts.delegations, read_delegation));
  TRY(read_list(map, "acting", facts.acting, read_acting));
  TRY(map.finish());
  return facts;
}

/// A mistyped code would otherwise be a case that can never come true.
Result<std::vector<std::string>> read_codes(const Yaml& node) {
  std::vector<std::string> known{"sign-in", "role"};
  for (auto kind = Kind::not_removed; kind <= Kind::training; kind = Kind(static_cast<int>(kind) + 1)) {
    known.emplace_back(name(kind));
  }
  std::vector<std::string> out;
  for (const auto& item : TRY(node.list())) {
    std::string code = TRY(item.string());
    if (std::ranges::find(known, code) == known.end()) {
      return item.error(
          fmt::format("unknown prerequisite '{}'; expected one of: {}", code, fmt::join(known, ", ")));
    }
    out.push_back(std::move(code));
  }
  std::ranges::sort(out);
  return out;
}

Result<WallTime> read_time(const Yaml& node) {
  if (const auto day = node.date()) return start_of(*day);
  if (const auto text = node.string()) {
    if (const auto time = parse_rfc3339(*text)) return *time;
  }
  return node.error("expected a date like 2026-01-31, or a time like 2026-01-31T09:30:00Z");
}

template <class T>
Result<T> read_word(const Yaml& node, std::string_view first, T one, std::string_view second, T other) {
  const std::string text = TRY(node.string());
  if (text == first) return one;
  if (text == second) return other;
  return node.error(fmt::format("expected {} or {}", first, second));
}

Result<TableCase> read_case(const Yaml& node, const Table& table, WallTime today) {
  YamlMap map = TRY(node.map());
  TableCase out;
  out.line = node.line();
  const Yaml person = TRY(map.required("person"));
  out.person = TRY(person.string());
  if (!table.people.contains(out.person))
    return person.error(fmt::format("there is no person called '{}'", out.person));
  out.role = TRY(TRY(map.required("role")).string());
  if (const auto way = map.optional("sign_in")) {
    out.sign_in = TRY(read_word(*way, "card", SignIn::card, "password", SignIn::password));
  }
  out.at = today;
  if (const auto at = map.optional("at")) out.at = TRY(read_time(*at));
  out.allowed = TRY(read_word(TRY(map.required("expect")), "allowed", true, "denied", false));
  if (const auto unmet = map.optional("unmet")) {
    if (out.allowed) return unmet->error("a person who is allowed lacks nothing");
    out.unmet = TRY(read_codes(*unmet));
  }
  if (const auto warnings = map.optional("warnings")) out.warnings = TRY(read_codes(*warnings));
  if (const auto records = map.optional("records")) {
    if (!out.allowed) return records->error("a person who is denied opens no records");
    out.records = TRY(records->string());
  }
  TRY(map.finish());
  return out;
}

Result<Table> read_table(const Yaml& root) {
  YamlMap map = TRY(root.map());
  Table table;
  if (const auto policy = map.optional("policy")) table.policy = TRY(policy->string());
  const WallTime today = TRY(read_time(TRY(map.required("today"))));
  const Yaml people = TRY(map.required("people"));
  YamlMap named = TRY(people.map());
  for (const auto& [name, node] : named.entries()) {
    table.people[name] = TRY(read_person(name, node, table.people));
  }
  const Yaml cases = TRY(map.required("cases"));
  for (const auto& item : TRY(cases.list())) table.cases.push_back(TRY(read_case(item, table, today)));
  if (table.cases.empty()) return cases.error("expected at least one case");
  TRY(map.finish());
  return table;
}

std::vector<std::string> codes(const std::vector<Unmet>& list) {
  std::vector<std::string> out;
  for (const auto& item : list) out.push_back(item.prerequisite);
  std::ranges::sort(out);
  return out;
}

std::string words(const std::vector<std::string>& list) {
  return list.empty() ? "nothing" : fmt::format("{}", fmt::join(list, ", "));
}

TableOutcome run_case(const Policy& policy, const TableCase& row, const Facts& facts) {
  TableOutcome out;
  out.decision = decide(policy, facts, {row.role, row.sign_in}, row.at);
  const auto& got = out.decision;
  const auto differs = [&](std::string text) { out.differences.push_back(std::move(text)); };
  // A role that was renamed would otherwise be denied for ever, as expected.
  if (policy.role(row.role) == nullptr && row.unmet != std::vector<std::string>{"role"})
    differs(fmt::format("the policy has no role '{}'", row.role));
  if (got.allowed != row.allowed) {
    differs(got.allowed ? std::string("expected denied, is allowed")
                        : fmt::format("expected allowed, is denied for: {}", words(codes(got.unmet))));
  }
  if (row.unmet && !got.allowed && codes(got.unmet) != *row.unmet) {
    differs(fmt::format("expected to lack {}, lacks {}", words(*row.unmet), words(codes(got.unmet))));
  }
  if (row.warnings && codes(got.warnings) != *row.warnings) {
    differs(fmt::format("expected warnings for {}, got them for {}", words(*row.warnings),
                        words(codes(got.warnings))));
  }
  if (row.records && got.allowed && got.records != *row.records) {
    differs(fmt::format("expected the records '{}', opens '{}'", *row.records, got.records));
  }
  return out;
}

}  // namespace

Result<Table> parse_table(std::string_view text, std::string_view name) {
  return read_table(TRY(Yaml::parse(text, name)));
}

Result<Table> load_table(const std::filesystem::path& path) {
  auto table = TRY(parse_table(TRY(read_file(path, max_table_bytes)), path.string()));
  if (!table.policy.empty()) table.policy = path.parent_path() / table.policy;
  return table;
}

std::vector<TableOutcome> run_table(const Policy& policy, const Table& table) {
  std::vector<TableOutcome> out;
  for (const auto& row : table.cases) out.push_back(run_case(policy, row, table.people.at(row.person)));
  return out;
}

}  // namespace cardgate::policy
