// SPDX-License-Identifier: Apache-2.0
// One page, read on a phone, on a screen in the dark and on paper: no script, no network, nothing beside it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "audit/report/render.hpp"
#include "base/shown.hpp"

namespace cardgate::audit::report {
namespace {

constexpr std::string_view style_sheet = R"(
:root{color-scheme:light dark;--paper:#fff;--ink:#1b2733;--soft:#53606d;--line:#d3dae1;--shade:#f3f6f9;--bar:#1d5fa8;
--certain:#a3182c;--likely:#8a4b00;--possible:#3c5166;--good:#17663a}
@media (prefers-color-scheme:dark){:root{--paper:#12181f;--ink:#e7edf3;--soft:#a9b6c3;--line:#33404d;--shade:#1b242e;
--bar:#6fb1f5;--certain:#ff9aa5;--likely:#f5bd6a;--possible:#b4c6d8;--good:#7fd6a2}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.25rem;max-width:64rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.75rem;line-height:1.2;margin:.25rem 0 .5rem}h2{font-size:1.25rem;margin:2.25rem 0 .5rem;padding-top:1rem;
border-top:1px solid var(--line)}h3{font-size:1rem;margin:1.25rem 0 .4rem}
p{margin:.4rem 0;max-width:46rem}.soft{color:var(--soft)}a{color:var(--bar)}a:focus-visible,.wide:focus-visible{outline:3px solid var(--bar);outline-offset:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem}
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;margin:1.25rem 0}
dl.figures div{background:var(--shade);border-radius:.5rem;padding:.75rem .9rem}
dl.figures dt{color:var(--soft);font-size:.9rem}dl.figures dd{margin:0;font-size:1.5rem;font-weight:600;line-height:1.25}
dl.figures dd.note{font-size:.85rem;font-weight:400;color:var(--soft)}dd.bad{color:var(--certain)}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;padding:0;list-style:none}
.notes{border-left:4px solid var(--likely);padding:.3rem 1rem;background:var(--shade);margin:1rem 0}
.wide{overflow-x:auto;margin:.4rem 0}table{border-collapse:collapse;min-width:20rem;font-size:.94rem}
th,td{text-align:left;padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
article{border:1px solid var(--line);border-left-width:.4rem;border-radius:.4rem;padding:.6rem .9rem;margin:.6rem 0;break-inside:avoid}
article.certain{border-left-color:var(--certain)}article.likely{border-left-color:var(--likely)}article.possible{border-left-color:var(--possible)}
article h3{margin:0}article p{margin:.2rem 0}
figure{margin:1rem 0;break-inside:avoid}figcaption{font-weight:600}svg{display:block;width:100%;height:auto;max-height:18rem}
svg .b{fill:var(--bar)}svg text{fill:var(--soft);font-size:11px}svg line{stroke:var(--line)}
footer{margin-top:2.5rem;border-top:1px solid var(--line);color:var(--soft);font-size:.9rem}
@media (max-width:34rem){body{padding:.8rem}dl.figures{grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr))}dl.figures dd{font-size:1.25rem}}
@media print{:root{--paper:#fff;--ink:#000;--soft:#333;--line:#999;--shade:#fff;--bar:#333}body{max-width:none;padding:0;font-size:10pt}
nav,.skip{display:none}.wide{overflow:visible}h2{break-after:avoid}thead{display:table-header-group}tr{break-inside:avoid}a{color:inherit}}
)";

std::string shown_html(std::string_view text) {
  return html_escaped(shown_text(text));
}

bool is_numeric_cell(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789,.%") == std::string_view::npos;
}

void add_html_table(std::string& out, const Table& table) {
  std::vector<bool> right(table.columns.size(), !table.rows.empty());
  for (const auto& row : table.rows) {
    for (std::size_t c = 0; c < right.size(); ++c) {
      if (c >= row.size() || !is_numeric_cell(row[c])) right[c] = false;
    }
  }
  const auto side = [&](std::size_t c) { return c < right.size() && right[c] ? " class=\"n\"" : ""; };
  out += fmt::format("<h3>{}</h3>\n", shown_html(table.title));
  if (table.rows.empty()) {
    out += "<p class=\"soft\">Nothing.</p>\n";
    return;
  }
  // A table that is wider than the screen is moved by the keyboard, too.
  out +=
      fmt::format("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><thead><tr>",
                  shown_html(table.title));
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    out += fmt::format("<th scope=\"col\"{}>{}</th>", side(c), shown_html(table.columns[c]));
  out += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      out += fmt::format("<td{}>{}</td>", side(c), shown_html(row[c]));
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (table.left_out > 0) out += fmt::format("<p class=\"soft\">And {} more.</p>\n", grouped(table.left_out));
}

void add_plot(std::string& out, const Series& series) {
  constexpr double width = 720;
  constexpr double height = 200;
  constexpr double left = 52;
  constexpr double top = 12;
  constexpr double bottom = 26;
  const auto count = series.values.size();
  if (count == 0) return;
  const double most = std::max(1.0, *std::ranges::max_element(series.values));
  std::size_t at_most = 0;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += series.values[i];
    if (series.values[i] > series.values[at_most]) at_most = i;
  }
  const std::string told =
      fmt::format("{}: {} in all, the most {} ({})", series.title, grouped(static_cast<std::uint64_t>(sum)),
                  grouped(static_cast<std::uint64_t>(series.values[at_most])), series.labels[at_most]);
  out += fmt::format(
      "<figure><figcaption>{}</figcaption>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n",
      shown_html(series.title), width, height, shown_html(told));
  const double floor_at = height - bottom;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = floor_at - part * (floor_at - top);
    out += fmt::format(
        "<line x1=\"{:.0f}\" y1=\"{:.1f}\" x2=\"{:.0f}\" y2=\"{:.1f}\"/><text x=\"{:.0f}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>\n",
        left, y, width, y, left - 6, y + 4, grouped(static_cast<std::uint64_t>(std::llround(most * part))));
  }
  const double step = (width - left) / static_cast<double>(count);
  const auto every = std::max<std::size_t>(1, (count + 11) / 12);
  for (std::size_t i = 0; i < count; ++i) {
    const double x = left + step * static_cast<double>(i);
    const double tall = series.values[i] / most * (floor_at - top);
    out += fmt::format(
        "<rect class=\"b\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"><title>{}: "
        "{}</title></rect>\n",
        x + step * 0.1, floor_at - tall, std::max(0.5, step * 0.8), tall, shown_html(series.labels[i]),
        grouped(static_cast<std::uint64_t>(series.values[i])));
    if (i % every == 0)
      out += fmt::format("<text x=\"{:.2f}\" y=\"{:.0f}\" text-anchor=\"middle\">{}</text>\n", x + step / 2,
                         height - 8, shown_html(series.labels[i]));
  }
  out += "</svg></figure>\n";
}

