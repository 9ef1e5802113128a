// SPDX-License-Identifier: Apache-2.0
#include "trust/authorities.hpp"

#include <algorithm>
#include <set>

#include "base/crypto.hpp"
#include "trust/intake.hpp"
#include "trust/issuer_flaws.hpp"
#include "trust/judge.hpp"
#include "trust/key.hpp"
#include "trust/lists.hpp"
#include "trust/store.hpp"

namespace cardgate::trust {

namespace {

constexpr std::size_t max_errors_named = 20;
constexpr std::size_t max_parsed_certificates = 512;

/// Fills an Impl and collects what was wrong on the way, so that one run names every bad file.
class Loader {
 public:
  void anchors(std::string_view from, const Result<std::vector<Bytes>>& blocks) {
    each(from, blocks,
         [&](BytesView der, std::string_view where) { return add_certificate(der, where, true); });
  }
  void intermediates(std::string_view from, const Result<std::vector<Bytes>>& blocks) {
    each(from, blocks,
         [&](BytesView der, std::string_view where) { return add_certificate(der, where, false); });
  }
  void crls(std::string_view from, const Result<std::vector<Bytes>>& blocks) {
    each(from, blocks, [&](BytesView der, std::string_view where) { return add_crl(der, where); });
  }
  void anchors_are_sought_in(const std::filesystem::path& place) { anchor_places_.push_back(place.string()); }
  /// Nowhere are anchors to be looked for: then it is no mistake that there are none.
  void needs_no_anchor() { anchor_needed_ = false; }
  void fail(Error error) {
    if (errors_++ == 0) {
      first_ = std::move(error);
    } else if (errors_ <= max_errors_named) {
      first_.context += "\n" + error.context;
    }
  }

  Result<std::shared_ptr<const Authorities::Impl>> finish() {
    if (errors_ > max_errors_named) {
      first_.context += "\n... and " + std::to_string(errors_ - max_errors_named) + " more";
    }
    if (errors_ > 0) return std::move(first_);
    if (impl_->anchors == 0 && anchor_needed_) {
      std::string places;
      for (const auto& place : anchor_places_) places += (places.empty() ? "" : ", ") + place;
      return Error{Errc::invalid_argument,
                   "there is no trust anchor, so nobody can sign in: " +
                       (places.empty()
                            ? std::string("no file was given")
                            : places + " holds no certificate. Put your authority's root certificate there")};
    }
    verify_crls();
    return std::shared_ptr<const Authorities::Impl>{std::move(impl_)};
  }

 private:
  template <class Add>
  void each(std::string_view from, const Result<std::vector<Bytes>>& blocks, Add add) {
    if (!blocks) return fail(blocks.error());  // names the file already
    std::size_t number = 0;
    for (const auto& block : *blocks) {
      ++number;
      std::string where{from};
      if (blocks->size() > 1) where += " (block " + std::to_string(number) + ")";
      if (Result<void> added = add(block, where); !added) fail(std::move(added).error().with(where));
    }
  }

  Result<void> add_certificate(BytesView der, std::string_view where, bool anchor) {
    X509Ptr certificate = TRY(parse_certificate(der));
    if (!seen_certificates_.insert(sha256(der)).second)
      return {};  // anchors come first, so an anchor stays one
    if (impl_->nodes.size() == max_certificates) return Error{Errc::too_large, "too many certificates"};
    Node node;
    node.from = where;
    auto from = wall_time(X509_get0_notBefore(certificate.get()));
    auto until = wall_time(X509_get0_notAfter(certificate.get()));
    if (!from || !until) return Error{Errc::certificate_malformed, "its validity has a date that is none"};
    node.not_before = *from;
    node.not_after = *until;
    node.issuer_hash = name_hash(X509_get_issuer_name(certificate.get()));
    if (anchor) {
      if (const auto flaw = anchor_flaw(certificate.get()); !flaw.empty()) {
        return Error{Errc::certificate_malformed, name_text(X509_get_subject_name(certificate.get())) +
                                                      " cannot be a trust anchor: " + flaw};
      }
      node.anchor_store.reset(X509_STORE_new());
      if (!node.anchor_store || X509_STORE_add_cert(node.anchor_store.get(), certificate.get()) != 1) {
        return Error{Errc::internal, take_openssl_error()};
      }
      install_hooks(node.anchor_store.get());
      ++impl_->anchors;
    }
    node.flaw = key_weakness(X509_get0_pubkey(certificate.get()), {});
    if (node.flaw.empty() && !anchor) node.flaw = intermediate_flaw(certificate.get());
    ERR_clear_error();
    node.certificate = std::move(certificate);
    impl_->nodes.push_back(std::move(node));
    const Node& kept = impl_->nodes.back();
    impl_->by_subject.emplace(name_hash(X509_get_subject_name(kept.certificate.get())), &kept);
    return {};
  }

  Result<void> add_crl(BytesView der, std::string_view where) {
    if (!seen_crls_.insert(sha256(der)).second) return {};
    if (seen_crls_.size() > max_crls) return Error{Errc::too_large, "too many CRLs"};
    impl_->crls.push_back(TRY(Crl::parse(Bytes(der.begin(), der.end()))));
    crl_files_.emplace_back(where);
    return {};
  }

