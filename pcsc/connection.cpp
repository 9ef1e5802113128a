// SPDX-License-Identifier: Apache-2.0
#include "pcsc/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/shown.hpp"
#include "pcsc/winscard_error.hpp"

namespace cardgate::pcsc {
namespace {

constexpr DWORD any_protocol = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1;
constexpr std::size_t max_answer = 65536 + 2;
constexpr DWORD removal_notice_ms = 1200;  // pcscd looks at a card every 400 ms
constexpr std::size_t status_word = 2;
constexpr std::chrono::milliseconds retry_pause{50};
constexpr int max_resets_by_others = 20;

/// pcsc-lite says "no service" for a socket that the user may not open, too: the cure is another.
bool socket_is_forbidden() {
  const char* path = std::getenv("PCSCLITE_CSOCK_NAME");
  return access(path != nullptr ? path : "/run/pcscd/pcscd.comm", W_OK) != 0 && errno == EACCES;
}

}  // namespace

Result<ScardContext> ScardContext::establish() {
  SCARDCONTEXT handle = 0;
  LONG status = SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &handle);
  if (status == SCARD_E_NO_SERVICE && socket_is_forbidden()) status = SCARD_E_NO_ACCESS;
  if (status != SCARD_S_SUCCESS) return winscard_error(status, "connecting to pcscd");
  return ScardContext(handle);
}

ScardContext::~ScardContext() {
  if (handle_ != 0) SCardReleaseContext(handle_);
}

Result<std::vector<std::string>> ScardContext::readers() const {
  Bytes names;
  LONG status = SCARD_E_INSUFFICIENT_BUFFER;
  while (status == SCARD_E_INSUFFICIENT_BUFFER) {  // a reader may come between the two calls
    DWORD size = 0;
    status = SCardListReaders(handle_, nullptr, nullptr, &size);
    if (status != SCARD_S_SUCCESS) break;
    names.assign(size, 0);
    status = SCardListReaders(handle_, nullptr, reinterpret_cast<char*>(names.data()), &size);
  }
  if (status == SCARD_E_NO_READERS_AVAILABLE) return std::vector<std::string>{};
  if (status != SCARD_S_SUCCESS) return winscard_error(status, "listing the readers");
  std::vector<std::string> readers;
  for (auto at = names.begin(); at != names.end() && *at != 0;) {
    const auto end = std::find(at, names.end(), std::uint8_t{0});
    readers.emplace_back(at, end);
    at = end == names.end() ? end : end + 1;
  }
  return readers;
}

Result<std::string> raw_name(const ScardContext& context, const std::string& shown) {
  // What was escaped holds a backslash.
  if (shown.find('\\') == std::string::npos) return shown;
  std::vector<std::string> names = TRY(context.readers());
  std::erase_if(names, [&](const std::string& name) { return shown_text(name) != shown; });
  if (names.empty()) return winscard_error(SCARD_E_UNKNOWN_READER, "looking for the reader");
  if (names.size() > 1)
    return Error{Errc::pcsc_no_reader, "two readers have the same name: unplug one of them"};
  return std::move(names.front());
}

ReaderState to_reader_state(const SCARD_READERSTATE& raw) {
  ReaderState state;
  state.available = (raw.dwEventState & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE)) == 0;
  state.present = state.available && (raw.dwEventState & SCARD_STATE_PRESENT) != 0;
  state.counter = static_cast<std::uint16_t>(raw.dwEventState >> 16);
  if (state.present) {
    state.atr.assign(raw.rgbAtr, raw.rgbAtr + std::min<DWORD>(raw.cbAtr, sizeof raw.rgbAtr));
    state.mute = (raw.dwEventState & SCARD_STATE_MUTE) != 0 || state.atr.empty();
    if (state.mute) state.atr.clear();
  }
  return state;
}

Result<ReaderState> look_at(const ScardContext& context, const std::string& reader) {
  SCARD_READERSTATE raw{};
  raw.szReader = reader.c_str();
  raw.dwCurrentState = SCARD_STATE_UNAWARE;
  const LONG status = SCardGetStatusChange(context.get(), 0, &raw, 1);
  // After the time of 0 the state has been filled in all the same.
  if (status != SCARD_S_SUCCESS && status != SCARD_E_TIMEOUT)
    return winscard_error(status, "looking at the reader");
  return to_reader_state(raw);
}

Connection::Connection(ScardContext context, std::string reader, std::uint16_t counter, SCARDHANDLE card,
                       DWORD protocol)
    : context_(std::move(context)),
      reader_(std::move(reader)),
      counter_(counter),
      card_(card),
      protocol_(protocol) {}

