// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/people_named.hpp"

#include <set>

#include "base/unicode.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/people_lists.hpp"

namespace cardgate::daemon {
namespace {

using Named = reg::Register::Named;

/// Sorts each name it is shown.
class Search {
 public:
  explicit Search(const NameAsk& ask) : wanted_(search_text(ask.text)) {}

  void look_at(const Named& one, bool shown) {
    ++found.read;
    const auto name = search_text(one.name);
    if (name == wanted_) {
      if (found.fit.size() <= max_choices) found.fit.push_back(one);
      if (shown) add(exact_, one);
    } else if (shown && has_words(name, wanted_)) {
      add(similar_, one);
    }
  }
  PeopleNamed close() {
    found.choices = found.fit.empty() ? std::move(similar_) : std::move(exact_);
    return std::move(found);
  }

  PeopleNamed found;

 private:
  static void add(std::vector<Named>& to, const Named& one) {
    if (to.size() < max_choices) to.push_back(one);
  }
  std::string wanted_;
  std::vector<Named> exact_, similar_;
};

Result<std::set<std::string>> shown_to(reg::Register& staff, const NameAsk& ask) {
  const auto answered_for = TRY(staff_of(staff, ask.managers));
  std::set<std::string> ids(answered_for.begin(), answered_for.end());
  if (!ask.me.empty()) ids.insert(ask.me);
  return ids;
}

}  // namespace

Result<PeopleNamed> people_named(reg::Register& staff, const NameAsk& ask, const std::atomic<bool>& stop) {
  Search search(ask);
  if (search_text(ask.text).empty()) return PeopleNamed();
  const auto shown = TRY(shown_to(staff, ask));
  if (!ask.sees_all && !ask.anybody) {
    for (const auto& id : shown) {
      if (stop) return Errc::cancelled;
      auto name = staff.name_of(id);
      if (!name && name.error().code == Errc::not_found) continue;  // gone since the list was read
      if (!name) return name.error();
      search.look_at({id, *std::move(name)}, true);
    }
    return search.close();
  }
  for (std::string last;;) {
    if (stop) return Errc::cancelled;
    const auto page = TRY(staff.names_after(last, register_page));
    if (page.empty()) return search.close();
    for (const auto& one : page) search.look_at(one, ask.sees_all || shown.contains(one.id));
    last = page.back().id;
  }
}

}  // namespace cardgate::daemon
