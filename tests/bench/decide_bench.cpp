// SPDX-License-Identifier: Apache-2.0
// Decisions by config/policy.yaml: alone, for each outcome, and with the person looked up in registers of
// 10^3, 10^5 and 1.5 * 10^6 people (--quick: not the last), by id and by card, as at a sign-in, which should cost the
// same. The registers are made under $TMPDIR by importing, as an operator would.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>

#include "base/secret.hpp"
#include "daemon/work/facts.hpp"
#include "policy/decide.hpp"
#include "policy/reader.hpp"
#include "tests/bench/big_register.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::bench;

const WallTime now = parse_rfc3339("2026-06-01T09:00:00Z").value();

const policy::Policy& house_policy() {
  static const auto policy = policy::load_policy(source_file("config/policy.yaml")).value();
  return policy;
}

policy::Facts facts_of(const reg::Person& person) {
  policy::Facts facts =
      daemon::to_facts(person, [](const std::string&) { return Error{Errc::not_found, {}}; });
  facts.card_active = !person.cards.empty() && person.cards.front().status == "active";
  if (!person.cards.empty()) facts.card_valid_until = person.cards.front().valid_until;
  return facts;
}

void decide(benchmark::State& state, const std::string& role, bool expected) {
  const auto facts = facts_of(imported(7).person);
  for (auto _ : state) {
    const auto decision = policy::decide(house_policy(), facts, {role, policy::SignIn::card}, now);
    if (decision.allowed != expected) state.SkipWithError("not what the policy says");
  }
  state.SetItemsProcessed(state.iterations());
}

/// Made once for each size, and then kept.
class Registers {
 public:
  reg::Register& of(std::size_t people) {
    auto& place = registers_[people];
    if (!place) place = make(people);
    return *place;
  }

 private:
  std::unique_ptr<reg::Register> make(std::size_t people) {
    return make_register(directory_ / fmt::format("{}.db", people), people);
  }
  testing::TempDir directory_;
  std::map<std::size_t, std::unique_ptr<reg::Register>> registers_;
};
Registers* registers = nullptr;

/// Somebody else each time, so that no cache knows them: `distinct` people drawn from all.
std::vector<std::string> drawn(std::size_t people, std::size_t distinct) {
  std::mt19937_64 random(20260601);  // the same people in each run
  std::uniform_int_distribution<std::size_t> any(0, people - 1);
  std::vector<std::string> ids(distinct);
  for (auto& id : ids) id = id_of(any(random));
  return ids;
}

void look_up_and_decide(benchmark::State& state) {
  const auto people = static_cast<std::size_t>(state.range(0));
  auto& staff = registers->of(people);
  const auto ids = drawn(people, 10'000);
  std::size_t next = 0;
  for (auto _ : state) {
    const auto person = staff.person(ids[next++ % ids.size()]);
    if (!person) {
      state.SkipWithError("somebody is not in the register");
      break;
    }
    const auto facts = facts_of(*person);
    if (!policy::decide(house_policy(), facts, {"core", policy::SignIn::card}, now).allowed)
      state.SkipWithError("not what the policy says");
  }
  state.SetItemsProcessed(state.iterations());
}

/// Card -> person -> facts -> decision: what the register adds to a sign-in.
void sign_in(benchmark::State& state) {
  const auto people = static_cast<std::size_t>(state.range(0));
  auto& staff = registers->of(people);
  std::vector<std::string> cards;
  for (const auto& id : drawn(people, 10'000)) cards.push_back(card_of(std::stoul(id)));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto holders = staff.people_by_identity("card_uuid", cards[next++ % cards.size()]);
    const auto person =
        holders && holders->size() == 1 ? staff.person(holders->front()) : Error{Errc::not_found, ""};
    if (!person) {
      state.SkipWithError("somebody's card is not in the register");
      break;
    }
    if (!policy::decide(house_policy(), facts_of(*person), {"core", policy::SignIn::card}, now).allowed)
      state.SkipWithError("not what the policy says");
  }
  state.SetItemsProcessed(state.iterations());
}

/// As cardgated does it: whoever is signed in has been looked up before.
void decide_for_known(benchmark::State& state) {
  const auto people = static_cast<std::size_t>(state.range(0));
  auto& staff = registers->of(people);
  std::vector<policy::Facts> known;
  for (const auto& id : drawn(people, 64)) known.push_back(facts_of(staff.person(id).value()));
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& facts = known[next++ % known.size()];
    if (!policy::decide(house_policy(), facts, {"core", policy::SignIn::card}, now).allowed)
      state.SkipWithError("not what the policy says");
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

int main(int argc, char** argv) {
  init_crypto();
  bool quick = false;
  const auto end = std::remove_if(argv, argv + argc, [&](const char* argument) {
    const bool ours = std::string_view(argument) == "--quick";
    quick = quick || ours;
    return ours;
  });
  argc = static_cast<int>(end - argv);
  Registers made;
  registers = &made;
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("decide/allowed/core", decide, "core", true);
  benchmark::RegisterBenchmark("decide/allowed/employee-self-service", decide, "employee-self-service", true);
  benchmark::RegisterBenchmark("decide/denied/esr-workforce-systems", decide, "esr-workforce-systems", false);
  std::vector<std::int64_t> sizes{1'000, 100'000};
  if (!quick) sizes.push_back(1'500'000);
  for (const auto size : sizes) benchmark::RegisterBenchmark("decide_for_known", decide_for_known)->Arg(size);
  for (const auto size : sizes) {
    benchmark::RegisterBenchmark("look_up_and_decide", look_up_and_decide)->Arg(size);
    benchmark::RegisterBenchmark("sign_in", sign_in)->Arg(size);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