  /// Better here, where nobody waits, than at the first sign-in: a large list takes a while to hash, once for
  /// each key that its issuer's name has.
  void verify_crls() {
    for (std::size_t i = 0; i < impl_->crls.size(); ++i) {
      const auto& crl = *impl_->crls[i];
      const auto [first, last] = impl_->by_subject.equal_range(crl.issuer_hash());
      for (auto node = first; node != last; ++node) {
        (void)crl.signed_by(X509_get0_pubkey(node->second->certificate.get()));
      }
      if (const auto why = why_passed_over(*impl_, crl); !why.empty()) {
        impl_->passed_over.push_back(crl_files_[i] + ": " + why);
      } else {
        note_times(i);
      }
    }
  }

  /// Which of the certificates of its issuer's name signed the list; each answer is remembered by the list.
  const Node* signer_of(const Crl& crl) const {
    const auto [first, last] = impl_->by_subject.equal_range(crl.issuer_hash());
    for (auto node = first; node != last; ++node) {
      if (crl.signed_by(X509_get0_pubkey(node->second->certificate.get()))) return node->second;
    }
    return nullptr;
  }

  void note_times(std::size_t which) {
    const auto& crl = *impl_->crls[which];
    const auto due = wall_time(X509_CRL_get0_nextUpdate(crl.shell()));
    const auto replaces = [&, signer = signer_of(crl)](const auto& other) {
      return other->issuer_hash() == crl.issuer_hash() && other->flaw().empty() && other->newer_than(crl) &&
             other->same_scope(crl) && signer_of(*other) == signer;
    };
    if (crl.delta() || !due || std::ranges::any_of(impl_->crls, replaces)) return;
    auto& times = impl_->list_times;
    if (times.count == 0 || crl.this_update() < times.oldest) times.oldest = crl.this_update();
    if (times.count == 0 || *due < times.first_due) {
      times.first_due = *due;
      times.first_due_file = crl_files_[which];
    }
    ++times.count;
  }

  std::shared_ptr<Authorities::Impl> impl_ = std::make_shared<Authorities::Impl>();
  std::set<Digest> seen_certificates_, seen_crls_;
  std::vector<std::string> anchor_places_;
  std::vector<std::string> crl_files_;  // where each of impl_->crls came from
  Error first_;
  std::size_t errors_ = 0;
  bool anchor_needed_ = true;
};

}  // namespace

Result<X509Ptr> Authorities::Impl::parse(BytesView der) const {
  const Digest digest = sha256(der);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = parsed_.find(digest); found != parsed_.end()) return copy(found->second.get());
  }
  X509Ptr certificate = TRY(parse_certificate(der));
  const std::lock_guard lock(mutex_);
  if (parsed_.size() >= max_parsed_certificates) parsed_.clear();
  parsed_.insert_or_assign(digest, copy(certificate.get()));
  return certificate;
}

unsigned long name_hash(const X509_NAME* name) {
  return X509_NAME_hash_ex(name, nullptr, nullptr, nullptr);
}

Result<Authorities> Authorities::load(const Locations& locations) {
  Loader loader;
  if (locations.anchors.empty()) loader.needs_no_anchor();
  for (const auto& place : locations.anchors) loader.anchors_are_sought_in(place);
  const auto read = [&](const std::vector<std::filesystem::path>& paths, BlockKind kind, auto add) {
    for (const auto& path : paths) {
      auto files = files_of(path);
      if (!files) {
        loader.fail(std::move(files).error());
        continue;
      }
      for (const auto& file : *files) (loader.*add)(file.string(), read_blocks(file, kind));
    }
  };
  read(locations.anchors, BlockKind::certificate, &Loader::anchors);
  read(locations.intermediates, BlockKind::certificate, &Loader::intermediates);
  read(locations.crls, BlockKind::crl, &Loader::crls);
  return Authorities {
    TRY(loader.finish())
  };
}

Result<Authorities> Authorities::parse(const Contents& contents) {
  Loader loader;
  const auto read = [&](std::string_view what, const std::vector<Bytes>& files, BlockKind kind, auto add) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string from = std::string{what} + " " + std::to_string(i + 1);
      auto blocks = split_blocks(files[i], kind);
      if (blocks) {
        (loader.*add)(from, blocks);
      } else {
        loader.fail(std::move(blocks).error().with(from));
      }
    }
  };
  read("anchor", contents.anchors, BlockKind::certificate, &Loader::anchors);
  read("intermediate", contents.intermediates, BlockKind::certificate, &Loader::intermediates);
  read("CRL", contents.crls, BlockKind::crl, &Loader::crls);
  return Authorities {
    TRY(loader.finish())
  };
}

std::size_t Authorities::anchor_count() const {
  return impl_->anchors;
}
std::size_t Authorities::intermediate_count() const {
  return impl_->nodes.size() - impl_->anchors;
}
std::size_t Authorities::crl_count() const {
  return impl_->crls.size();
}
const std::vector<std::string>& Authorities::passed_over() const {
  return impl_->passed_over;
}
const ListTimes& Authorities::list_times() const {
  return impl_->list_times;
}

std::vector<std::string> Authorities::useless(WallTime at) const {
  std::vector<std::string> told;
  for (const auto& node : impl_->nodes) {
    const std::string why = is_past(node.not_after, at) ? "it ended at " + to_rfc3339(node.not_after)
                            : at < node.not_before ? "it is not valid before " + to_rfc3339(node.not_before)
                                                   : node.flaw;
    if (why.empty()) continue;
    told.push_back(node.from + ": the certificate of the " + (node.is_anchor() ? "anchor " : "authority ") +
                   name_text(X509_get_subject_name(node.certificate.get())) +
                   " cannot be used, so no card below it is good: " + why +
                   ". Replace the certificate, or remove the file.");
  }
  return told;
}

}  // namespace cardgate::trust
