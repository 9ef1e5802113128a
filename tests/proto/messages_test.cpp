// SPDX-License-Identifier: Apache-2.0
#include "proto/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"

#include "proto/token.hpp"

namespace cardgate::proto {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view sign_in =
    R"({"reader":"Virtual PCD 00 00","card":"5f1d","tries_left":3,"passcode":"864209","for_uid":1000,"spend_last_try":true})";

TEST(SignInMessage, IsRead) {
  const auto message = parse_sign_in(sign_in);
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(message->reader, "Virtual PCD 00 00");
  EXPECT_EQ(message->card, "5f1d");
  EXPECT_EQ(message->tries_left, 3);
  EXPECT_EQ(message->passcode.text(), "864209");
  EXPECT_EQ(message->for_uid, 1000U);
  EXPECT_TRUE(message->spend_last_try);
}

TEST(SignInMessage, NullIsACardThatDoesNotTellItsTries) {
  const auto message = parse_sign_in(R"({"reader":"r","card":"c","tries_left":null,"passcode":"1"})");
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(message->tries_left, tries_not_told);
  EXPECT_FALSE(parse_sign_in(R"({"reader":"r","card":"c","tries_left":-1,"passcode":"1"})"));
}

TEST(SignInMessage, NeedsNoUidAndSpendsNoLastTryByItself) {
  const auto message = parse_sign_in(R"({"reader":"r","card":"c","tries_left":1,"passcode":""})");
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_FALSE(message->for_uid);
  EXPECT_FALSE(message->spend_last_try);
  EXPECT_TRUE(message->passcode.empty());  // its form is another room's to judge
}

TEST(SignInMessage, TruncatedAtAnyLengthIsRefused) {
  for (std::size_t length = 0; length < sign_in.size(); ++length) {
    const auto message = parse_sign_in(sign_in.substr(0, length));
    ASSERT_FALSE(message) << length;
    EXPECT_EQ(message.error().code, Errc::malformed);
    EXPECT_THAT(message.error().context, Not(HasSubstr("8642")));
  }
}

struct Wrong {
  std::string_view body, says;
};

TEST(SignInMessage, NamesTheMemberThatIsWrong) {
  for (const auto& [body, says] : {
           Wrong{R"({"card":"c","tries_left":3,"passcode":"1"})", "\"reader\" is missing"},
           Wrong{R"({"reader":"r","tries_left":3,"passcode":"1"})", "\"card\" is missing"},
           Wrong{R"({"reader":"r","card":"c","passcode":"1"})", "\"tries_left\" is missing"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3})", "\"passcode\" is missing"},
           Wrong{R"({"reader":1,"card":"c","tries_left":3,"passcode":"1"})", "\"reader\" must be a text"},
           Wrong{R"({"reader":"r\n","card":"c","tries_left":3,"passcode":"1"})", "\"reader\" holds control"},
           Wrong{R"({"reader":"r","card":"","tries_left":3,"passcode":"1"})", "\"card\" is empty"},
           Wrong{R"({"reader":"r","card":"c","tries_left":"3","passcode":"1"})",
                 "\"tries_left\" must be a whole"},
           Wrong{R"({"reader":"r","card":"c","tries_left":16,"passcode":"1"})", "\"tries_left\" must be"},
           Wrong{R"({"reader":"r","card":"c","tries_left":-1,"passcode":"1"})", "\"tries_left\" must be"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3.0,"passcode":"1"})", "\"tries_left\" must be"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":123456})",
                 "\"passcode\" must be a text"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","for_uid":4294967295})",
                 "\"for_uid\" must"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","for_uid":null})",
                 "\"for_uid\" must"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","account":1000})",
                 "\"account\" must"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","account":""})",
                 "\"account\" is empty"},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","spend_last_try":1})",
                 "\"spend_last_try\""},
           Wrong{R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","pin":"1"})",
                 "\"pin\" is not a member"},
           Wrong{R"({"username":"u","password":"p"})", "\"reader\" is missing"},
           Wrong{R"(["reader"])", "must be a JSON object"},
       }) {
    const auto message = parse_sign_in(body);
    ASSERT_FALSE(message) << body;
    EXPECT_EQ(message.error().code, Errc::invalid_argument) << body;
    EXPECT_THAT(message.error().context, HasSubstr(std::string(says))) << body;
  }
}

