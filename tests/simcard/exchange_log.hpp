// SPDX-License-Identifier: Apache-2.0
// What a card was asked, in order, whoever asked: the man in the middle between card and pcscd. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/simcard/card.hpp"

namespace cardgate::simcard {

class ExchangeLog {
 public:
  /// Listens from here on, and keeps the card's other faults as they are. The log may die before the card.
  explicit ExchangeLog(Card& card);

  void clear();
  /// Commands since clear(): headers in hex, "00cb3fff".
  std::vector<std::string> commands() const;
  int all() const;
  /// Those for card authentication (the certificate and key 9E) and for the Discovery Object, GET RESPONSE
  /// included: they run before anybody types.
  int checks() const;
  /// Bytes of all commands and answers since clear(), status words included.
  std::size_t bytes() const;
  /// What is left: what a sign-in waits for.
  int counted() const { return all() - checks(); }

 private:
  struct Entry {
    std::string header;
    bool check = false;
  };
  struct State {
    std::mutex mutex;
    std::vector<Entry> entries;
    std::size_t bytes = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace cardgate::simcard
