// SPDX-License-Identifier: Apache-2.0
// Bytes to requests: however they are cut, and however long they go on.
#include "daemon/http/request_reader.hpp"
#include "daemon/http/router.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace cardgate::daemon {
namespace {

using Step = RequestReader::Step;

struct Outcome {
  std::vector<Request> requests;
  std::vector<bool> kept;  // whether the connection could go on behind each
  std::optional<Response> refusal;
  int go_ons = 0;
  std::string_view rest;  // was never asked for
  bool starved = false;   // asked for bytes without room for them
};

std::size_t as_most(const Request&) {
  return max_body_bytes;
}

/// Gives `bytes` in pieces of at most `piece`.
Outcome read(std::string_view bytes, std::size_t piece = std::string_view::npos,
             const RequestReader::Limit& limit = as_most) {
  Outcome out;
  RequestReader reader(limit);
  for (;;) {
    switch (reader.step()) {
      case Step::more: {
        const auto room = reader.room();
        out.starved = room.empty();
        const std::size_t count = std::min({room.size(), piece, bytes.size()});
        out.rest = bytes;
        if (count == 0) return out;
        std::ranges::copy(bytes.substr(0, count), room.begin());
        bytes.remove_prefix(count);
        reader.arrived(count);
        break;
      }
      case Step::go_on:
        ++out.go_ons;
        break;
      case Step::request:
        out.kept.push_back(reader.keep_alive());
        out.requests.push_back(reader.take());
        break;
      case Step::refused:
        out.kept.push_back(reader.keep_alive());
        out.refusal = reader.take().refused;
        out.rest = bytes;
        return out;
    }
  }
}

std::string post(std::string_view headers, std::string_view body) {
  return fmt::format("POST /v1/token HTTP/1.1\r\nHost: x\r\n{}\r\n{}", headers, body);
}
std::string chunked(std::string_view body, std::string_view headers = {}) {
  return post(fmt::format("Transfer-Encoding: chunked\r\n{}", headers), body);
}

TEST(RequestReader, ReadsTheSameHoweverTheBytesAreCut) {
  const std::string text = post(
                               "Content-Type: Application/JSON; charset=utf-8\r\nAuthorization: Bearer "
                               "abc\r\nContent-Length: 5\r\n",
                               "hello") +
                           chunked("3;a=\"b\"\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") +
                           "GET /v1/verify?audience=es%20r HTTP/1.0\r\n\r\n";
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}, text.size()}) {
    const auto out = read(text, piece);
    ASSERT_FALSE(out.refusal) << piece << out.refusal->body;
    ASSERT_EQ(out.requests.size(), 3U) << piece;
    EXPECT_EQ(out.requests[0].method, "POST");
    EXPECT_EQ(out.requests[0].path, "/v1/token");
    EXPECT_EQ(out.requests[0].content_type, "application/json");
    EXPECT_EQ(out.requests[0].authorization, "Bearer abc");
    EXPECT_EQ(out.requests[0].body, "hello");
    EXPECT_EQ(out.requests[1].body, "abcde");
    EXPECT_EQ(out.requests[1].authorization, "") << "each request has its own headers alone";
    EXPECT_EQ(*out.requests[2].parameter("audience"), "es r");
    EXPECT_EQ(out.kept, (std::vector<bool>{true, true, false})) << "HTTP/1.0 closes";
  }
}

TEST(RequestReader, WaitsForTheRestOfWhatIsCutOff) {
  const std::string text = chunked("3\r\nabc\r\n0\r\nX: y\r\n\r\n");
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto out = read(std::string_view(text).substr(0, cut));
    EXPECT_TRUE(out.requests.empty()) << cut;
    EXPECT_FALSE(out.refusal) << cut;
    EXPECT_FALSE(out.starved) << cut;
  }
  EXPECT_EQ(read(text).requests.size(), 1U);
}