// Why no other program can have left the card unlocked, and none can slip in: the transaction is taken first,
// the reset comes under its lock (pcscd keeps the lock across SCardReconnect), and only then is the first
// command sent. The counter is compared under the lock as well, so the card is the one that was connected.
Result<std::unique_ptr<Connection>> Connection::take(const std::string& reader, std::uint16_t counter,
                                                     const std::function<bool()>& given_up,
                                                     const std::function<void()>& on_taken) {
  constexpr std::string_view doing = "taking the card";
  ScardContext context = TRY(ScardContext::establish());
  SCARDHANDLE card = 0;
  DWORD protocol = 0;
  LONG status;
  for (;;) {
    status = SCardConnect(context.get(), reader.c_str(), SCARD_SHARE_SHARED, any_protocol, &card, &protocol);
    if (status != SCARD_E_SHARING_VIOLATION || given_up())
      break;  // another program connected for itself alone
    std::this_thread::sleep_for(retry_pause);
  }
  if (status == SCARD_E_NO_SMARTCARD) status = SCARD_W_REMOVED_CARD;
  if (status != SCARD_S_SUCCESS) return winscard_error(status, doing);
  std::unique_ptr<Connection> taken(new Connection(std::move(context), reader, counter, card, protocol));

  for (int resets = 0;; ++resets) {
    status = SCardBeginTransaction(card);
    // Another program's transaction ended with a reset since we connected: acknowledge it, and queue again.
    if (status != SCARD_W_RESET_CARD || resets == max_resets_by_others || given_up()) break;
    status = SCardReconnect(card, SCARD_SHARE_SHARED, any_protocol, SCARD_LEAVE_CARD, &taken->protocol_);
    if (status != SCARD_S_SUCCESS && status != SCARD_W_RESET_CARD) break;
  }
  if (status != SCARD_S_SUCCESS) return winscard_error(status, doing);
  taken->in_transaction_ = true;
  on_taken();

  status = SCardReconnect(card, SCARD_SHARE_SHARED, any_protocol, SCARD_RESET_CARD, &taken->protocol_);
  if (status == SCARD_E_NO_SMARTCARD) status = SCARD_W_REMOVED_CARD;
  if (status != SCARD_S_SUCCESS) return winscard_error(status, "resetting the card");

  const ReaderState now = TRY(look_at(taken->context_, reader));
  if (!now.present || now.counter != counter) return winscard_error(SCARD_W_REMOVED_CARD, doing);
  taken->answer_.resize(max_answer);
  return taken;
}

Connection::~Connection() {
  static_cast<void>(end());
}

Result<Bytes> Connection::transmit(BytesView command) {
  if (!open_) return Error{Errc::invalid_argument, "the transaction has ended"};
  SCARD_IO_REQUEST received{protocol_, sizeof(SCARD_IO_REQUEST)};
  DWORD size = static_cast<DWORD>(answer_.size());
  const LONG status =
      SCardTransmit(card_, protocol_ == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0, command.data(),
                    static_cast<DWORD>(command.size()), &received, answer_.data(), &size);
  if (status != SCARD_S_SUCCESS) return explain_silence(status);
  // Some drivers call it a success when the card was pulled in the middle of a command.
  if (size < status_word) return explain_silence(SCARD_E_NOT_TRANSACTED);
  return Bytes(answer_.begin(), answer_.begin() + static_cast<std::ptrdiff_t>(size));
}

// A driver reports a card pulled in the middle of a command, and one that stays silent, with the same word:
// only pcscd's next look at the reader tells them apart, and a person needs to be told the right one.
Error Connection::explain_silence(LONG status) const {
  constexpr std::string_view doing = "talking to the card";
  if (status == SCARD_E_NO_SMARTCARD) return winscard_error(SCARD_W_REMOVED_CARD, doing);
  if (status != SCARD_E_NOT_TRANSACTED) return winscard_error(status, doing);
  SCARD_READERSTATE raw{};
  raw.szReader = reader_.c_str();
  raw.dwCurrentState = SCARD_STATE_PRESENT | (static_cast<DWORD>(counter_) << 16);
  const LONG looked = SCardGetStatusChange(context_.get(), removal_notice_ms, &raw, 1);
  if (looked != SCARD_S_SUCCESS && looked != SCARD_E_TIMEOUT) return winscard_error(looked, doing);
  const ReaderState now = to_reader_state(raw);
  if (!now.available) return winscard_error(SCARD_E_READER_UNAVAILABLE, doing);
  const bool removed = !now.present || now.counter != counter_;
  return winscard_error(removed ? SCARD_W_REMOVED_CARD : SCARD_W_UNRESPONSIVE_CARD, doing);
}

Result<void> Connection::end() {
  if (!std::exchange(open_, false)) return {};
  wipe(answer_.data(), answer_.size());
  const LONG ended = in_transaction_ ? SCardEndTransaction(card_, SCARD_RESET_CARD) : SCARD_S_SUCCESS;
  // A card that is gone has lost its state by itself. One that could not be reset is powered off.
  const bool clean = ended == SCARD_S_SUCCESS || ended == SCARD_W_REMOVED_CARD ||
                     ended == SCARD_E_NO_SMARTCARD || ended == SCARD_E_READER_UNAVAILABLE;
  // Gives back the lock, too, where the call above failed and kept it.
  const LONG status = SCardDisconnect(card_, clean ? SCARD_LEAVE_CARD : SCARD_UNPOWER_CARD);
  if (status != SCARD_S_SUCCESS) return winscard_error(status, "ending the transaction");
  return {};
}

}  // namespace cardgate::pcsc
