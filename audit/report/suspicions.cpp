// SPDX-License-Identifier: Apache-2.0
#include "audit/report/suspicions.hpp"

#include <algorithm>
#include <stdexcept>

namespace cardgate::audit::report {
namespace {

constexpr SuspicionKind table_of_kinds[] = {
    {"card_in_two_places", "One card in two places",
     "A card is one thing. When it is used in two places at once, one of the two is a copy, or a record is "
     "wrong.",
     "Keep the card, and ask the holder where it was. Have the certificate revoked when a copy is possible."},
    {"account_in_two_places", "One account in two places",
     "Somebody else may know the person's password, or use a session that they left open.",
     "Ask the person whether both sign-ins were theirs. When not: a new password, at the help desk."},
    {"used_on_leave", "Used while on leave",
     "A person on leave does not work here. Somebody else may have the card or the password.",
     "Ask the line manager whether the leave on record is right, then the person."},
    {"used_after_leaving", "Used after leaving",
     "Who has left must have no access. A last day that is entered late leaves it open.",
     "Ask why the last day came late. Look at what was opened: cardgate audit show --story with the "
     "session."},
    {"removed_card_used", "Used after access was removed",
     "Access was taken away for a reason. Somebody tried it all the same.",
     "Tell the person who asked for the removal. Collect the card."},
    {"unusual_hours", "Far from the person's usual hours",
     "A stolen card or password is often used when its owner is not there.",
     "Ask the line manager whether the person worked then. Many people change their hours: this alone shows "
     "nothing."},
    {"looked_outside_team", "Looked at people outside the own team",
     "Records are opened because work needs it. Looking out of curiosity is misuse.",
     "Ask the person what the looks were for. Ask the line manager whether that was their work."},
    {"refusals_then_success", "Many refusals, then a success",
     "So it looks when somebody guesses until it is right, or spies out a passcode.",
     "Ask the person whether it was they who mistyped. When not: a new passcode or password at once."},
    {"left_signed_in", "A workstation left signed in",
     "A person who passes can use the machine, or the card that is in it.",
     "Remind the person to take the card. Ask whether the machine can be used while it is locked."},
    {"card_before_approval", "A card registered shortly before an approval with it",
     "Who can register a card for somebody else can approve in their name, alone.",
     "Ask the holder whether they have this card and made this approval themselves."},
};

}  // namespace

std::span<const SuspicionKind> suspicion_kinds() {
  return table_of_kinds;
}

void Suspicions::add(Open one, seconds together) {
  const auto kinds = suspicion_kinds();
  const auto kind = std::ranges::find(kinds, one.kind, &SuspicionKind::code);
  if (kind == kinds.end()) throw std::logic_error("no kind of misuse is called " + std::string(one.kind));
  auto& known = kinds_.at(static_cast<std::size_t>(kind - kinds.begin()));
  const auto last = known.last.find(one.person);
  if (last != known.last.end() && one.at - last->second.second < together) {
    auto& finding = known.findings.at(last->second.first);
    last->second.second = one.at;
    if (one.sure > finding.sure) {
      finding.sure = one.sure;
      finding.how_sure = std::move(one.how_sure);
      finding.what = std::move(one.what);
    }
    for (const auto record : one.records) {
      if (std::ranges::find(finding.records, record) != finding.records.end()) continue;
      if (finding.records.size() < max_records) {
        finding.records.push_back(record);
      } else {
        ++finding.more_records;
      }
    }
    return;
  }
  if (known.findings.size() >= max_findings) {
    ++known.more;
    return;
  }
  known.last.insert_or_assign(std::string(one.person), std::pair(known.findings.size(), one.at));
  std::ranges::sort(one.records);
  Finding finding{
      std::string(one.kind),  std::string(one.person), one.at, std::move(one.what), {}, 0, one.sure,
      std::move(one.how_sure)};
  const auto shown = std::min(one.records.size(), max_records);
  finding.records.assign(one.records.begin(), one.records.begin() + static_cast<std::ptrdiff_t>(shown));
  finding.more_records = one.records.size() - shown;
  known.findings.push_back(std::move(finding));
}

std::uint64_t Suspicions::total() const {
  std::uint64_t out = 0;
  for (const auto& each : kinds_) out += each.findings.size() + each.more;
  return out;
}

std::uint64_t Suspicions::total(Sureness sure) const {
  std::uint64_t out = 0;
  for (const auto& each : kinds_)
    out += static_cast<std::uint64_t>(std::ranges::count(each.findings, sure, &Finding::sure));
  return out;
}

std::vector<Section> Suspicions::sections() const {
  std::vector<Section> out;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const auto& kind = suspicion_kinds()[i];
    Section section{std::string(kind.title), std::string(kind.why), std::string(kind.next)};
    section.findings = kinds_.at(i).findings;
    std::ranges::stable_sort(section.findings, std::ranges::greater{}, &Finding::sure);
    section.more_findings = kinds_.at(i).more;
    if (section.findings.empty()) section.text.emplace_back("Nothing was found.");
    out.push_back(std::move(section));
  }
  return out;
}

}  // namespace cardgate::audit::report
