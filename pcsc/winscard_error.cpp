// SPDX-License-Identifier: Apache-2.0
#include "pcsc/winscard_error.hpp"

#include <fmt/format.h>

namespace cardgate::pcsc {
namespace {

struct Meaning {
  LONG status;
  Errc code;
  std::string_view text;
};

constexpr std::string_view not_running = "pcscd is not running: start it with 'systemctl start pcscd.socket'";
constexpr std::string_view silent =
    "pcscd does not answer: look at it with 'systemctl status pcscd', and restart it with 'systemctl restart "
    "pcscd'";
constexpr std::string_view held = "another program holds the card: close it, or wait until it is done";
constexpr std::string_view pulled = "the card was taken out";
constexpr std::string_view mute =
    "the card does not answer: take it out, look at its contacts and which way round it is, and put it in "
    "again";
constexpr std::string_view reader_gone = "the reader is not there: plug it in again";

constexpr Meaning meanings[] = {
    {SCARD_E_NO_SERVICE, Errc::pcsc_no_service, not_running},
    {SCARD_E_SERVICE_STOPPED, Errc::pcsc_no_service, not_running},
    {SCARD_E_INVALID_HANDLE, Errc::pcsc_no_service, "pcscd was restarted, this connection is no longer good"},
    {SCARD_F_COMM_ERROR, Errc::pcsc_no_service, "pcscd went away during the call"},
    {SCARD_E_NO_ACCESS, Errc::pcsc_access_denied, "this user may not connect to pcscd's socket"},
    {SCARD_W_SECURITY_VIOLATION, Errc::pcsc_access_denied,
     "polkit keeps this user out of pcscd: install a rule that allows org.debian.pcsc-lite.access_pcsc and "
     "org.debian.pcsc-lite.access_card"},
    {SCARD_E_UNKNOWN_READER, Errc::pcsc_no_reader, reader_gone},
    {SCARD_E_READER_UNAVAILABLE, Errc::pcsc_no_reader, reader_gone},
    {SCARD_E_NO_READERS_AVAILABLE, Errc::pcsc_no_reader, "no reader is plugged in"},
    {SCARD_E_NO_SMARTCARD, Errc::pcsc_no_card, "there is no card in the reader"},
    {SCARD_W_REMOVED_CARD, Errc::pcsc_card_removed, pulled},
    {SCARD_W_RESET_CARD, Errc::pcsc_card_reset, "another program, or a power cut, reset the card"},
    {SCARD_E_SHARING_VIOLATION, Errc::pcsc_sharing_violation, held},
    {SCARD_W_UNRESPONSIVE_CARD, Errc::pcsc_card_mute, mute},
    {SCARD_W_UNPOWERED_CARD, Errc::pcsc_card_mute, mute},
    {SCARD_W_UNSUPPORTED_CARD, Errc::pcsc_card_mute, mute},
    {SCARD_E_PROTO_MISMATCH, Errc::pcsc_card_mute, "the card speaks neither T=0 nor T=1"},
    {SCARD_E_NOT_TRANSACTED, Errc::pcsc_transport, "the card or its reader did not answer the command"},
    {SCARD_E_NO_MEMORY, Errc::pcsc_transport, "pcscd has no room for another client"},
    {SCARD_E_TIMEOUT, Errc::pcsc_no_service, silent},
    {SCARD_E_CANCELLED, Errc::cancelled, "cancelled"},
};

}  // namespace

Error winscard_error(LONG status, std::string_view doing) {
  // pcsc-lite's constants are sign-extended on 64-bit systems, or not, depending on who made them.
  const auto code = static_cast<std::uint32_t>(status);
  for (const Meaning& meaning : meanings)
    if (static_cast<std::uint32_t>(meaning.status) == code)
      return {meaning.code, fmt::format("{}: {} (0x{:08X})", doing, meaning.text, code), code};
  return {Errc::pcsc_transport, fmt::format("{}: PC/SC error 0x{:08X}", doing, code), code};
}

}  // namespace cardgate::pcsc
