// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/import_words.hpp"

#include <fmt/format.h>

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_bad_lines = 1000;

ImportStop newcomers_stop(const reg::ImportReport& report) {
  const auto count = report.look_alikes.size();
  std::string detail =
      count == 0
          ? std::string(
                "No newcomer in this file looks like somebody on file, but --allow-newcomers says that some "
                "do, so nothing was taken over. Leave it out.")
      : count == 1 ? std::string(
                         "1 newcomer in this file looks like somebody who is on file under another number, "
                         "so nothing was "
                         "taken over. A number that was exported wrongly makes two people of one: put it "
                         "right. If it is "
                         "somebody else, say so: --allow-newcomers 1")
                   : fmt::format(
                         "{0} newcomers in this file look like people who are on file under another number, "
                         "so nothing was "
                         "taken over. A number that was exported wrongly makes two people of one: put the "
                         "numbers right. "
                         "If all of them are other people, say so: --allow-newcomers {0}",
                         count);
  return {"newcomers_look_known",
          "newcomers look like people on file",
          std::move(detail),
          {{"lines", lines_json(report.look_alikes)}}};
}

ImportStop team_stop(const reg::ImportReport& report) {
  return {"team_would_be_empty",
          "nobody would be left in the team",
          fmt::format("{} of the team that gives access would lose their own, so nothing was taken over. "
                      "With nobody in the "
                      "team no form is approved and no removal is carried out. Let the team take somebody in "
                      "first. In an "
                      "emergency: --break-glass REASON",
                      report.team_before == 1 ? std::string("The only member")
                                              : fmt::format("All {} members", report.team_before)),
          {}};
}

ImportStop leavers_stop(const reg::ImportReport& report) {
  return {
      "too_many_leavers",
      "too many would have lost access",
      fmt::format("{} of the {} people who are employed today would lose access, which is more than 5 %, so "
                  "nothing was taken over. --dry-run shows who. If the file is complete and they have all "
                  "left, say so: --allow-leavers {}",
                  report.losing, report.employed, report.losing),
      {{"losing", report.losing}, {"employed", report.employed}}};
}

}  // namespace

json::array lines_json(const std::vector<reg::ImportProblem>& problems) {
  json::array lines;
  for (const auto& item : problems) {
    if (lines.size() >= max_bad_lines) break;
    json::object line{{"line", item.line}, {"text", item.text}};
    if (!item.column.empty()) line["column"] = item.column;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<ImportStop> stop_of(const reg::ImportReport& report) {
  if (report.newcomers_doubted) return newcomers_stop(report);
  if (report.team_emptied) return team_stop(report);
  if (report.stopped) return leavers_stop(report);
  return std::nullopt;
}

json::array warnings_of(const reg::ImportReport& report) {
  json::array out;
  if (report.team_after == 1 && report.team_before > 1) {
    out.push_back(json::string(
        "One member is left in the team that gives access. Giving back removed access takes two: let the "
        "team take somebody in."));
  }
  return out;
}

}  // namespace cardgate::daemon
