// SPDX-License-Identifier: Apache-2.0
// Owners of winscard's handles, and the one place that asks for a reader's state. Inside the room only. A
// ScardContext and all that came from it belong to one thread at a time. Every call may wait for pcscd
// without bound: see line.hpp.
#pragma once

#include <winscard.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "pcsc/reader_table.hpp"

namespace cardgate::pcsc {

/// A PC/SC context, released with the object.
class ScardContext {
 public:
  /// Errors: pcsc_no_service, pcsc_access_denied, pcsc_transport.
  static Result<ScardContext> establish();
  ~ScardContext();
  ScardContext(ScardContext&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  ScardContext& operator=(ScardContext&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ScardContext(const ScardContext&) = delete;
  ScardContext& operator=(const ScardContext&) = delete;

  SCARDCONTEXT get() const { return handle_; }
  /// The names as PC/SC has them, in whatever bytes; outside this room readers go by shown_text() of them. No reader is an empty
  /// list. Errors: as winscard_error.
  Result<std::vector<std::string>> readers() const;

 private:
  explicit ScardContext(SCARDCONTEXT handle) : handle_(handle) {}
  SCARDCONTEXT handle_;
};

/// PC/SC's own name of the reader that is shown as `shown`. Errors: pcsc_no_reader (none, or two that cannot be told apart); as
/// winscard_error.
Result<std::string> raw_name(const ScardContext& context, const std::string& shown);

/// What pcscd says of a reader.
ReaderState to_reader_state(const SCARD_READERSTATE& raw);

/// At once. Errors: as winscard_error.
Result<ReaderState> look_at(const ScardContext& context, const std::string& reader);

/// A card taken for oneself: context, shared connection, transaction. Ends with a reset, whatever happens.
class Connection {
 public:
  /// Takes the card and resets it; blocks for as long as another program holds it (pcsc-lite knows no
  /// timeout), but looks at `given_up` whenever it can. `on_taken` is called when the card is ours and only
  /// the reset is left. Errors: as winscard_error; pcsc_card_removed when the reader's counter is not
  /// `counter`.
  static Result<std::unique_ptr<Connection>> take(const std::string& reader, std::uint16_t counter,
                                                  const std::function<bool()>& given_up,
                                                  const std::function<void()>& on_taken);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Errors: as winscard_error; an answer without a status word is a card that is gone (pcsc_card_removed) or mute.
  Result<Bytes> transmit(BytesView command);
  bool t0() const { return protocol_ == SCARD_PROTOCOL_T0; }
  /// Idempotent.
  Result<void> end();

 private:
  Connection(ScardContext context, std::string reader, std::uint16_t counter, SCARDHANDLE card,
             DWORD protocol);
  Error explain_silence(LONG status) const;

  ScardContext context_;
  std::string reader_;
  std::uint16_t counter_;
  SCARDHANDLE card_;
  DWORD protocol_;
  bool in_transaction_ = false;
  bool open_ = true;
  Bytes answer_;
};

}  // namespace cardgate::pcsc
