// The README's second example as a whole program: a consumer that acknowledges, and a publisher
// that names whom it must reach, with the configuration of ./weft.d. Both are this process, by the
// name of its certificate. tests/tidy checks that the README shows these very lines.

#include <chrono>
#include <iostream>

#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"

using namespace std::chrono_literals;
using weft::reliability::AckLevel;

int main() {
    try {
        auto fabric = weft::fabric::Fabric::open();
        const std::string us = fabric->settings().name;
        weft::reliability::AckConsumer consumer(*fabric, {"deploy.**"}, [](const auto& delivery) {
            if (delivery.message().value()["version"].is_nil()) delivery.reject("no version");
        });
        if (!consumer.wait_ready(2s).ready) {
            std::cerr << "no relay: start `weft relay` first\n";
            return 1;
        }

        weft::reliability::ReliablePublisher reliable(*fabric);
        try {
            reliable.publish("deploy.start", {{"version", "1.4"}},
                             {.recipients = us, .level = AckLevel::processed, .ack_timeout = 3s});
            std::cout << us << " has deployed it\n";
            reliable.publish("deploy.start", {{"version", "1.5"}},
                             {.recipients = {us, "any(ghost.host1, ghost.host2)"}});
        } catch (const weft::reliability::ReliablePublishFailed& failed) {
            std::cout << failed.what() << '\n';  // names who stayed silent, and who did not
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