void add_html_finding(std::string& out, const Finding& finding, const Calendar& calendar) {
  std::string title(name(finding.sure));
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  std::string records = fmt::format("{}", fmt::join(finding.records, ", "));
  if (finding.more_records > 0) records += fmt::format(" and {} more", grouped(finding.more_records));
  out += fmt::format(
      "<article class=\"{}\"><h3>{}{}{}</h3><p>{}</p><p class=\"soft\">{}</p><p class=\"soft\">{}; records "
      "{}</p></article>\n",
      name(finding.sure), title, finding.person.empty() ? "" : ": ", shown_html(finding.person),
      shown_html(finding.what), shown_html(finding.how_sure), calendar.moment_text(finding.at), records);
}

void add_html_section(std::string& out, const Section& section, std::size_t number,
                      const Calendar& calendar) {
  out += fmt::format("<section aria-labelledby=\"s{0}\"><h2 id=\"s{0}\">{1}</h2>\n", number,
                     shown_html(section.title));
  for (const auto& text : section.text) out += fmt::format("<p>{}</p>\n", shown_html(text));
  const bool tells = !section.findings.empty() || !section.tables.empty();
  if (tells && !section.why.empty())
    out += fmt::format("<p><strong>Why it matters.</strong> {}</p>\n", shown_html(section.why));
  if (tells && !section.next.empty())
    out += fmt::format("<p><strong>What to do.</strong> {}</p>\n", shown_html(section.next));
  for (const auto& finding : section.findings) add_html_finding(out, finding, calendar);
  if (section.more_findings > 0) out += fmt::format("<p>And {} more.</p>\n", grouped(section.more_findings));
  for (const auto& series : section.series) add_plot(out, series);
  for (const auto& table : section.tables) add_html_table(out, table);
  out += "</section>\n";
}

void add_figures(std::string& out, const Report& report) {
  if (report.figures.empty()) return;
  out += "<dl class=\"figures\">\n";
  for (const auto& figure : report.figures) {
    out +=
        fmt::format("<div><dt>{}</dt><dd{}>{}{}</dd>", shown_html(figure.label),
                    figure.bad ? " class=\"bad\"" : "", shown_html(figure.value), figure.bad ? " (!)" : "");
    if (!figure.note.empty()) out += fmt::format("<dd class=\"note\">{}</dd>", shown_html(figure.note));
    out += "</div>\n";
  }
  out += "</dl>\n";
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_html(const Report& report) {
  const auto& calendar = report.calendar;
  const std::string period =
      fmt::format("{} to {}", calendar.moment_text(report.from), calendar.moment_text(report.to));
  // The policy of the page itself: even markup that slipped through could load and run nothing.
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" "
      "content=\"no-referrer\">\n"
      "<title>{0}: {1}</title><style>{2}</style></head><body>\n<a class=\"skip\" href=\"#main\">Go to the "
      "report</a>\n"
      "<header><h1>{0}</h1><p>{1}</p><p class=\"soft\">About {3}. Made on {4}. {5} of the "
      "log{6}.</p></header>\n",
      shown_html(report.title), shown_html(period), style_sheet, shown_html(report.scope),
      calendar.moment_text(report.made_at), count_of(report.records, "record", "records"),
      report.records == 0 ? std::string() : fmt::format(" ({} to {})", report.first, report.last));
  out += "<main id=\"main\">\n";
  if (!report.not_seen.empty()) {
    out += "<div class=\"notes\"><p><strong>What this report could not see</strong></p>\n<ul>";
    for (const auto& sentence : report.not_seen) out += fmt::format("<li>{}</li>", shown_html(sentence));
    out += "</ul></div>\n";
  }
  add_figures(out, report);
  if (report.sections.size() > 2) {
    out += "<nav aria-label=\"Sections\"><ul>";
    for (std::size_t i = 0; i < report.sections.size(); ++i) {
      const auto& section = report.sections[i];
      const auto found = section.findings.size() + section.more_findings;
      out += fmt::format("<li><a href=\"#s{}\">{}</a>{}</li>", i, shown_html(section.title),
                         found == 0 ? std::string() : fmt::format(" ({})", grouped(found)));
    }
    out += "</ul></nav>\n";
  }
  for (std::size_t i = 0; i < report.sections.size(); ++i)
    add_html_section(out, report.sections[i], i, calendar);
  out +=
      "</main>\n<footer><p>Made by cardgate from its audit log. This report proves nothing about the log "
      "itself: cardgate audit verify does.</p></footer>\n</body></html>\n";
  return out;
}

}  // namespace cardgate::audit::report