TEST(SignInMessage, IsByCardOrByPasswordAndNeverHalfOfBoth) {
  const auto by_password =
      parse_any_sign_in("{\"username\":\"ada\",\"password\":\"p\u00e4ss w\u00f6rd \\u0041\"}");
  ASSERT_TRUE(by_password) << by_password.error().context;
  EXPECT_EQ(std::get<PasswordSignIn>(*by_password).password.text(), "p\u00e4ss w\u00f6rd A");
  const auto by_card = parse_any_sign_in(R"({"reader":"r","card":"c","tries_left":3,"passcode":"1"})");
  ASSERT_TRUE(by_card);
  EXPECT_EQ(std::get<SignIn>(*by_card).passcode.text(), "1");
  for (const char* bad :
       {R"({"username":"u"})", R"({"password":"p"})", R"({"username":"","password":"p"})",
        R"({"username":"u","password":"p","reader":"r"})", R"({"username":"u\n","password":"p"})",
        R"({"username":"u","password":"p","for_uid":1})", "[]"}) {
    EXPECT_FALSE(parse_any_sign_in(bad)) << bad;
  }
  const std::string longest(max_password_bytes, 'x');
  EXPECT_TRUE(parse_any_sign_in(R"({"username":"u","password":")" + longest + "\"}"));
  EXPECT_FALSE(parse_any_sign_in(R"({"username":"u","password":"x)" + longest + "\"}"));
}

TEST(PasswordMessages, AreTheSameFromEveryKeyboard) {
  const auto in_parts =
      parse_password_change(R"({"username":"u","password":"e\u0301","new_password":"\uff11"})");
  ASSERT_TRUE(in_parts);
  EXPECT_EQ(in_parts->password.text(), "\u00e9");
  EXPECT_EQ(in_parts->new_password.text(), "1");
  const auto by_password = parse_any_sign_in(R"({"username":"u","password":"e\u0301"})");
  EXPECT_EQ(std::get<PasswordSignIn>(*by_password).password.text(), "\u00e9");
  EXPECT_EQ(parse_activation(R"({"username":"u","code":"c","new_password":"e\u0301"})")->new_password.text(),
            "\u00e9");
}

TEST(PasswordMessages, AreReadStrictly) {
  const auto change = parse_password_change(R"({"username":"u","password":"a","new_password":"b"})");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->new_password.text(), "b");
  EXPECT_FALSE(parse_password_change(R"({"username":"u","password":"a"})"));
  EXPECT_EQ(parse_activation(R"({"username":"u","code":"c","new_password":"b"})")->code.text(), "c");
  EXPECT_FALSE(parse_activation(R"({"username":"u","code":"c"})"));
}

TEST(EnrolmentMessage, NamesADayThatThereIsAndRepeatsNoneOfIt) {
  const auto with = [](const std::string& born, const std::string& start) {
    return parse_enrolment(R"({"name":"Ada Example","date_of_birth":")" + born +
                           R"(","national_insurance":")" + start + "\"}");
  };
  const auto good = with("1990-02-28", "QQ12");
  ASSERT_TRUE(good);
  EXPECT_EQ(to_text(good->date_of_birth), "1990-02-28");
  for (const char* born : {"1990-02-30", "28/02/1990", ""}) {
    const auto bad = with(born, "QQ12");
    ASSERT_FALSE(bad) << born;
    EXPECT_THAT(bad.error().context, Not(HasSubstr("1990")));
  }
  EXPECT_FALSE(with("1990-02-28", "QQ123456C")) << "nobody needs the whole number";
}

TEST(SignInMessage, NeverRepeatsWhatWasTypedInTheWrongPlace) {
  const auto message =
      parse_sign_in(R"({"reader":"r","card":"c","tries_left":3,"passcode":"1","864209":true})");
  ASSERT_FALSE(message);
  EXPECT_THAT(message.error().context, Not(HasSubstr("864209")));
}

TEST(SignInMessage, RefusesWhatIsTooLong) {
  const auto with = [](const std::string& reader, const std::string& card, const std::string& passcode) {
    return parse_sign_in(R"({"reader":")" + reader + R"(","card":")" + card +
                         R"(","tries_left":3,"passcode":")" + passcode + "\"}");
  };
  const auto text = [](std::size_t size) { return std::string(size, '1'); };
  EXPECT_TRUE(with(text(max_reader_bytes), text(max_card_bytes), text(max_passcode_bytes)));
  EXPECT_FALSE(with(text(max_reader_bytes + 1), "c", "1"));
  EXPECT_FALSE(with("r", text(max_card_bytes + 1), "1"));
  EXPECT_FALSE(with("r", "c", text(max_passcode_bytes + 1)));
  EXPECT_EQ(parse_sign_in(std::string(max_sign_in_body + 1, ' ')).error().code, Errc::too_large);
}

