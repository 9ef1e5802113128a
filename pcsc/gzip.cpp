// SPDX-License-Identifier: Apache-2.0
#include "pcsc/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <new>

namespace cardgate::pcsc {
namespace {

class Inflater {
 public:
  Inflater() {
    constexpr int any_header = MAX_WBITS + 32;  // gzip or zlib, whichever the card chose
    if (inflateInit2(&stream_, any_header) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
};

}  // namespace

Result<Bytes> gunzip(BytesView packed, std::size_t max_bytes) {
  Bytes out(max_bytes + 1);
  Inflater inflater;
  z_stream& stream = inflater.stream();
  stream.next_in = const_cast<Bytef*>(packed.data());  // zlib's old prototype; it does not write there
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = inflate(&stream, Z_FINISH);
  if (stream.avail_out == 0)
    return Error{Errc::too_large, fmt::format("unpacks to more than {} bytes", max_bytes)};
  if (status != Z_STREAM_END) return Error{Errc::malformed, "compressed data is damaged or cut off"};
  out.resize(stream.total_out);
  return out;
}

}  // namespace cardgate::pcsc
