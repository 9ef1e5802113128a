// SPDX-License-Identifier: Apache-2.0
// hello_cardgate [SOCKET]: who is signed in, a token for the record system, and a word when the person leaves.
//
//   g++ -std=c++17 hello_cardgate.cpp $(pkg-config --cflags --libs cardgate) -o hello_cardgate
#include <cardgate/client.hpp>
#include <iostream>

int main(int count, char** arguments) {
  cardgate::Options options;
  if (count > 1) options.socket = arguments[1];
  const cardgate::Client client(options);

  const auto session = client.session();
  if (!session) {
    std::cerr << session.error().text << "\n";
    return 1;
  }
  std::cout << "Hello " << session->name << std::endl;

  cardgate::TokenSource tokens(client, "core", "esr");
  if (const auto token = tokens.get()) {
    // Here your program calls the record system, with the header "Authorization: Bearer " + token->text().
    std::cout << "A token for " << std::chrono::duration_cast<std::chrono::seconds>(token->left()).count()
              << " s" << std::endl;
  } else {
    std::cerr << token.error().text << "\n";
    for (const auto& missing : token.error().missing)
      std::cerr << "- " << missing.text << ". " << missing.next_step << "\n";
    return 1;
  }

  cardgate::Watch watch(client);
  for (;;) {
    const auto event = watch.next(std::chrono::hours(1));
    if (!event && event.error().code == cardgate::Errc::timeout) continue;
    if (event && event->what == cardgate::Event::What::watching) {
      // It may have ended before we listened.
      if (!client.session(session->id)) break;
      std::cout << "Take the card out" << std::endl;
      continue;
    }
    // When nothing is heard any more, act as if the person had left.
    if (!event || (event->what == cardgate::Event::What::ended && event->session == session->id)) break;
  }
  std::cout << "Goodbye " << session->name << std::endl;
}