/// What a client may send for as long as it likes.
TEST(RequestReader, WhateverDoesNotEndIsRefusedBeforeMuchOfItIsRead) {
  const std::string much(1 << 20, 'a');
  std::string many_trailers;
  for (int i = 0; many_trailers.size() < much.size(); ++i) many_trailers += fmt::format("X-{}: y\r\n", i);
  const std::pair<const char*, std::string> endless[] = {
      {"a head", "GET / HTTP/1.1\r\nHost: x\r\nX: " + much},
      {"a request line", "GET /" + much},
      {"many headers", "GET / HTTP/1.1\r\nHost: x\r\n" + many_trailers},
      {"a chunk's extension", chunked("1;" + much)},
      {"a later chunk's extension", chunked("1\r\na\r\n1;" + much)},
      {"a quoted extension", chunked("1;a=\"" + much)},
      {"the last chunk's extension", chunked("0;" + much)},
      {"the digits of a chunk's size", chunked(std::string(1 << 20, '0'))},
      {"a trailer line", chunked("0\r\nX: " + much)},
      {"a trailer line without a colon", chunked("0\r\n" + much)},
      {"many trailers", chunked("0\r\n" + many_trailers)},
      {"white space behind a later size", chunked("1\r\na\r\n1" + std::string(1 << 20, ' '))},
      {"white space behind a size", chunked("1" + std::string(1 << 20, ' '))},
  };
  for (const auto& [what, text] : endless) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, text.size()}) {
      const auto out = read(text, piece);
      EXPECT_FALSE(out.starved) << what << " in pieces of " << piece;
      ASSERT_TRUE(out.refusal) << what << " in pieces of " << piece;
      EXPECT_TRUE(out.refusal->status == 400 || out.refusal->status == 431) << what << out.refusal->body;
      EXPECT_EQ(out.kept.back(), false) << what;
      EXPECT_GT(out.rest.size(), much.size() / 2) << what;
    }
  }
}

TEST(RequestReader, ABodyBeyondItsBoundIsRefusedHoweverItComes) {
  const std::string large(max_body_bytes + 1, 'a');
  EXPECT_EQ(read(post(fmt::format("Content-Length: {}\r\n", large.size()), "")).refusal->status, 413);
  EXPECT_EQ(read(chunked(fmt::format("{:x}\r\n", large.size()))).refusal->status, 413);
  EXPECT_EQ(read(chunked(fmt::format("8000\r\n{}\r\n8001\r\n", large.substr(0, 0x8000)))).refusal->status,
            413);
  EXPECT_EQ(read(chunked("ffffffffffffffff\r\n")).refusal->status, 413);
  const auto whole = read(post(fmt::format("Content-Length: {}\r\n", max_body_bytes), large.substr(1)));
  ASSERT_EQ(whole.requests.size(), 1U);
  EXPECT_EQ(whole.requests[0].body.size(), max_body_bytes);
}

