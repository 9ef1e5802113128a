// SPDX-License-Identifier: Apache-2.0
#include "trust/paths.hpp"

#include <algorithm>

#include "trust/validate.hpp"

namespace cardgate::trust {

namespace {

/// Bounds the work in a web of cross-certificates, whatever it looks like.
constexpr int max_steps = 2000;

class Searcher {
 public:
  Searcher(const Authorities::Impl& authorities, X509* leaf, WallTime at)
      : authorities_(authorities), leaf_(leaf), at_(at) {}

  Search run() {
    climb(leaf_, name_hash(X509_get_issuer_name(leaf_)));
    return std::move(search_);
  }

 private:
  struct Candidate {
    const Node* node;
    bool may_sign;  // its key usage allows signing certificates
    bool current;   // valid at `at_`
  };

  std::vector<Candidate> candidates(X509* certificate, unsigned long issuer_hash, bool& other_key) const {
    std::vector<Candidate> found;
    const auto [first, last] = authorities_.by_subject.equal_range(issuer_hash);
    for (auto i = first; i != last; ++i) {
      const Node* node = i->second;
      const int relation = X509_check_issued(node->certificate.get(), certificate);
      if (relation == X509_V_ERR_SUBJECT_ISSUER_MISMATCH) continue;  // only the hashes are equal
      if (relation != X509_V_OK && relation != X509_V_ERR_KEYUSAGE_NO_CERTSIGN) {
        other_key = true;
        continue;
      }
      if (already_used(node)) continue;
      const bool current = node->not_before <= at_ && !is_past(node->not_after, at_);
      found.push_back({node, relation == X509_V_OK, current});
    }
    std::ranges::stable_sort(found, [](const Candidate& a, const Candidate& b) {
      const auto rank = [](const Candidate& c) {
        return std::tuple{!c.may_sign, !c.current, !c.node->is_anchor(),
                          -c.node->not_after.time_since_epoch()};
      };
      return rank(a) < rank(b);
    });
    return found;
  }

  bool already_used(const Node* node) const {
    return std::ranges::find(way_, node) != way_.end() || X509_cmp(node->certificate.get(), leaf_) == 0;
  }

  void climb(X509* certificate, unsigned long issuer_hash) {
    if (++steps_ > max_steps || search_.paths.size() >= static_cast<std::size_t>(max_paths)) return;
    bool other_key = false;
    const bool too_long = way_.size() + 2 > static_cast<std::size_t>(max_path_length);
    const auto found = candidates(certificate, issuer_hash, other_key);
    if (found.empty() || too_long) return dead_end(certificate, other_key, too_long);
    for (const auto& candidate : found) {
      way_.push_back(candidate.node);
      if (candidate.node->is_anchor()) {
        if (search_.paths.size() < static_cast<std::size_t>(max_paths)) search_.paths.push_back({way_});
      } else {
        climb(candidate.node->certificate.get(), candidate.node->issuer_hash);
      }
      way_.pop_back();
    }
  }

  void dead_end(X509* certificate, bool other_key, bool too_long) {
    if (search_.dead_end.last != nullptr && way_.size() <= search_.dead_end.issuers.size()) return;
    const bool self_signed =
        X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
    search_.dead_end = {way_, certificate, self_signed, other_key, too_long};
  }

  const Authorities::Impl& authorities_;
  X509* leaf_;
  WallTime at_;
  std::vector<const Node*> way_;
  Search search_;
  int steps_ = 0;
};

}  // namespace

Search find_paths(const Authorities::Impl& authorities, X509* leaf, WallTime at) {
  return Searcher{authorities, leaf, at}.run();
}

}  // namespace cardgate::trust
