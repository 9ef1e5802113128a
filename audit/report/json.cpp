// SPDX-License-Identifier: Apache-2.0
#include "audit/report/render.hpp"

namespace cardgate::audit::report {
namespace {

json::array texts_json(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}

json::object finding_json(const Finding& finding) {
  return {{"kind", finding.kind},
          {"person", finding.person},
          {"at", to_rfc3339(finding.at)},
          {"what", finding.what},
          {"sure", name(finding.sure)},
          {"how_sure", finding.how_sure},
          {"records", json::array(finding.records.begin(), finding.records.end())},
          {"more_records", finding.more_records}};
}

json::object table_json(const Table& table) {
  json::array rows;
  for (const auto& row : table.rows) rows.push_back(texts_json(row));
  return {{"title", table.title},
          {"columns", texts_json(table.columns)},
          {"rows", std::move(rows)},
          {"left_out", table.left_out}};
}

json::object section_json(const Section& section) {
  json::array tables;
  for (const auto& table : section.tables) tables.push_back(table_json(table));
  json::array series;
  for (const auto& each : section.series)
    series.push_back(json::object{{"title", each.title},
                                  {"unit", each.unit},
                                  {"labels", texts_json(each.labels)},
                                  {"values", json::array(each.values.begin(), each.values.end())}});
  json::array findings;
  for (const auto& finding : section.findings) findings.push_back(finding_json(finding));
  return {{"title", section.title},
          {"why", section.why},
          {"next", section.next},
          {"text", texts_json(section.text)},
          {"tables", std::move(tables)},
          {"series", std::move(series)},
          {"findings", std::move(findings)},
          {"more_findings", section.more_findings}};
}

}  // namespace

json::object to_json(const Report& report) {
  json::array figures;
  for (const auto& figure : report.figures)
    figures.push_back(json::object{
        {"label", figure.label}, {"value", figure.value}, {"note", figure.note}, {"bad", figure.bad}});
  json::array sections;
  for (const auto& section : report.sections) sections.push_back(section_json(section));
  return {{"kind", report.kind},
          {"title", report.title},
          {"from_at", to_rfc3339(report.from)},
          {"to_at", to_rfc3339(report.to)},
          {"made_at", to_rfc3339(report.made_at)},
          {"time_zone", report.calendar.zone()},
          {"scope", report.scope},
          {"records", report.records},
          {"first", report.first},
          {"last", report.last},
          {"not_seen", texts_json(report.not_seen)},
          {"figures", std::move(figures)},
          {"sections", std::move(sections)}};
}

std::string rendered(const Report& report, Format format) {
  switch (format) {
    case Format::json:
      return json::serialize(to_json(report)) + "\n";
    case Format::html:
      return to_html(report);
    case Format::text:
      break;
  }
  return to_text(report);
}

}  // namespace cardgate::audit::report
