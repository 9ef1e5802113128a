// SPDX-License-Identifier: Apache-2.0
// A report as text for a terminal, as JSON for programs, or as one HTML page. Pure; thread-safe.
//
// Whatever a report quotes may hold names in any script and markup that somebody chose. Text is shown as base/shown.hpp shows it;
// in HTML every such character is escaped, and the page allows itself no script and no network.
#pragma once

#include <string>
#include <string_view>

#include "audit/report/model.hpp"
#include "base/json.hpp"

namespace cardgate::audit::report {

enum class Format : std::uint8_t { text, json, html };

/// Lines of about `width` characters; tables may be wider.
std::string to_text(const Report& report, std::size_t width = 100);
json::object to_json(const Report& report);
std::string to_html(const Report& report);
/// With a line end behind it.
std::string rendered(const Report& report, Format format);

/// Escaped for the inside of an element or of an attribute in double quotes.
std::string html_escaped(std::string_view text);

}  // namespace cardgate::audit::report
