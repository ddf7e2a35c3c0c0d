// The README's first example: publish a map, receive it back, with the configuration of ./weft.d.

#include <chrono>
#include <iostream>

#include "fabric/fabric.hpp"

int main() {
    using namespace std::chrono_literals;
    try {
        auto fabric = weft::fabric::Fabric::open();

        auto commits = fabric->subscribe({"git.**"});
        if (!commits->wait_ready(2s).ready) {
            std::cerr << "no relay: start `weft relay` first\n";
            return 1;
        }
        fabric->publish("git.commit", {{"hash", "2f1c9e"}, {"author", "ann"}, {"files", 3}});

        if (auto message = commits->receive(2s)) {
            std::cout << message->topic() << " from " << message->signer()
                      << (message->verified() ? " (verified): " : " (not verified): ")
                      << message->value()["hash"].text_or("?") << '\n';
            return 0;
        }
        std::cerr << "nothing came\n";
        return 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
