// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/command.hpp"

namespace cardgate::simcard {

std::optional<Command> parse_command(BytesView apdu) {
  if (apdu.size() < 4) return std::nullopt;
  Command command;
  command.cla = apdu[0];
  command.ins = apdu[1];
  command.p1 = apdu[2];
  command.p2 = apdu[3];
  BytesView body = apdu.subspan(4);
  if (body.empty()) return command;

  command.extended = body.size() >= 3 && body[0] == 0;
  const auto number = [&](BytesView field) {
    return command.extended ? static_cast<std::size_t>(field[0] << 8 | field[1]) : std::size_t{field[0]};
  };
  const std::size_t width = command.extended ? 2 : 1;
  const std::size_t most = command.extended ? 65536 : 256;
  if (command.extended) body = body.subspan(1);
  if (body.size() > width) {
    const std::size_t lc = number(body);
    body = body.subspan(width);
    if (lc == 0 || body.size() < lc) return std::nullopt;
    command.data.assign(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(lc));
    body = body.subspan(lc);
    if (body.empty()) return command;
  }
  if (body.size() != width) return std::nullopt;
  command.ne = number(body) == 0 ? most : number(body);
  return command;
}

}  // namespace cardgate::simcard
