// SPDX-License-Identifier: Apache-2.0
#include "trust/openssl.hpp"

#include <openssl/bn.h>

#include <algorithm>
#include <cctype>
#include <ctime>

#include "base/shown.hpp"
#include "trust/authorities.hpp"
#include "trust/certificate.hpp"

namespace cardgate::trust {

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no further detail";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

X509Ptr copy(X509* certificate) {
  X509_up_ref(certificate);
  return X509Ptr{certificate};
}

Result<X509Ptr> parse_certificate(BytesView der) {
  if (der.size() > max_certificate_bytes) {
    return Error{Errc::certificate_malformed,
                 "the certificate is larger than " + std::to_string(max_certificate_bytes) + " bytes"};
  }
  ERR_clear_error();
  X509Ptr certificate;
  if (!decode_strictly(der, certificate, d2i_X509, i2d_X509)) {
    const std::string why = ERR_peek_error() != 0 ? take_openssl_error() : "trailing bytes, or not DER";
    return Error{Errc::certificate_malformed, "not one DER certificate: " + why};
  }
  X509_check_purpose(certificate.get(), -1,
                     0);  // decodes the extensions now; their flaws are flags, judged later
  ERR_clear_error();
  return certificate;
}

Result<CrlPtr> parse_crl(BytesView der) {
  if (der.size() > max_crl_file_bytes) return Error{Errc::crl_malformed, "the CRL is too large"};
  ERR_clear_error();
  CrlPtr crl;
  if (!decode_strictly(der, crl, d2i_X509_CRL, i2d_X509_CRL)) {
    const std::string why = ERR_peek_error() != 0 ? take_openssl_error() : "trailing bytes, or not DER";
    return Error{Errc::crl_malformed, "not one DER certificate revocation list: " + why};
  }
  return crl;
}

std::string name_text(const X509_NAME* name) {
  // UTF-8 stays UTF-8 (RFC 4514). OpenSSL hands the bytes of a UTF8String on as they are, so they may be none. What it
  // cannot write at all it writes as hex, so that two names stay two.
  constexpr unsigned long as_usual = XN_FLAG_RFC2253;
  for (const unsigned long flags :
       {as_usual & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB), as_usual | ASN1_STRFLGS_DUMP_ALL}) {
    const BioPtr out{BIO_new(BIO_s_mem())};
    if (!out || X509_NAME_print_ex(out.get(), name, 0, flags) < 0) continue;
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    ERR_clear_error();
    return shown_text({text, static_cast<std::size_t>(std::max(0L, size))});
  }
  ERR_clear_error();
  return "?";
}

std::string serial_text(const ASN1_INTEGER* serial) {
  const std::unique_ptr<BIGNUM, Releases<BN_free>> number{ASN1_INTEGER_to_BN(serial, nullptr)};
  if (!number) return "?";
  char* hex = BN_bn2hex(number.get());
  if (hex == nullptr) return "?";
  std::string text = hex;
  OPENSSL_free(hex);
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text == "0" ? "00" : text;
}

Result<WallTime> wall_time(const ASN1_TIME* time) {
  std::tm tm{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) {
    ERR_clear_error();
    return Error{Errc::malformed, "a date is not a date"};
  }
  const auto day = std::chrono::sys_days{std::chrono::year{tm.tm_year + 1900} /
                                         std::chrono::month{static_cast<unsigned>(tm.tm_mon + 1)} /
                                         std::chrono::day{static_cast<unsigned>(tm.tm_mday)}};
  return WallTime{day} + std::chrono::hours{tm.tm_hour} + std::chrono::minutes{tm.tm_min} +
         seconds{tm.tm_sec};
}

}  // namespace cardgate::trust