TEST(SignInMessage, HoldsManySmallValuesInLockedMemory) {
  std::string body = R"({"reader":[)";
  while (body.size() < max_sign_in_body - 8) body += "{},";
  body += "{}]}";
  EXPECT_EQ(parse_sign_in(body).error().code, Errc::invalid_argument);
}

TEST(TokenRequestMessage, IsRead) {
  const auto message = parse_token_request(R"({"role":"core","audience":"esr","session":"abc"})");
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(message->role, "core");
  EXPECT_EQ(message->audience, "esr");
  EXPECT_EQ(message->session, "abc");
  EXPECT_TRUE(parse_token_request(R"({"role":"core","audience":"esr"})")->session.empty());
}

TEST(TokenRequestMessage, NamesTheMemberThatIsWrong) {
  for (const auto& [body, says] : {
           Wrong{R"({"audience":"esr"})", "\"role\" is missing"},
           Wrong{R"({"role":"core"})", "\"audience\" is missing"},
           Wrong{R"({"role":"core","audience":["esr"]})", "\"audience\" must be a text"},
           Wrong{R"({"role":"core","audience":"esr","session":""})", "\"session\" is empty"},
           Wrong{R"({"role":"core","audience":"esr","scope":"x"})", "\"scope\" is not a member"},
           Wrong{R"("core")", "must be a JSON object"},
       }) {
    const auto message = parse_token_request(body);
    ASSERT_FALSE(message) << body;
    EXPECT_EQ(message.error().code, Errc::invalid_argument) << body;
    EXPECT_THAT(message.error().context, HasSubstr(std::string(says))) << body;
  }
  EXPECT_EQ(parse_token_request(R"({"role":"core","role":"core","audience":"esr"})").error().code,
            Errc::malformed);
}

TEST(TokenRequestMessage, TruncatedAtAnyLengthIsRefused) {
  constexpr std::string_view body = R"({"role":"core","audience":"esr","session":"abc"})";
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_FALSE(parse_token_request(body.substr(0, length))) << length;
  }
}

TEST(ScreenMessage, IsReadStrictly) {
  EXPECT_TRUE(parse_screen(R"({"locked":true})").value());
  EXPECT_FALSE(parse_screen(R"({"locked":false})").value());
  for (const auto& [body, says] : {
           Wrong{"{}", "\"locked\" is missing"},
           Wrong{R"({"locked":1})", "\"locked\" must be true or false"},
           Wrong{R"({"locked":"true"})", "\"locked\" must be true or false"},
           Wrong{R"({"locked":null})", "\"locked\" must be true or false"},
           Wrong{R"({"locked":true,"until":"noon"})", "\"until\" is not a member"},
           Wrong{"true", "must be a JSON object"},
       }) {
    const auto message = parse_screen(body);
    ASSERT_FALSE(message) << body;
    EXPECT_EQ(message.error().code, Errc::invalid_argument) << body;
    EXPECT_THAT(message.error().context, HasSubstr(std::string(says))) << body;
  }
  constexpr std::string_view body = R"({"locked":true})";
  for (std::size_t length = 0; length < body.size(); ++length)
    EXPECT_FALSE(parse_screen(body.substr(0, length)));
}

TEST(FormToken, IsDecoded) {
  EXPECT_EQ(*parse_form_token("token=a.b.c"), "a.b.c");
  EXPECT_EQ(*parse_form_token("token_type_hint=access_token&token=a%2Eb%2ec"), "a.b.c");
  EXPECT_EQ(*parse_form_token("&token=a+b&&x=&"), "a b");
}

TEST(FormToken, RefusesWhatIsAmbiguousOrBroken) {
  for (const std::string_view body :
       {"", "&", "token", "token=", "hint=1", "token=a&token=a", "token=a&%74oken=b", "x=1&x=2&token=a",
        "token=%", "token=%2", "token=%zz", "token=a&lonely"}) {
    EXPECT_FALSE(parse_form_token(body)) << body;
  }
  std::string many = "token=a";
  for (int i = 0; i < 20; ++i) many += "&p" + std::to_string(i) + "=";
  EXPECT_FALSE(parse_form_token(many));
  EXPECT_FALSE(parse_form_token("token=" + std::string(max_token_bytes + 1, 'a')));
  EXPECT_EQ(parse_form_token("token=" + std::string(max_form_body, 'a')).error().code, Errc::too_large);
}

}  // namespace
}  // namespace cardgate::proto