TEST(RequestReader, OnlyAnImportMayBeLarge) {
  static constexpr Rule rules[] = {
      {On::admin, "POST", "/v1/staff/import", "text/csv", "dry_run", max_import_bytes},
      {On::main, "POST", "/v1/staff/{id}", "application/json", {}}};
  const RequestReader::Limit root = [](const Request& head) { return body_limit(rules, head, true); };
  const RequestReader::Limit others = [](const Request& head) { return body_limit(rules, head, false); };
  const std::string large(max_body_bytes * 3, 'a');
  const auto ask = [&](std::string_view target, const RequestReader::Limit& limit) {
    return read(
        fmt::format(
            "POST {} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            target, large.size(), large),
        std::string_view::npos, limit);
  };
  for (const char* target : {"/v1/staff/import", "/v1/staff/import?dry_run=true"}) {
    const auto out = ask(target, root);
    ASSERT_EQ(out.requests.size(), 1U) << target;
    EXPECT_EQ(out.requests[0].body, large);
    EXPECT_EQ(ask(target, others).refusal->status, 413) << target;
  }
  EXPECT_EQ(ask("/v1/staff/imports", root).refusal->status, 413);
}

TEST(RequestReader, ChunksAreReadToTheLetter) {
  const char* bad[] = {"",
                       "\r\n",
                       "g\r\n",
                       "-1\r\n",
                       "0x1\r\na\r\n",
                       "1\na\n0\n\n",
                       "1\r\nab\r\n",
                       "1\r\na\n0",
                       "1\rx",
                       "0\r\n\rx",
                       "0\r\nX: y\n\n",
                       "1;a\nb\r\n",
                       "0\r\nX: \x01\r\n",
                       "1\r\na0\r\n",
                       "00000000000000001\r\na\r\n",
                       " 1\r\na\r\n"};
  for (const std::string body : bad) {
    const auto out = read(chunked(body));
    EXPECT_TRUE(out.requests.empty()) << body;
    EXPECT_TRUE(body.empty() || (out.refusal && out.refusal->status == 400)) << body;
  }
  const auto good = read(chunked("A ; x = \"y\" \r\n0123456789\r\n0a\r\nabcdefghij\r\n000;last\r\n\r\n"));
  ASSERT_EQ(good.requests.size(), 1U);
  EXPECT_EQ(good.requests[0].body, "0123456789abcdefghij");
}

/// RFC 9110 6.5.1.
TEST(RequestReader, TrailersAreDropped) {
  const auto out = read(
      chunked("1\r\na\r\n0\r\nAuthorization: Bearer stolen\r\nContent-Type: text/csv\r\nConnection: close\r\n"
              "Expect: 100-continue\r\nContent-Length: 7\r\nTransfer-Encoding: gzip\r\n\r\n",
              "Content-Type: application/json\r\n"));
  ASSERT_EQ(out.requests.size(), 1U);
  EXPECT_EQ(out.requests[0].authorization, "");
  EXPECT_EQ(out.requests[0].content_type, "application/json");
  EXPECT_EQ(out.go_ons, 0);
  EXPECT_EQ(out.kept, std::vector<bool>{true});
  const auto bare = read(chunked("0\r\nContent-Type: text/csv\r\n\r\n"));
  ASSERT_EQ(bare.requests.size(), 1U);
  EXPECT_EQ(bare.requests[0].content_type, "");
}

TEST(RequestReader, AHeaderThatMattersStandsOnceAndSaysSomething) {
  for (const std::string_view headers :
       {"Authorization: Bearer a\r\nAuthorization: Bearer a\r\n",
        "Content-Type: a/b\r\ncontent-type: a/b\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n",
        "Host: x\r\n", "Authorization:\r\n", "Authorization: \t \r\n"}) {
    const auto out = read(post(headers, ""));
    ASSERT_TRUE(out.refusal) << headers;
    EXPECT_EQ(out.refusal->status, 400) << headers;
  }
}

/// The connection goes on behind it, and the answer waits for the request's end.
TEST(RequestReader, ABadTargetIsRefusedWithTheRequestAndNotBeforeIt) {
  const auto out = read("POST /%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" +
                        ("GET /" + std::string(max_target_bytes, 'a')) +
                        " HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_EQ(out.requests.size(), 3U);
  EXPECT_EQ(out.requests[0].refused->status, 400);
  EXPECT_EQ(out.requests[1].refused->status, 414);
  EXPECT_FALSE(out.requests[2].refused);
  EXPECT_EQ(out.kept, (std::vector<bool>{true, true, true}));
}

TEST(RequestReader, WhoAsksBeforeSendingIsAnsweredOnce) {
  const std::string head = post("Content-Length: 2\r\nExpect: 100-continue\r\n", "");
  EXPECT_EQ(read(head).go_ons, 1);
  const auto out = read(head + "ab", head.size());
  EXPECT_EQ(out.go_ons, 1);
  EXPECT_EQ(out.requests.size(), 1U);
  EXPECT_EQ(read(head + "ab").go_ons, 0) << "the body is here already";
}

TEST(RequestReader, NothingBehindARefusedRequestIsRead) {
  RequestReader reader(as_most);
  const std::string_view text =
      "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
  std::ranges::copy(text, reader.room().begin());
  reader.arrived(text.size());
  EXPECT_EQ(reader.step(), Step::refused);
  EXPECT_TRUE(reader.take().refused);
  EXPECT_EQ(reader.step(), Step::refused);
}

TEST(RequestReader, ABodyStaysInOnePlaceAndNothingIsLeftInTheBuffer) {
  const std::string secret = "a passphrase of four words";
  for (const std::string& text : {post(fmt::format("Content-Length: {}\r\n", secret.size()), secret),
                                  chunked(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", secret.size(), secret))}) {
    RequestReader reader(as_most);
    const char* const buffer = reader.room().data();
    const std::size_t size = reader.room().size();
    const char* place = nullptr;
    for (const char byte : text) {
      reader.room().front() = byte;
      reader.arrived(1);
      if (reader.step() != Step::request) continue;
      Request request = reader.take();
      EXPECT_EQ(request.body, secret);
      place = request.body.data();
    }
    ASSERT_NE(place, nullptr);
    EXPECT_EQ(std::string_view(buffer, size).find("words"), std::string_view::npos);
  }
  std::string grows;
  append_wiped(grows, "first");
  append_wiped(grows, std::string(1000, 'x'));
  EXPECT_EQ(grows, "first" + std::string(1000, 'x'));
}

/// As Outcome's requests, each with those that were taken beside it.
std::vector<std::vector<std::string>> together(std::string_view bytes, std::size_t piece) {
  std::vector<std::vector<std::string>> out;
  RequestReader reader(as_most);
  const auto wanted = [](const Request& request) { return request.path.starts_with("/beside"); };
  for (;;) {
    const Step step = reader.step();
    if (step == Step::more) {
      const std::size_t count = std::min({reader.room().size(), piece, bytes.size()});
      if (count == 0) return out;
      std::ranges::copy(bytes.substr(0, count), reader.room().begin());
      bytes.remove_prefix(count);
      reader.arrived(count);
    } else if (step == Step::go_on) {
      out.push_back({"go on"});
    } else {
      const auto request = reader.take();
      out.push_back({request.refused ? "refused" : request.path + request.body});
      if (step == Step::refused) return out;
      while (auto also = reader.take_also(wanted)) out.back().push_back(also->path + also->body);
    }
  }
}

TEST(RequestReader, GivesWhatCameTogetherAndLosesNothingOfTheRest) {
  const auto request = [](std::string_view path, std::string_view headers = {}, std::string_view body = {}) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n{}", path, headers,
                       body.size(), body);
  };
  const std::string text = request("/beside/1", {}, "a") + request("/beside/2") + request("/alone", {}, "b") +
                           request("/beside/3") + request("/beside/%zz") + request("/beside/4") +
                           request("/beside/5", "Expect: 100-continue\r\n", "c") + "nonsense\r\n\r\n";
  const auto at_once = together(text, text.size());
  EXPECT_EQ(at_once, (std::vector<std::vector<std::string>>{{"/beside/1a", "/beside/2"},
                                                            {"/alone"
                                                             "b",
                                                             "/beside/3"},
                                                            {"refused", "/beside/4", "/beside/5c"},
                                                            {"refused"}}));
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 50UL, 200UL}) {
    std::vector<std::string> flat;
    for (const auto& group : together(text, piece)) {
      for (const auto& one : group) {
        if (one != "go on") flat.push_back(one);
      }
    }
    EXPECT_EQ(flat, (std::vector<std::string>{"/beside/1a", "/beside/2",
                                              "/alone"
                                              "b",
                                              "/beside/3", "refused", "/beside/4", "/beside/5c", "refused"}))
        << piece;
  }
}

}  // namespace
}  // namespace cardgate::daemon
