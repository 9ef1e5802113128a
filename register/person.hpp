// SPDX-License-Identifier: Apache-2.0
// A person as the staff register holds them. Plain data. Dates are days in UTC; an "until" day is the last
// that counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::reg {

struct Card {
  std::string uuid;               // lower case, with hyphens
  std::string status = "active";  // active, lost, replaced, revoked
  std::optional<Date> valid_until;
  friend bool operator==(const Card&, const Card&) = default;
};

/// Something a certificate may say about its holder: kind is upn, email, uri, issuer_serial, fasc_n, ski or
/// subject:FIELD. upn and email are kept in lower case.
struct Identity {
  std::string kind, value;
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct Form {
  std::string kind, role;
  bool verified = false, approved = false, withdrawn = false;
  std::string verified_by, approved_by;
  std::optional<Date> verified_on, approved_on, valid_from, valid_until;
  friend bool operator==(const Form&, const Form&) = default;
};

struct Declaration {
  std::string name, version;
  Date signed_on;
  std::optional<Date> valid_until;
  friend bool operator==(const Declaration&, const Declaration&) = default;
};

struct Training {
  std::string course;
  Date completed_on;
  std::optional<Date> valid_until;
  friend bool operator==(const Training&, const Training&) = default;
};

struct Delegation {
  std::string from, role;
  std::optional<Date> valid_from, valid_until;
  bool revoked = false;
  friend bool operator==(const Delegation&, const Delegation&) = default;
};

struct Person {
  std::string id, name, email, line_manager;  // line_manager: an id, or empty
  std::optional<Date> employed_from, employed_until;
  bool removed = false;
  std::string removed_reason;
  std::vector<std::string> unix_accounts, teams;
  std::vector<Card> cards;
  std::vector<Identity> identities;
  std::vector<Form> forms;
  std::vector<Declaration> declarations;
  std::vector<Training> training;
  std::vector<Delegation> delegations;
  bool is_line_manager = false;  // computed: somebody's line_manager is this person
  friend bool operator==(const Person&, const Person&) = default;
};

}  // namespace cardgate::reg
