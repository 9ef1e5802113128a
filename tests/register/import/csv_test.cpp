// SPDX-License-Identifier: Apache-2.0
// RFC 4180: rows and cells, and what is no row.
#include "register/import/csv.hpp"

#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Read {
  Rows rows;
  std::vector<int> lines;
  std::optional<CsvFault> fault;
};
Read read(std::string_view text, char separator = ',') {
  Read out;
  CsvReader reader(text, separator);
  CsvRow row;
  while (reader.next(row)) {
    out.rows.push_back(row.cells);
    out.lines.push_back(row.line);
  }
  out.fault = reader.fault();
  return out;
}

TEST(Csv, ReadsWhatTheRfcShows) {
  EXPECT_EQ(read("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n").rows,
            (Rows{{"aaa", "bbb", "ccc"}, {"zzz", "yyy", "xxx"}}));
  EXPECT_EQ(read("aaa,bbb\nzzz,yyy").rows, (Rows{{"aaa", "bbb"}, {"zzz", "yyy"}}));
  EXPECT_EQ(read("\"aaa\",\"b \r\nbb\",\"c\"\"c\"\r\n,,").rows,
            (Rows{{"aaa", "b \r\nbb", "c\"c"}, {"", "", ""}}));
  EXPECT_EQ(read("a;b,c", ';').rows, (Rows{{"a", "b,c"}}));
  EXPECT_TRUE(read("").rows.empty());
}

TEST(Csv, CountsLinesThroughQuotedLineEndsAndEmptyLines) {
  const auto got = read("a\n\"x\ny\nz\"\n\n\nb\n");
  EXPECT_EQ(got.lines, (std::vector<int>{1, 2, 7}));
  EXPECT_FALSE(got.fault);
}

TEST(Csv, NamesLineAndCellOfWhatIsNoRow) {
  const auto fault = [](std::string_view text) {
    const auto got = read(text);
    if (!got.fault) return std::string("none");
    return std::to_string(got.fault->line) + "/" + std::to_string(got.fault->cell) + " " + got.fault->text;
  };
  EXPECT_EQ(fault("a,b\nc,\"d\ne"), "2/1 the quotation mark at its beginning is never closed");
  EXPECT_EQ(fault("a,b\nc,d\"e"), "2/1 has a quotation mark that is not at its beginning");
  EXPECT_EQ(fault("a,b\n\"c\nd\"e,f"), "3/0 has text behind its closing quotation mark");
  EXPECT_EQ(fault("a,b\rc,d\r"), "1/1 has a line end of a carriage return alone");
  EXPECT_EQ(fault(std::string(300, ',')), "1/256 is one too many: a row has at most 256 cells");
  EXPECT_EQ(fault("\"" + std::string(70'000, 'x') + "\""),
            "1/0 is far too long: is a quotation mark missing?");
}

TEST(Csv, FindsTheSeparatorInTheHeaderAlone) {
  EXPECT_EQ(csv_separator("id,name\n1;2;3;4"), ',');
  EXPECT_EQ(csv_separator("id;name"), ';');
  EXPECT_EQ(csv_separator("id\tname\n1,2,3"), '\t');
  EXPECT_EQ(csv_separator("\"a;b;c\",name"), ',');
  EXPECT_EQ(csv_separator("id"), ',');
}

}  // namespace
}  // namespace cardgate::reg
